#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/sha256.h"
#include "pillar/rave/hu_map.h"

#include "core/shared/joined.h"
#include "rave/sample/sample_state.h"
#include "rave/sample/tensor_payload.h"
#include "rave/video/video_decode.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxMetadataBytes = std::uint64_t{16} << 20;

std::optional<SampleMetadata> read_metadata(const SampleMembers& members, const fs::path& path) {
  if (!members.metadata) {
    spdlog::warn("{}: no metadata.json; taken for CT", path.string());
    return std::nullopt;
  }
  const fs::path file = path / members.metadata->name;
  const ByteView bytes = members.metadata->bytes;
  if (bytes.size() > kMaxMetadataBytes)
    fail(ErrorCategory::input, "{}: {} bytes of metadata", file, bytes.size());
  return parse_metadata({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
}

// dtype of a lossless stream, once its metadata has been found to say what is needed to read it.
at::ScalarType lossless_dtype(const SampleMetadata& metadata, VideoKind kind, const fs::path& path) {
  const fs::path file = path / "metadata.json";
  if (metadata.dtype.empty())
    fail(ErrorCategory::input, "{}: export_info.dtype: absent from a lossless sample", file);
  const bool is_signed = metadata.dtype == "int16";
  const std::int64_t low = is_signed ? INT16_MIN : 0;
  const std::int64_t high = is_signed ? INT16_MAX : UINT16_MAX;
  const std::int64_t max_code = kind == VideoKind::gray16 ? 65535 : 4095;
  if (metadata.code_offset < low || metadata.code_offset > high - max_code) {
    fail(ErrorCategory::input, "{}: export_info.code_offset: {} does not fit {}", file, metadata.code_offset,
         metadata.dtype);
  }
  return is_signed ? at::kShort : at::kUInt16;
}

void open_video(Sample::State& state) {
  SampleInfo& info = state.info;
  info.video = probe_video(state.members.volume->bytes, state.payload_path());
  info.size_dhw = {info.video->frames, info.video->height, info.video->width};
  const bool lossy = info.video->kind == VideoKind::rave10;
  if (!info.metadata) {
    info.dtype = lossy ? at::kShort : at::kUInt16;
    return;
  }
  if (info.metadata->mode && (*info.metadata->mode == SampleMode::rave10) != lossy) {
    fail(ErrorCategory::input, "{}: export_info.mode: {}, but the video is {}", info.path / "metadata.json",
         to_string(*info.metadata->mode), info.video->pixel_format);
  }
  if (lossy) {
    info.dtype = info.metadata->modality == Modality::ct ? at::kShort : at::kUInt16;
  } else {
    info.dtype = lossless_dtype(*info.metadata, info.video->kind, info.path);
  }
}

void open_array(Sample::State& state) {
  const ByteView bytes = state.members.volume->bytes;
  const std::string name = state.payload_path();
  state.stored =
      state.info.payload == PayloadKind::npy ? view_npy(bytes, name) : load_torch_tensor(bytes, name);
  state.info.size_dhw = size_dhw(state.stored);
  state.info.dtype = narrowed_type(state.stored, name);
}

void check_shape(const SampleInfo& info) {
  if (!info.metadata || info.metadata->final_shape == SizeDhw{0, 0, 0}) return;
  const SizeDhw& said = info.metadata->final_shape;
  if (said == info.size_dhw) return;
  fail(ErrorCategory::input, "{}: the volume is {}, its metadata says {}", info.path,
       joined(info.size_dhw, " x "), joined(said, " x "));
}

}  // namespace

std::optional<SampleMetadata> read_sample_metadata(const fs::path& path, const SampleLimits& limits) {
  return read_metadata(open_members(path, limits), path);
}

std::string Sample::State::payload_path() const {
  return members.container == "file" ? info.path.string() : (info.path / info.payload_name).string();
}

Sample::Sample(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sample::Sample(Sample&&) noexcept = default;
Sample& Sample::operator=(Sample&&) noexcept = default;
Sample::~Sample() = default;

const SampleInfo& Sample::info() const noexcept {
  return state_->info;
}

SourceIdentity Sample::identity() const {
  const SampleInfo& info = state_->info;
  if (info.metadata && info.metadata->record) {
    const SampleRecord& record = *info.metadata->record;
    std::string settings;
    for (const auto& [key, value] : record.settings)
      settings += fmt::format("{}{} {}", settings.empty() ? "" : ", ", key, value);
    return {record.source.source, fmt::format("{}; as a sample with {}", record.source.content,
                                              settings.empty() ? "default settings" : settings)};
  }
  const bool has_uid = info.metadata && !info.metadata->series_uid.empty();
  return {has_uid ? fmt::format("sample of series {}", printable(info.metadata->series_uid))
                  : place_hint(info.path),
          fmt::format("sha256 {}", sha256_hex(state_->members.volume->bytes))};
}

Sample Sample::open(const fs::path& path, const SampleLimits& limits) {
  auto state = std::make_unique<State>();
  state->members = open_members(path, limits);
  SampleInfo& info = state->info;
  info.path = path;
  info.container = state->members.container;
  info.payload_name = state->members.volume->name;
  info.payload = sniff_payload(state->members.volume->bytes);
  info.bytes_on_disk = state->members.bytes_on_disk;
  info.metadata = read_metadata(state->members, path);
  if (info.payload == PayloadKind::video) {
    open_video(*state);
  } else {
    open_array(*state);
  }
  check_shape(info);
  return Sample(std::move(state));
}

}  // namespace pillar
