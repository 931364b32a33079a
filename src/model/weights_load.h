// Internal: the files of a checkpoint and the names in them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

// Every tensor as its file names it, views of the mapped files. What load_weights() says of folders, files
// and errors holds here.
std::map<std::string, at::Tensor> read_checkpoint_tensors(const std::filesystem::path& model);

// Without what trainers put in front: any run of "module.", "model.", "backbone_model.", "state_dict." and
// the like.
std::string canonical_name(std::string_view name);

}  // namespace pillar
