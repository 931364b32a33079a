// Internal: values that lie over the voxels of a scan, such as where a model looked, as levels and colours.
#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pillar::viz {

// uint8 (D,H,W): 255 where the overlay is largest, 0 where it is 0. Throws Error(input) unless the overlay
// has the size of `volume` and values that are finite and not below 0.
at::Tensor overlay_levels(const at::Tensor& overlay_dhw, const at::Tensor& volume);

void check_opacity(double opacity);  // throws Error(usage)

// A grey pixel below a level of the overlay: from grey towards yellow for little of it and red for the most.
std::array<std::uint8_t, 3> tinted(std::uint8_t grey, std::uint8_t level, double opacity);

// Index of the first voxel with the highest level, along D, H and W.
std::array<std::int64_t, 3> highest(const at::Tensor& levels_dhw);

}  // namespace pillar::viz
