#include "image/volume_file/stored_voxels.h"

#include "pillar/core/fail.h"

#include "image/voxel_types.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

// As with_voxel_type(), and the types that only files have.
template <typename Call>
void with_stored_type(at::ScalarType type, const Call& call) {
  switch (type) {
    case at::kChar:
      return call(std::type_identity<std::int8_t>());
    case at::kUInt32:
      return call(std::type_identity<std::uint32_t>());
    case at::kLong:
      return call(std::type_identity<std::int64_t>());
    case at::kUInt64:
      return call(std::type_identity<std::uint64_t>());
    default:
      return with_voxel_type(type, call);
  }
}

template <std::size_t size>
void reverse_each(unsigned char* bytes, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) std::reverse(bytes + i * size, bytes + (i + 1) * size);
}

template <typename From, typename To>
at::Tensor narrow_to(const at::Tensor& stored, at::ScalarType type, const std::filesystem::path& path) {
  at::Tensor result = at::empty(stored.sizes(), stored.options().dtype(type));
  const From* from = static_cast<const From*>(stored.const_data_ptr());
  To* to = result.mutable_data_ptr<To>();
  for (std::int64_t i = 0; i < stored.numel(); ++i) {
    if (!std::in_range<To>(from[i]))
      fail(ErrorCategory::input, "{}: the value {} does not fit {} bits", path, from[i], 8 * sizeof(To));
    to[i] = static_cast<To>(from[i]);
  }
  return result;
}

}  // namespace

at::Tensor new_voxels(const SizeDhw& size, at::ScalarType type, const std::filesystem::path& path) {
  try {
    return at::empty(size, type);
  } catch (const c10::Error&) {
    fail(ErrorCategory::io, "{}: not enough memory for {}x{}x{} voxels", path, size[2], size[1], size[0]);
  }
}

void swap_bytes(at::Tensor& voxels) {
  auto* bytes = static_cast<unsigned char*>(voxels.mutable_data_ptr());
  switch (voxels.element_size()) {
    case 2:
      return reverse_each<2>(bytes, voxels.numel());
    case 4:
      return reverse_each<4>(bytes, voxels.numel());
    case 8:
      return reverse_each<8>(bytes, voxels.numel());
    default:
      return;
  }
}

at::Tensor scale_voxels(const at::Tensor& stored, double slope, double intercept) {
  const at::ScalarType type = stored.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor result =
      type == stored.scalar_type() ? stored : at::empty(stored.sizes(), stored.options().dtype(type));
  with_stored_type(stored.scalar_type(), [&]<typename From>(std::type_identity<From>) {
    using To = std::conditional_t<std::is_same_v<From, double>, double, float>;
    const From* from = static_cast<const From*>(stored.const_data_ptr());
    To* to = static_cast<To*>(result.mutable_data_ptr());
    for (std::int64_t i = 0; i < stored.numel(); ++i) {
      const double scaled = static_cast<double>(static_cast<To>(from[i])) * slope;
      to[i] = static_cast<To>(scaled + intercept);
    }
  });
  return result;
}

at::Tensor to_volume_type(const at::Tensor& stored, const std::filesystem::path& path) {
  switch (stored.scalar_type()) {
    case at::kChar:
      return narrow_to<std::int8_t, std::int16_t>(stored, at::kShort, path);
    case at::kUInt32:
      return narrow_to<std::uint32_t, std::int32_t>(stored, at::kInt, path);
    case at::kLong:
      return narrow_to<std::int64_t, std::int32_t>(stored, at::kInt, path);
    case at::kUInt64:
      return narrow_to<std::uint64_t, std::int32_t>(stored, at::kInt, path);
    default:
      return stored;
  }
}

}  // namespace pillar
