#include "metrics/shared/run_folder.h"

#include "pillar/core/fail.h"

#include <system_error>

namespace pillar {

void make_run_folder(const std::filesystem::path& run_folder) {
  std::error_code error;
  std::filesystem::create_directories(run_folder, error);
  if (!error && std::filesystem::is_directory(run_folder, error)) return;
  fail(ErrorCategory::io, "{}: cannot be made: {}", run_folder,
       error ? error.message() : "something that is no folder is there");
}

}  // namespace pillar
