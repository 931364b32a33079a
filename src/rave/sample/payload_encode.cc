#include "rave/sample/payload_encode.h"

#include "pillar/core/fail.h"
#include "pillar/rave/hu_map.h"

#include "core/shared/npy_header.h"
#include "rave/video/encoder_settings.h"
#include "rave/video/video_encode.h"

#include <algorithm>

namespace pillar {
namespace {

constexpr int kPublishedKeyframeInterval = 128;
constexpr int kLosslessKeyframeInterval = 16;
constexpr std::int64_t kMinHu = -1024;
constexpr std::int64_t kMaxHu = 3071;

template <typename Body>
auto with_voxels(const at::Tensor& voxels, Body body) {
  const void* data = voxels.const_data_ptr();
  return voxels.scalar_type() == at::kShort ? body(static_cast<const std::int16_t*>(data))
                                            : body(static_cast<const std::uint16_t*>(data));
}

// Codes of the published stream: HU through its table, clipped to the table's ends; MR grey through the same
// luma.
Bytes encode_rave10(const at::Tensor& voxels, Modality modality, const VideoEncodeOptions& options) {
  const SizeDhw size = size_dhw(voxels);
  const std::int64_t count = size[1] * size[2];
  if (modality == Modality::mr) {
    const auto* gray = static_cast<const std::uint16_t*>(voxels.const_data_ptr());
    return encode_slices(size, options, [&](std::int64_t slice, std::uint16_t* out) {
      std::transform(gray + slice * count, gray + (slice + 1) * count, out, gray16_to_y10);
    });
  }
  const auto& table = hu_to_y10_table();
  return with_voxels(voxels, [&](const auto* hu) {
    return encode_slices(size, options, [&](std::int64_t slice, std::uint16_t* out) {
      std::transform(hu + slice * count, hu + (slice + 1) * count, out, [&](auto value) {
        return table[static_cast<std::size_t>(std::clamp<int>(value, kMinHu, kMaxHu) - kMinHu)];
      });
    });
  });
}

// Which stream holds the values without loss, and what to take off them. HU within the published range keep
// its zero, so that other readers of the stream see them in place.
struct LosslessPlan {
  VideoKind kind;
  std::int64_t offset;
};

LosslessPlan plan_lossless(const at::Tensor& voxels) {
  const auto [low, high] = with_voxels(voxels, [count = voxels.numel()](const auto* values) {
    const auto [least, most] = std::minmax_element(values, values + count);
    return std::pair<std::int64_t, std::int64_t>(*least, *most);
  });
  const bool is_signed = voxels.scalar_type() == at::kShort;
  constexpr std::int64_t kMaxCode = 4095;
  if (is_signed && low >= kMinHu && high <= kMaxHu) return {VideoKind::gray12, kMinHu};
  if (high - low <= kMaxCode) {
    // Offset plus any code must fit the type.
    return {VideoKind::gray12, std::min<std::int64_t>(low, (is_signed ? INT16_MAX : UINT16_MAX) - kMaxCode)};
  }
  return {VideoKind::gray16, is_signed ? INT16_MIN : 0};
}

Bytes encode_lossless(const at::Tensor& voxels, std::int64_t offset, const VideoEncodeOptions& options) {
  const SizeDhw size = size_dhw(voxels);
  const std::int64_t count = size[1] * size[2];
  const auto step = static_cast<std::uint16_t>(offset);
  return with_voxels(voxels, [&](const auto* values) {
    return encode_slices(size, options, [&](std::int64_t slice, std::uint16_t* out) {
      std::transform(values + slice * count, values + (slice + 1) * count, out, [step](auto value) {
        return static_cast<std::uint16_t>(static_cast<std::uint16_t>(value) - step);
      });
    });
  });
}

void store_as_npy(EncodedPayload& payload, SampleMetadata& metadata) {
  payload.npy_header = format_npy_header(payload.voxels, "volume.npy");
  payload.member.name = "volume.npy";
  payload.member.pieces = {
      as_bytes(payload.npy_header),
      ByteView(static_cast<const std::uint8_t*>(payload.voxels.const_data_ptr()), payload.voxels.nbytes())};
  metadata.mode = SampleMode::lossless;
  metadata.codec = "NPY";
  metadata.bit_depth = 16;
  metadata.crf = 0;
  metadata.gop_size = 0;
  metadata.code_offset = 0;
}

void store_as_video(EncodedPayload& payload, SampleMetadata& metadata, const SampleWriteOptions& options,
                    Modality modality) {
  const bool lossy = options.mode == SampleMode::rave10;
  const LosslessPlan plan = lossy ? LosslessPlan{VideoKind::rave10, 0} : plan_lossless(payload.voxels);
  VideoEncodeOptions video{
      .kind = plan.kind, .crf = options.crf, .preset = options.preset, .threads = options.threads};
  video.keyframe_interval = options.keyframe_interval != 0 ? options.keyframe_interval
                            : lossy                        ? kPublishedKeyframeInterval
                                                           : kLosslessKeyframeInterval;
  payload.bytes = lossy ? encode_rave10(payload.voxels, modality, video)
                        : encode_lossless(payload.voxels, plan.offset, video);
  const bool ffv1 = plan.kind == VideoKind::gray16;
  payload.member.name = ffv1 ? "volume.mkv" : "volume.mp4";
  payload.member.pieces = {payload.bytes};
  metadata.mode = options.mode;
  metadata.codec = ffv1 ? "FFV1" : "LIBX265";
  metadata.bit_depth = bits_of(plan.kind);
  metadata.crf = lossy ? options.crf : 0;
  metadata.gop_size = ffv1 ? 1 : video.keyframe_interval;
  metadata.code_offset = plan.offset;
}

}  // namespace

std::unique_ptr<EncodedPayload> encode_payload(const Volume& volume, SampleMetadata& metadata,
                                               const SampleWriteOptions& options) {
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  const bool lossy = options.mode == SampleMode::rave10;
  const at::ScalarType type = volume.voxels_dhw.scalar_type();
  if (lossy && options.archive == Archive::tar_lz4) {
    fail(ErrorCategory::usage, "a .tar.lz4 holds a lossless volume, not rave10");
  }
  if (volume.voxels_dhw.numel() == 0) fail(ErrorCategory::usage, "an empty volume");
  if (type != at::kShort && type != at::kUInt16) {
    fail(ErrorCategory::usage, "a sample holds int16 or uint16 voxels, not {}", at::toString(type));
  }
  if (lossy && !metadata.is_mask && volume.modality == Modality::mr && type != at::kUInt16) {
    fail(ErrorCategory::usage, "rave10 holds MR as uint16, not {}", at::toString(type));
  }
  auto payload = std::make_unique<EncodedPayload>();
  payload->voxels = volume.voxels_dhw.contiguous();
  metadata.modality = volume.modality;
  metadata.final_shape = size;
  metadata.geometry.reset();
  if (volume.oriented) metadata.geometry = volume.geometry;  // a guess would be taken for knowledge
  metadata.dtype = type == at::kShort ? "int16" : "uint16";
  metadata.archived = options.archive != Archive::none;
  if (metadata.is_mask || options.archive == Archive::tar_lz4 || (!lossy && !video_can_hold(size))) {
    store_as_npy(*payload, metadata);
  } else {
    store_as_video(*payload, metadata, options, volume.modality);
  }
  return payload;
}

}  // namespace pillar
