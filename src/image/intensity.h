// From the values of a loaded scan to the 16 bits that a sample stores.
#pragma once

#include <string_view>

#include <ATen/core/Tensor.h>

namespace pillar {

// slope * value + offset: int32 of whole values by a whole slope and offset, values beyond it at its ends,
// else float32. Contiguous or not; the result is contiguous.
at::Tensor rescale_voxels(const at::Tensor& voxels, double slope, double offset);

// All others throw Error(input) naming `source_name` and the first value at fault; contiguous tensors in and
// out.

// Truncates towards zero, as ITK casts; a value beyond int16 is an error.
at::Tensor ct_to_int16(const at::Tensor& voxels, std::string_view source_name);

// trunc((v - min) / (max - min) * 65535) with every value made float32 first, zeros if all are equal or
// the range is beyond float32.
at::Tensor min_max_to_uint16(const at::Tensor& voxels);

// Whole values as they are: int16 where they fit it and `prefer_signed` or one is negative, else uint16.
// `advice` ends the message of an error.
at::Tensor whole_to_16_bits(const at::Tensor& voxels, bool prefer_signed, std::string_view source_name,
                            std::string_view advice);

}  // namespace pillar
