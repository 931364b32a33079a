// Files as torch.save() writes them, and others that it would not.
#pragma once

#include "pillar/core/file.h"

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar::test {

// Pickle text, piece by piece (protocol 2).
std::string pickled_text(const std::string& text);
std::string pickled_integer(int value);
std::string pickled_global(const std::string& module, const std::string& name);
std::string pickled_tuple(const std::vector<std::string>& items);
std::string pickled_dict(const std::vector<std::pair<std::string, std::string>>& items, bool ordered = false);

// A module and its class, as _rebuild_tensor_v2 is called for storage `key`.
struct PickledTensor {
  int key = 0;
  std::string storage = "FloatStorage";
  std::vector<int> sizes = {}, strides = {};
  int offset = 0;
};
std::string pickled(const PickledTensor& tensor);

// The zip around a pickle: "data.pkl" and "data/<i>" of each storage, and any other records.
Bytes torch_file(const std::string& pickle, const std::vector<at::Tensor>& storages,
                 const std::vector<std::pair<std::string, std::string>>& others = {}, bool deflate = false);

// An ordered dict of float32, int64 or uint8 tensors, inside dicts of the given keys from the outermost on.
Bytes torch_state_dict(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::vector<std::string>& keys = {});

}  // namespace pillar::test
