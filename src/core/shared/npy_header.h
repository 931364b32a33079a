// Internal: the header of a .npy file.
#pragma once

#include "pillar/core/file.h"

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct NpyHeader {
  at::ScalarType dtype = at::kByte;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::size_t data_begin = 0;    // from the beginning of the file
  std::uint64_t data_bytes = 0;  // what shape and dtype take
};

// Throws Error(input). `bytes` may end anywhere behind the header: the data is not looked at.
NpyHeader parse_npy_header(ByteView bytes, const std::string& name);

// Magic, version 1.0, length and padding included. Throws Error(unsupported) for a dtype NumPy does not have.
std::string format_npy_header(const at::Tensor& tensor, const std::string& name);

}  // namespace pillar
