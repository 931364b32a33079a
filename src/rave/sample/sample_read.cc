#include "pillar/core/fail.h"
#include "pillar/rave/hu_map.h"

#include "rave/sample/sample_state.h"
#include "rave/sample/tensor_payload.h"
#include "rave/video/frame_decoder.h"
#include "rave/video/video_decode.h"

#include <algorithm>

namespace pillar {
namespace {

Geometry stored_geometry(const std::optional<SampleMetadata>& metadata) {
  if (!metadata) return {};
  if (metadata->geometry) return *metadata->geometry;
  Geometry geometry;
  const auto& spacing = metadata->target_spacing_xyz_mm;
  if (std::all_of(spacing.begin(), spacing.end(), [](double mm) { return mm > 0; }))
    geometry.spacing_xyz_mm = spacing;
  return geometry;
}

at::Tensor read_video(const Sample::State& state, const SliceRange& range, int threads) {
  const ByteView bytes = state.members.volume->bytes;
  const std::string name = state.payload_path();
  const SampleInfo& info = state.info;
  if (info.video->kind == VideoKind::rave10) {
    if (info.dtype == at::kShort) return decode_video(bytes, name, y10_to_hu_table(), range, threads);
    return decode_video(bytes, name, y10_to_gray16_table(), range, threads);
  }
  if (!info.metadata) {
    fail(ErrorCategory::input,
         "{}: a lossless video without its metadata.json, which says what its codes mean", name);
  }
  return decode_video_offset(bytes, name, info.dtype, info.metadata->code_offset, range, threads);
}

at::Tensor read_array(const Sample::State& state, const SliceRange& range) {
  const std::string name = state.payload_path();
  const auto [begin, end] = resolve_range(range, state.info.size_dhw[0], name);
  return convert_voxels(state.stored.slice(0, begin, end), state.info.dtype, name);
}

}  // namespace

Volume Sample::read(SliceRange range, int threads) const {
  const SampleInfo& sample = state_->info;
  Volume volume;
  volume.modality = sample.metadata ? sample.metadata->modality : Modality::ct;
  volume.geometry = stored_geometry(sample.metadata);
  volume.geometry.origin_xyz_mm = volume.geometry.point({0, 0, static_cast<double>(range.begin)});
  volume.voxels_dhw =
      sample.payload == PayloadKind::video ? read_video(*state_, range, threads) : read_array(*state_, range);
  return volume;
}

}  // namespace pillar
