#include "core/shared/settled_path.h"

#include <system_error>

namespace pillar {

std::filesystem::path settled_path(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path settled = std::filesystem::absolute(path, error);
  if (error) settled = path;
  settled = settled.lexically_normal();
  return settled.has_filename() || !settled.has_relative_path() ? settled : settled.parent_path();
}

}  // namespace pillar
