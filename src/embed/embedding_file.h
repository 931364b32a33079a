// Internal: single embeddings and their files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

inline constexpr const char* kEmbeddingKey = "embedding";

// The .npz and .safetensors files of a split's folder, in no order; none where there is no folder. Throws
// Error(io).
std::vector<std::filesystem::path> embedding_files(const std::filesystem::path& folder);

// One .npz or .safetensors file as float32 (N), finite. Throws Error(io | input) naming it.
at::Tensor read_embedding_file(const std::filesystem::path& file);

// <split>.csv by accession.
std::map<std::string, at::Tensor> read_embedding_csv(const std::filesystem::path& file);
void write_embedding_csv(const std::filesystem::path& file, const std::map<std::string, at::Tensor>& rows);

bool is_finite(const at::Tensor& values);

}  // namespace pillar
