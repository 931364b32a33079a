// Internal: what torch.save() wrote, a zip of a pickle and raw storages, read without running any of it.
#pragma once

#include "pillar/core/file.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// True for a zip and for what PyTorch wrote before it wrote zips.
bool looks_like_torch_file(ByteView bytes) noexcept;

// Every tensor by the keys that lead to it, "state_dict.visual.x"; a lone tensor is "". Tensors in lists, and
// in objects of classes other than dict and Parameter, are left out. The tensors are views of `bytes`, not to
// be written to; they keep `owner` alive, and without one the caller keeps `bytes`. Throws Error(input) for
// what is broken, inflates, or reaches past its storage; Error(unsupported) for a tensor that is not dense, a
// dtype that nothing here has, or PyTorch's format of before 2020.
std::map<std::string, at::Tensor> read_torch_tensors(ByteView bytes, const std::string& name,
                                                     const std::shared_ptr<const void>& owner = nullptr);

struct TorchContent {
  std::map<std::string, at::Tensor> tensors;  // of read_torch_tensors()
  std::map<std::string, std::vector<std::string>>
      text_lists;  // lists and tuples of nothing but text, not empty
};
// The lists as well, by the keys that lead to them. Throws Error(input) also for lists with more text than
// the pickle is long.
TorchContent read_torch_content(ByteView bytes, const std::string& name,
                                const std::shared_ptr<const void>& owner = nullptr);

}  // namespace pillar
