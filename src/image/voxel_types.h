// The types that a Volume's voxels can have.
#pragma once

#include "pillar/core/fail.h"

#include <cstdint>
#include <type_traits>

#include <c10/core/ScalarType.h>

// For explicit instantiation: X(type) for each.
#define PILLAR_FOR_VOXEL_TYPES(X) \
  X(std::uint8_t) X(std::int16_t) X(std::uint16_t) X(std::int32_t) X(float) X(double)

namespace pillar {

// call(std::type_identity<T>()) for the C++ type of the voxels; throws Error(input) for a type no Volume has.
template <typename Call>
auto with_voxel_type(at::ScalarType type, const Call& call) {
  switch (type) {
    case at::kByte:
      return call(std::type_identity<std::uint8_t>());
    case at::kShort:
      return call(std::type_identity<std::int16_t>());
    case at::kUInt16:
      return call(std::type_identity<std::uint16_t>());
    case at::kInt:
      return call(std::type_identity<std::int32_t>());
    case at::kFloat:
      return call(std::type_identity<float>());
    case at::kDouble:
      return call(std::type_identity<double>());
    default:
      fail(ErrorCategory::input, "voxels of type {}", c10::toString(type));
  }
}

}  // namespace pillar
