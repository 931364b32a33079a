#include "core/shared/tensor_bytes.h"

#include <algorithm>

namespace pillar {

std::optional<std::uint64_t> dense_byte_size(at::IntArrayRef shape, std::size_t element_size) {
  auto size = static_cast<std::int64_t>(element_size);
  bool empty = false;
  for (std::int64_t dimension : shape) {
    empty |= dimension == 0;
    if (__builtin_mul_overflow(size, std::max<std::int64_t>(dimension, 1), &size)) return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(size);
}

at::Tensor as_stored(const at::Tensor& tensor) {
  return tensor.detach().resolve_neg().cpu().contiguous();
}

ByteView tensor_bytes(const at::Tensor& tensor) {
  return {static_cast<const std::uint8_t*>(tensor.const_data_ptr()), tensor.nbytes()};
}

bool are_bools(ByteView bytes) {
  std::uint8_t any = 0;
  for (std::uint8_t byte : bytes) any |= byte;
  return any <= 1;
}

}  // namespace pillar
