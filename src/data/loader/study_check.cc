#include "data/loader/study_check.h"

#include "pillar/data/scan.h"

#include "data/loader/note_summary.h"
#include "data/scan/annotation.h"
#include "data/scan/fitted_input.h"
#include "data/scan/scan_notes.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace pillar {
namespace {

// The letters that most studies have; empty where none has any.
std::string most_common_axes(const std::vector<StudyHeader>& headers) {
  std::map<std::string, std::int64_t> counts;
  for (const StudyHeader& header : headers) {
    if (!header.unturned_axes.empty()) ++counts[header.unturned_axes];
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::string() : most->first;
}

}  // namespace

StudyHeader check_study_headers(const PoolStudy& study, const PreprocessSpec& spec) {
  const OpenedScan opened = open_scan({study.path, study.name}, read_options(spec));
  check_modality(study.path.string(), opened.modality, spec);
  check_annotation(study.annotation, study.path, opened);
  StudyHeader header;
  AxisOrder order;
  if (opened.stored_geometry) {
    order = model_axis_order(*opened.stored_geometry, spec);
    note_axes(study.name, *opened.stored_geometry, spec, header.notes);
    if (!spec.axes) header.unturned_axes = to_letters(nearest_body_axes(*opened.stored_geometry));
  }
  if (opened.stored_spacing_xyz_mm)
    header.other_voxels = note_spacing(study.name, *opened.stored_spacing_xyz_mm, order, spec, header.notes);
  return header;
}

void note_headers(StudyPool& pool, const std::vector<StudyHeader>& headers) {
  const std::string common = most_common_axes(headers);
  NoteSummary summary;
  pool.mismatched = 0;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto study = static_cast<std::int64_t>(i);
    const std::string& name = pool.studies[i].name;
    const StudyHeader& header = headers[i];
    for (const std::string& note : header.notes) summary.add(study, name, note);
    const bool other_axes = !header.unturned_axes.empty() && header.unturned_axes != common;
    if (other_axes) {
      summary.add(study, name,
                  fmt::format("{}: stored along {} (D,H,W), most of the others along {}, and the model does "
                              "not say how it takes them: not turned round",
                              name, header.unturned_axes, common));
    }
    if (header.other_voxels || other_axes) ++pool.mismatched;
  }
  pool.notes = summary.kinds();
}

}  // namespace pillar
