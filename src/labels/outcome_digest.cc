#include "pillar/core/sha256.h"
#include "pillar/labels/outcomes.h"

#include <string>

#include <fmt/format.h>

namespace pillar {
namespace {

// Texts with their lengths before them, so that none can be taken for another's end.
void append_text(std::string& to, std::string_view text) {
  to += fmt::format("{}:{}", text.size(), text);
}

void append_study(std::string& to, const OutcomeStudy& study) {
  for (const std::string& text :
       {study.accession, study.patient, study.image.filename().string(), study.mask.filename().string()})
    append_text(to, text);
  to += fmt::format("{},{};", to_string(study.split), study.boxes.size());
  for (const VoxelBox& box : study.boxes) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      to += fmt::format("{},{};", box.first_dhw[axis], box.end_dhw[axis]);
  }
  for (const float side : study.laterality) to += fmt::format("{};", side);
}

}  // namespace

std::string outcome_digest(const OutcomeTable& table) {
  std::string text;
  append_text(text, to_string(table.kind));
  text += fmt::format("{};", table.outputs.size());
  for (const std::string& output : table.outputs) append_text(text, output);
  text += fmt::format("{};", table.studies.size());
  for (const OutcomeStudy& study : table.studies) append_study(text, study);
  const at::Tensor values = table.values.to(at::kDouble).contiguous();  // exact: labels, classes and years
  const auto* value = values.const_data_ptr<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    // Every NaN is the same: unknown.
    text += value[i] == value[i] ? fmt::format("{};", value[i]) : "unknown;";
  }
  return sha256_hex(as_bytes(text));
}

}  // namespace pillar
