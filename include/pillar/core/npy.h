// NumPy .npy (versions 1 to 3) and .npz (zip, stored or deflated) files: little- or big-endian, C or Fortran
// order, bool, integer and float types, 16-bit floats included. Fortran order is returned as a contiguous
// C-order tensor.
#pragma once

#include "pillar/core/file.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// `name` is what error messages call the data. Throws Error(input) on a bad magic, header, dtype (objects,
// strings), or a size that disagrees with the header; the claimed size is checked before anything is
// allocated.
at::Tensor parse_npy(ByteView bytes, const std::string& name);
at::Tensor read_npy(const std::filesystem::path& path);

Bytes format_npy(const at::Tensor& tensor);  // version 1.0, little-endian, C order
void write_npy(const std::filesystem::path& path, const at::Tensor& tensor);  // atomic

// Arrays by name without ".npy". `max_bytes` bounds the inflated size of all of them together. Throws
// Error(input) for a broken or truncated zip, a bad checksum, a repeated name, and an entry that is no .npy
// file.
std::map<std::string, at::Tensor> read_npz(const std::filesystem::path& path,
                                           std::uint64_t max_bytes = 1ull << 36);
void write_npz(const std::filesystem::path& path,
               const std::vector<std::pair<std::string, at::Tensor>>& arrays);

}  // namespace pillar
