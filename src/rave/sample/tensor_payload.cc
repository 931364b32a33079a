#include "rave/sample/tensor_payload.h"

#include "pillar/core/fail.h"
#include "pillar/core/npy.h"

#include "core/shared/joined.h"
#include "core/shared/npy_header.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace pillar {
namespace {

// Calls `body` with a pointer of the tensor's element type.
template <typename Body>
auto with_elements(const at::Tensor& tensor, const std::string& name, Body body) {
  const void* data = tensor.const_data_ptr();
  switch (tensor.scalar_type()) {
    case at::kBool:
    case at::kByte:
      return body(static_cast<const std::uint8_t*>(data));
    case at::kChar:
      return body(static_cast<const std::int8_t*>(data));
    case at::kShort:
      return body(static_cast<const std::int16_t*>(data));
    case at::kUInt16:
      return body(static_cast<const std::uint16_t*>(data));
    case at::kInt:
      return body(static_cast<const std::int32_t*>(data));
    case at::kUInt32:
      return body(static_cast<const std::uint32_t*>(data));
    case at::kLong:
      return body(static_cast<const std::int64_t*>(data));
    case at::kUInt64:
      return body(static_cast<const std::uint64_t*>(data));
    case at::kHalf:
      return body(static_cast<const at::Half*>(data));
    case at::kBFloat16:
      return body(static_cast<const at::BFloat16*>(data));
    case at::kFloat:
      return body(static_cast<const float*>(data));
    case at::kDouble:
      return body(static_cast<const double*>(data));
    default:
      fail(ErrorCategory::input, "{}: voxels of type {}", name, at::toString(tensor.scalar_type()));
  }
}

template <typename Out, typename In>
void convert(const In* in, Out* out, std::int64_t count, const std::string& name) {
  if constexpr (std::is_same_v<In, Out> && std::is_integral_v<In>) {
    std::memcpy(out, in, static_cast<std::size_t>(count) * sizeof(Out));
  } else {
    bool finite = true;
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = static_cast<Out>(in[i]);
      if constexpr (std::is_floating_point_v<Out>) finite &= std::isfinite(out[i]);
    }
    if (!finite) fail(ErrorCategory::input, "{}: a voxel is NaN or infinite", name);
  }
}

}  // namespace

at::Tensor as_dhw(const at::Tensor& stored, const std::string& name) {
  at::Tensor tensor = stored.dim() == 4 && stored.size(0) == 1 ? stored.squeeze(0) : stored;
  if (tensor.dim() != 3 || tensor.numel() == 0) {
    fail(ErrorCategory::input, "{}: an array of shape {}, not slices x rows x columns", name,
         fmt::format("[{}]", joined(stored.sizes().begin(), stored.sizes().end(), ",")));
  }
  return tensor;
}

at::Tensor view_npy(ByteView bytes, const std::string& name) {
  const NpyHeader header = parse_npy_header(bytes, name);
  const std::uint8_t* data = bytes.data() + header.data_begin;
  const std::size_t alignment = c10::elementSize(header.dtype);
  const bool as_it_is = !header.big_endian && !header.fortran_order && header.dtype != at::kBool &&
                        reinterpret_cast<std::uintptr_t>(data) % alignment == 0 &&
                        bytes.size() - header.data_begin == header.data_bytes;
  if (!as_it_is) return as_dhw(parse_npy(bytes, name), name);
  // Only read from: the cast takes nothing away.
  return as_dhw(at::from_blob(const_cast<std::uint8_t*>(data), header.shape, header.dtype), name);
}

at::ScalarType narrowed_type(const at::Tensor& stored, const std::string& name) {
  const at::Tensor values = stored.contiguous();
  const std::int64_t count = values.numel();
  return with_elements(values, name, [count](const auto* in) {
    using In = std::remove_cv_t<std::remove_pointer_t<decltype(in)>>;
    if constexpr (!std::is_integral_v<In>) {
      return at::kFloat;
    } else if constexpr (std::is_same_v<In, std::uint16_t>) {
      return at::kUInt16;
    } else if constexpr (sizeof(In) < 2 || std::is_same_v<In, std::int16_t>) {
      return at::kShort;
    } else {
      const auto [low, high] = std::minmax_element(in, in + count);
      if (std::in_range<std::int16_t>(*low) && std::in_range<std::int16_t>(*high)) return at::kShort;
      if (std::in_range<std::uint16_t>(*low) && std::in_range<std::uint16_t>(*high)) return at::kUInt16;
      return at::kFloat;
    }
  });
}

at::Tensor convert_voxels(const at::Tensor& stored, at::ScalarType type, const std::string& name) {
  const at::Tensor values = stored.contiguous();
  at::Tensor result = at::empty(values.sizes(), type);
  const std::int64_t count = values.numel();
  with_elements(values, name, [&](const auto* in) {
    if (type == at::kShort) {
      convert(in, static_cast<std::int16_t*>(result.data_ptr()), count, name);
    } else if (type == at::kUInt16) {
      convert(in, static_cast<std::uint16_t*>(result.data_ptr()), count, name);
    } else {
      convert(in, static_cast<float*>(result.data_ptr()), count, name);
    }
  });
  return result;
}

}  // namespace pillar
