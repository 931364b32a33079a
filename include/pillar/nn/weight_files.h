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

// Every tensor of a checkpoint under the name and with the dtype that its file gives it, as views of the mapped
// files, which `files` receives. `model` is one file that torch.save() or safetensors wrote, or a folder:
// model.safetensors, model.safetensors.index.json with its shards, or its only .safetensors, .pt, .pth or .ckpt
// file. A training checkpoint's optimiser and random state are left out; nothing in a file is ever run. Throws
// Error(io) for what cannot be read, Error(input) for a broken file, shards that contradict their index, or no
// tensor at all.
WeightMap read_weight_files(const std::filesystem::path& model, MappedFiles& files);

// The name without what trainers put in front of it: any run of "module.", "model.", "backbone_model.",
// "state_dict." and "model_state_dict.".
std::string canonical_name(std::string_view name);

}  // namespace pillar
