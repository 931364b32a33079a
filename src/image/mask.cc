#include "pillar/core/fail.h"
#include "pillar/image/preprocess.h"

#include "image/voxel_types.h"

#include <array>

namespace pillar {
namespace {

constexpr int kMaxLabel = 20;
constexpr int kMaxLabels = 8;

template <typename T>
bool few_small_labels(const T* voxels, std::int64_t count) {
  std::array<bool, kMaxLabel + 1> seen = {};
  int labels = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const T value = voxels[i];
    if (!(value >= T(0) && value <= T(kMaxLabel))) return false;
    const auto label = static_cast<std::size_t>(value);
    if (static_cast<T>(label) != value) return false;
    if (!seen[label] && ++labels > kMaxLabels) return false;
    seen[label] = true;
  }
  return count > 0;
}

}  // namespace

const char* to_string(MaskPolicy mask) noexcept {
  if (mask == MaskPolicy::detect) return "detect";
  return mask == MaskPolicy::yes ? "yes" : "no";
}

bool looks_like_mask(const at::Tensor& voxels) {
  const at::Tensor values = voxels.contiguous();
  return with_voxel_type(values.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    return few_small_labels(values.const_data_ptr<T>(), values.numel());
  });
}

}  // namespace pillar
