// Internal: the files of a text model in released layout.
#pragma once

#include <filesystem>

namespace pillar {

// `name` in a model's folder, or beside a file of its weights. Throws Error(io) where it is not there.
std::filesystem::path text_model_file(const std::filesystem::path& model, const char* name);

}  // namespace pillar
