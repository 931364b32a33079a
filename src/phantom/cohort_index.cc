#include "phantom/cohort_index.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "phantom/random.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::phantom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void write_json_lines(const fs::path& folder, const CohortOptions& options,
                      const std::vector<StudyRecord>& studies) {
  const std::vector<Split> splits = draw_splits(options);
  std::string lines[3];
  for (const StudyRecord& study : studies) {
    const Json line = {
        {"sample_name", study.accession}, {"nii_path", study.scan_path}, {"report_metadata", study.report}};
    lines[splits[study.patient_index]] += line.dump() + "\n";
  }
  write_file_atomic(folder / "train.jsonl", lines[kTrain]);
  write_file_atomic(folder / "valid.jsonl", lines[kValid]);
  write_file_atomic(folder / "test.jsonl", lines[kTest]);
}

Json labels_of(const StudyRecord& study) {
  Json categories = Json::object();
  for (FindingKind kind : all_findings()) {
    const bool found = std::any_of(study.findings.begin(), study.findings.end(),
                                   [&](const Finding& f) { return f.kind == kind; });
    categories[rate_category(kind)].push_back({{rate_question(kind), found ? "Yes" : "No"}});
  }
  return {{"qa_results", categories}};
}

void write_labels(const fs::path& folder, const std::vector<StudyRecord>& studies) {
  std::string text = "{\n";
  for (const StudyRecord& study : studies) {  // a line a study: one document need not be held whole
    text += fmt::format("{}: {}{}\n", Json(study.accession).dump(), labels_of(study).dump(),
                        &study == &studies.back() ? "" : ",");
  }
  write_file_atomic(folder / "labels.json", text + "}\n");
}

void write_tables(const fs::path& folder, const std::vector<StudyRecord>& studies) {
  CsvTable series{{"series_path"}, {}};
  CsvTable truth{{"accession", "finding", "side", "x_mm", "y_mm", "z_mm", "size_mm", "site"}, {}};
  const auto number = [](double value) { return fmt::format("{:.2f}", value); };
  for (const StudyRecord& study : studies) {
    series.rows.push_back({study.scan_path});
    for (const Finding& f : study.findings) {
      truth.rows.push_back({study.accession, to_string(f.kind), f.side, number(f.center_xyz_mm[0]),
                            number(f.center_xyz_mm[1]), number(f.center_xyz_mm[2]), number(f.size_mm),
                            f.site});
    }
  }
  write_csv(folder / "series.csv", series);
  write_csv(folder / "truth.csv", truth);
}

}  // namespace

std::vector<Split> draw_splits(const CohortOptions& options) {
  const auto count = static_cast<std::size_t>(options.studies);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](std::size_t i) { return hash64(options.seed ^ 0x73706C6974u, i); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  const auto train =
      static_cast<std::size_t>(std::floor(options.train_fraction * static_cast<double>(count) + 0.5));
  const std::size_t valid = (count - train) / 2;
  std::vector<Split> splits(count, kTest);
  for (std::size_t i = 0; i < train + valid; ++i) splits[order[i]] = i < train ? kTrain : kValid;
  return splits;
}

void write_changes(const fs::path& folder, const std::vector<FollowUpRecord>& follow_ups) {
  CsvTable pairs{{"accession", "prior_accession", "days"}, {}};
  std::string text = "{\n";
  for (const FollowUpRecord& follow_up : follow_ups) {
    const StudyRecord& study = follow_up.study;
    pairs.rows.push_back({study.accession, study.patient, std::to_string(follow_up.course.days)});
    Json categories = Json::object();
    for (const FindingKind kind : all_findings()) {
      for (const bool larger : {true, false}) {
        const bool yes = answer_of_change(follow_up.course, kind, larger);
        categories[rate_category(kind)].push_back({{change_question(kind, larger), yes ? "Yes" : "No"}});
      }
    }
    const Json labels = {{"qa_results", categories}};
    text += fmt::format("{}: {}{}\n", Json(study.accession + "|" + study.patient).dump(), labels.dump(),
                        &follow_up == &follow_ups.back() ? "" : ",");
  }
  write_csv(folder / "pairs.csv", pairs);
  write_file_atomic(folder / "change_labels.json", text + "}\n");
}

void write_index(const fs::path& folder, const CohortOptions& options,
                 const std::vector<StudyRecord>& studies) {
  write_tables(folder, studies);
  write_json_lines(folder, options, studies);
  write_labels(folder, studies);
}

}  // namespace pillar::phantom
