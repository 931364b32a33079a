#include "text/qwen3/model_files.h"

#include "pillar/core/fail.h"

namespace pillar {

std::filesystem::path text_model_file(const std::filesystem::path& model, const char* name) {
  std::error_code ignored;
  if (!std::filesystem::exists(model, ignored)) fail(ErrorCategory::io, "{}: no such file or folder", model);
  const bool folder = std::filesystem::is_directory(model, ignored);
  const std::filesystem::path file = (folder ? model : model.parent_path()) / name;
  if (!std::filesystem::exists(file, ignored))
    fail(ErrorCategory::io, "{}: no {} {} it, which a text model needs", model, name,
         folder ? "in" : "beside");
  return file;
}

}  // namespace pillar
