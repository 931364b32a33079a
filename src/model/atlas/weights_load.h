// Internal: the files of a checkpoint and the names in them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

class MappedFile;
using MappedFiles = std::vector<std::shared_ptr<const MappedFile>>;

// Every tensor as its file names it, views of the mapped files. What load_weights() says of folders, files
// and errors holds here. `files` receives what they are views of.
std::map<std::string, at::Tensor> read_checkpoint_tensors(const std::filesystem::path& model,
                                                          MappedFiles& files);

// load_weights(), and what its tensors are views of: a caller that has copied what it needs releases the
// pages.
std::map<std::string, at::Tensor> load_weights(const std::filesystem::path& model, MappedFiles& files);

// Without what trainers put in front: any run of "module.", "model.", "backbone_model.", "state_dict." and
// the like.
std::string canonical_name(std::string_view name);

}  // namespace pillar
