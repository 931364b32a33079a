// Internal: tensors as the bytes that files hold.
#pragma once

#include "pillar/core/file.h"

#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

// Bytes of a dense tensor, none where they pass 2^63. A size of zero counts as one while that is checked, as
// it does in the strides LibTorch computes, so that what passes here is safe to make a tensor of.
std::optional<std::uint64_t> dense_byte_size(at::IntArrayRef shape, std::size_t element_size);

// Contiguous and on the CPU; the tensor itself where it is that already.
at::Tensor as_stored(const at::Tensor& tensor);

// The bytes of a contiguous CPU tensor, which must outlive the view.
ByteView tensor_bytes(const at::Tensor& tensor);

// True if each byte is 0 or 1. C++ may take a bool of any other value for true and false at once.
bool are_bools(ByteView bytes);

}  // namespace pillar
