#include "image/dicom/dicom_voxels.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

namespace pillar {
namespace {

at::Tensor allocate(at::IntArrayRef sizes, at::ScalarType type) {
  try {
    return at::empty(sizes, type);
  } catch (const std::exception&) {
    fail(ErrorCategory::io, "no memory for a volume of {}x{}x{}", sizes[0], sizes[1], sizes[2]);
  }
}

template <typename To, typename From>
void convert(const at::Tensor& from, const at::Tensor& to, const std::vector<bool>& is_set,
             std::int64_t plane_size) {
  const From* source = static_cast<const From*>(from.const_data_ptr());
  To* target = static_cast<To*>(to.mutable_data_ptr());
  for (std::size_t slice = 0; slice < is_set.size(); ++slice) {
    if (!is_set[slice]) continue;
    const std::int64_t begin = static_cast<std::int64_t>(slice) * plane_size;
    std::transform(source + begin, source + begin + plane_size, target + begin,
                   [](From value) { return static_cast<To>(value); });
  }
}

}  // namespace

VoxelBuilder::VoxelBuilder(std::int64_t slices, int rows, int columns)
    : plane_size_(std::int64_t{rows} * columns),
      is_set_(static_cast<std::size_t>(slices), false),
      voxels_(allocate({slices, rows, columns}, at::kShort)) {}

void VoxelBuilder::change_type(at::ScalarType type) {
  if (voxels_.scalar_type() == type) return;
  at::Tensor wider = allocate(voxels_.sizes(), type);
  if (type == at::kUInt16) {
    convert<std::uint16_t, std::int16_t>(voxels_, wider, is_set_, plane_size_);
  } else if (voxels_.scalar_type() == at::kUInt16) {
    convert<double, std::uint16_t>(voxels_, wider, is_set_, plane_size_);
  } else {
    convert<double, std::int16_t>(voxels_, wider, is_set_, plane_size_);
  }
  voxels_ = std::move(wider);
}

void VoxelBuilder::make_room_for(std::int32_t least, std::int32_t most) {
  least_ = std::min(least_, least);
  most_ = std::max(most_, most);
  if (voxels_.scalar_type() == at::kDouble) return;
  if (least_ >= std::numeric_limits<std::int16_t>::min() && most_ <= std::numeric_limits<std::int16_t>::max())
    return;
  change_type(least_ >= 0 && most_ <= std::numeric_limits<std::uint16_t>::max() ? at::kUInt16 : at::kDouble);
}

template <typename Voxel, typename Value>
void VoxelBuilder::store(std::int64_t slice, std::span<const Value> values) {
  Voxel* target = static_cast<Voxel*>(voxels_.mutable_data_ptr()) + slice * plane_size_;
  std::transform(values.begin(), values.end(), target, [](Value value) { return static_cast<Voxel>(value); });
  is_set_[static_cast<std::size_t>(slice)] = true;
}

void VoxelBuilder::set_slice(std::int64_t slice, std::span<const std::int32_t> values) {
  std::int32_t least = 0;
  std::int32_t most = 0;
  for (std::int32_t value : values) {  // plain, so that it becomes vector instructions
    least = std::min(least, value);
    most = std::max(most, value);
  }
  make_room_for(least, most);
  if (voxels_.scalar_type() == at::kShort) {
    store<std::int16_t>(slice, values);
  } else if (voxels_.scalar_type() == at::kUInt16) {
    store<std::uint16_t>(slice, values);
  } else {
    store<double>(slice, values);
  }
}

void VoxelBuilder::set_slice(std::int64_t slice, std::span<const double> values) {
  change_type(at::kDouble);
  store<double>(slice, values);
}

at::Tensor VoxelBuilder::take() {
  return std::move(voxels_);
}

}  // namespace pillar
