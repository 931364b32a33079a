#include "image/padding.h"

#include "image/voxel_types.h"

#include <algorithm>

#include <fmt/format.h>

namespace pillar {

PaddedVoxels padding_to_air(const at::Tensor& voxels_dhw) {
  PaddedVoxels result;
  result.voxels = voxels_dhw;
  with_voxel_type(voxels_dhw.scalar_type(), [&]<typename T>(std::type_identity<T>) {
    if constexpr (std::is_signed_v<T>) {
      const auto is_padding = [](T value) { return is_padding_hu(static_cast<double>(value)); };
      const at::Tensor values = voxels_dhw.contiguous();
      const T* data = values.const_data_ptr<T>();
      result.count = std::count_if(data, data + values.numel(), is_padding);
      if (result.count == 0) return;
      result.voxels = values.clone();
      T* out = result.voxels.mutable_data_ptr<T>();
      std::replace_if(out, out + values.numel(), is_padding, static_cast<T>(kAirHu));
    }
  });
  return result;
}

std::string padding_note(std::int64_t count) {
  return fmt::format("{} voxels are padding and count as air ({:g} HU) in resampling", count, kAirHu);
}

}  // namespace pillar
