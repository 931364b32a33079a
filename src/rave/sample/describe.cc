// The words of `pillar-rave info`.
#include "pillar/core/fail.h"
#include "pillar/rave/verify.h"

#include <algorithm>

#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::ordered_json;

std::string dtype_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kShort:
      return "int16";
    case at::kUInt16:
      return "uint16";
    case at::kFloat:
      return "float32";
    default:
      return c10::toString(dtype);
  }
}

const char* payload_word(PayloadKind kind) {
  switch (kind) {
    case PayloadKind::video:
      return "video";
    case PayloadKind::npy:
      return "numpy";
    case PayloadKind::torch_tensor:
      return "torch tensor";
  }
  return "unknown";
}

std::string mode_of(const SampleInfo& info) {
  if (info.metadata && info.metadata->mode) return to_string(*info.metadata->mode);
  if (info.payload != PayloadKind::video) return "lossless";
  return info.video && info.video->kind == VideoKind::rave10 ? "rave10" : "lossless";
}

using Facts = std::vector<std::pair<std::string, std::string>>;

void line(Facts& facts, const char* name, const std::string& value) {
  if (!value.empty()) facts.emplace_back(name, value);
}

}  // namespace

Facts sample_facts(const SampleInfo& info) {
  Facts facts;
  line(facts, "path", info.path.string());
  line(facts, "stored as", fmt::format("{}, {} in a {}", mode_of(info), info.payload_name, info.container));
  if (info.video)
    line(facts, "video",
         fmt::format("{}, {}, {} frames", info.video->codec, info.video->pixel_format, info.video->frames));
  line(facts, "voxels (D,H,W)",
       fmt::format("{}, {}", fmt::join(info.size_dhw, " x "), dtype_name(info.dtype)));
  const double raw = static_cast<double>(info.size_dhw[0]) * info.size_dhw[1] * info.size_dhw[2] *
                     c10::elementSize(info.dtype);
  line(facts, "size on disk",
       fmt::format("{:.3f} MB, {:.1f} : 1", info.bytes_on_disk / 1e6,
                   raw / std::max<double>(1, info.bytes_on_disk)));
  if (!info.metadata) {
    line(facts, "metadata", "none");
    return facts;
  }
  const SampleMetadata& m = *info.metadata;
  line(facts, "modality",
       fmt::format("{}{}{}", to_string(m.modality), m.anatomy.empty() ? "" : ", ", m.anatomy));
  line(facts, "accession", m.accession);
  line(
      facts, "series",
      fmt::format("{}{}{}", m.series_number, m.series_description.empty() ? "" : ", ", m.series_description));
  line(facts, "series UID", m.series_uid);
  if (m.record) {
    line(facts, "sample name", m.record->sample_name);
    line(facts, "made of", describe(m.record->source));
  }
  line(facts, "spacing (x,y,z)",
       fmt::format("{:g} mm, was {:g}", fmt::join(m.target_spacing_xyz_mm, " x "),
                   fmt::join(m.original_spacing_xyz_mm, " x ")));
  line(facts, "scanned (D,H,W)", fmt::format("{}", fmt::join(m.original_shape, " x ")));
  line(facts, "orientation", m.orientation);
  if (m.geometry)
    line(facts, "origin (LPS)", fmt::format("{:g} mm", fmt::join(m.geometry->origin_xyz_mm, ", ")));
  if (m.is_mask) line(facts, "mask", "yes");
  if (!m.filled_positions_mm.empty())
    line(facts, "filled slices", fmt::format("{} made by interpolation", m.filled_positions_mm.size()));
  if (!m.slice_positions_mm.empty())
    line(facts, "uneven slices",
         fmt::format("{}, resampled from where they lie", m.slice_positions_mm.size()));
  if (m.gantry_tilt_corrected_deg)
    line(facts, "gantry tilt", fmt::format("{:.4g} degrees, corrected", *m.gantry_tilt_corrected_deg));
  for (const std::string& note : m.notes) line(facts, "warning", note);
  return facts;
}

std::string describe_sample(const SampleInfo& info) {
  std::string text;
  for (const auto& [name, value] : sample_facts(info)) text += fmt::format("{:<18}{}\n", name, value);
  return text;
}

std::string sample_json(const SampleInfo& info) {
  Json json;
  json["path"] = info.path.string();
  json["container"] = info.container;
  json["payload"] = {{"name", info.payload_name}, {"kind", payload_word(info.payload)}};
  if (info.video) {
    json["video"] = {{"codec", info.video->codec},
                     {"pixel_format", info.video->pixel_format},
                     {"frames", info.video->frames}};
  }
  json["mode"] = mode_of(info);
  json["shape_dhw"] = info.size_dhw;
  json["dtype"] = dtype_name(info.dtype);
  json["bytes_on_disk"] = info.bytes_on_disk;
  json["metadata"] = info.metadata ? Json::parse(format_metadata(*info.metadata)) : Json(nullptr);
  return json.dump(2) + "\n";
}

}  // namespace pillar
