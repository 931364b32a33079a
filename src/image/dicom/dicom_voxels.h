// Internal: the voxels of a series under way, in the smallest type that holds what has come so far.
#pragma once

#include "pillar/image/volume.h"

#include <cstdint>
#include <span>
#include <vector>

namespace pillar {

// int16 while values fit, then uint16 if none is negative, else float64. Slices may come in any order, each
// once.
class VoxelBuilder {
 public:
  VoxelBuilder(std::int64_t slices, int rows, int columns);

  void set_slice(std::int64_t slice, std::span<const std::int32_t> values);
  void set_slice(std::int64_t slice, std::span<const double> values);
  at::Tensor take();

 private:
  template <typename Voxel, typename Value>
  void store(std::int64_t slice, std::span<const Value> values);
  void make_room_for(std::int32_t least, std::int32_t most);
  void change_type(at::ScalarType type);

  std::int64_t plane_size_;
  std::vector<bool> is_set_;
  std::int32_t least_ = 0;
  std::int32_t most_ = 0;
  at::Tensor voxels_;
};

}  // namespace pillar
