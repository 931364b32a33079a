// The tensors of a model's files, as the files have them.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Tensors by name, in the order of their names.
using WeightMap = std::map<std::string, at::Tensor>;

// What tensors are views of. A caller that has copied what it needs gives the pages back
// (MappedFile::release_pages).
using MappedFiles = std::vector<std::shared_ptr<const MappedFile>>;

// The files that hold the weights of `model`, which is one file that torch.save() or safetensors wrote, an
// index of shards, or a folder: its model.safetensors, the shards of its model.safetensors.index.json, or its
// only .safetensors, .pt, .pth or .ckpt file. Shards are in the order of their names; the index is none of
// them. Throws Error(io) where there is nothing, Error(input) for several files none of which is called
// model.safetensors, or an index that is none.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& model);

// Every tensor of weight_files(model) under the name and with the dtype that its file gives it, as views of
// the mapped files, which `files` receives. A training checkpoint's optimiser and random state are left out;
// nothing in a file is ever run. Throws what weight_files() throws, Error(io) for what cannot be read,
// Error(input) for a broken file, shards that contradict their index, or no tensor at all.
WeightMap read_weight_files(const std::filesystem::path& model, MappedFiles& files);

// SHA-256 (hexadecimal) over the SHA-256 of each of weight_files(model), in their order: of exactly the bytes
// that read_weight_files(model) would read. What lies beside them does not count, and a config.json is not
// needed. Throws what weight_files() throws.
std::string weights_fingerprint(const std::filesystem::path& model);

// The name without what trainers put in front of it: any run of "module.", "model.", "backbone_model.",
// "state_dict.", "model_state_dict." and "_orig_mod.", the last within the name, too.
std::string canonical_name(std::string_view name);

}  // namespace pillar
