#include "pillar/eval/localize_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/core/printable.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/volume_file.h"
#include "pillar/metrics/run_metrics.h"

#include "eval/evidence/evidence_files.h"
#include "eval/localize/centre_prior.h"
#include "eval/localize/distance_map.h"
#include "eval/localize/map_scores.h"
#include "eval/localize/truth_table.h"

#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Everything that is read before any map.
struct BenchmarkInputs {
  EvidenceRecord record;
  std::vector<EvidenceRow> rows;
  std::map<std::pair<std::string, std::string>, std::vector<PlaceRow>> places;
  std::vector<TrainRow> train;
  std::map<std::string, double> auroc;  // by question
};

std::map<std::string, double> known_aurocs(const LocalizeJob& job, const EvidenceRecord& record) {
  const fs::path run = job.probe_run.empty() ? record.probe.path.parent_path() : job.probe_run;
  std::map<std::string, double> aurocs;
  std::error_code ignored;
  if (job.probe_run.empty() && !fs::exists(run / "metrics.json", ignored)) {
    spdlog::warn("{}: no metrics.json beside the probe, so that no shortcut can be flagged", run.string());
    return aurocs;
  }
  const RunMetrics metrics = read_run_metrics(run / "metrics.json");
  const auto* evaluation = std::get_if<EvaluationMetrics>(&metrics.result);
  if (evaluation == nullptr) fail(ErrorCategory::input, "{}: not the run of a probe", run / "metrics.json");
  for (const QuestionEvaluation& question : evaluation->evaluation.questions)
    aurocs[question.question] = question.auroc.value;
  return aurocs;
}

BenchmarkInputs read_inputs(const LocalizeJob& job) {
  BenchmarkInputs inputs;
  inputs.record = read_evidence_record(job.evidence);
  inputs.rows = read_evidence_rows(job.evidence);
  for (PlaceRow& row : read_place_rows(job.evidence))
    inputs.places[{row.accession, row.question}].push_back(row);
  inputs.train = read_train_rows(job.evidence);
  inputs.auroc = known_aurocs(job, inputs.record);
  return inputs;
}

// One study's finding on the grid of its map.
struct FindingOnGrid {
  at::Tensor mask_dhw, lesions_dhw;  // uint8; int32, lesions from 1
  std::int64_t lesions = 0;
};

// Rows are lesions; a single mask's parts are.
FindingOnGrid finding_on(const TruthTable& truth, const std::vector<MarkedFinding>& marked, const Grid& grid,
                         Notes& notes) {
  FindingOnGrid finding;
  finding.mask_dhw = at::zeros(grid.size_dhw, at::kByte);
  finding.lesions_dhw = at::zeros(grid.size_dhw, at::kInt);
  for (const MarkedFinding& one : marked) {
    const at::Tensor voxels = finding_voxels(truth, one, grid, notes);
    if (!voxels.any().item<bool>())
      fail(ErrorCategory::input, "{}: row {}: no voxel of the scan lies in it", truth.file(), one.row);
    finding.mask_dhw = at::maximum(finding.mask_dhw, voxels);
    finding.lesions_dhw.masked_fill_(voxels.to(at::kBool), ++finding.lesions);
  }
  if (marked.size() == 1) finding.lesions_dhw = connected_parts(finding.mask_dhw, finding.lesions);
  return finding;
}

// The voxel of a point, the nearest one for a point beside the grid.
std::int64_t nearest_voxel(const Grid& grid, const PatientXyz& point) {
  const std::array<double, 3> ijk = grid.geometry.index(point);
  std::int64_t voxel = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const std::int64_t size = grid.size_dhw[axis];
    const double place = std::clamp(std::floor(ijk[2 - axis] + 0.5), 0.0, static_cast<double>(size - 1));
    voxel = voxel * size + static_cast<std::int64_t>(place);
  }
  return voxel;
}

// Which lesion a place hits, from 0: that of the nearest voxel within the tolerance; -1: none.
std::int64_t lesion_hit(const PatientXyz& point, const FindingOnGrid& finding, const at::Tensor& distance_dhw,
                        const Grid& grid, double tolerance_mm) {
  const std::int64_t at = nearest_voxel(grid, point);
  if (distance_dhw.const_data_ptr<float>()[at] > tolerance_mm) return -1;
  const at::Tensor lesions = finding.lesions_dhw.contiguous();
  const auto* lesion = lesions.const_data_ptr<std::int32_t>();
  double least = std::numeric_limits<double>::infinity();
  std::int32_t nearest = 0;
  for (std::int64_t v = 0; v < lesions.numel(); ++v) {
    if (lesion[v] == 0) continue;
    const auto& [depth, height, width] = grid.size_dhw;
    const PatientXyz there =
        grid.geometry.point({static_cast<double>(v % width), static_cast<double>(v / width % height),
                             static_cast<double>(v / (width * height))});
    const double distance = std::hypot(there[0] - point[0], there[1] - point[1], there[2] - point[2]);
    if (distance >= least) continue;
    least = distance;
    nearest = lesion[v];
  }
  return nearest - 1;
}

// The share of the body's voxels from which a place would hit.
double chance_of_hit(const at::Tensor& body_dhw, const at::Tensor& distance_dhw, double tolerance_mm) {
  const at::Tensor body = body_dhw.to(at::kFloat);
  const double all = body.sum(at::kDouble).item<double>();
  if (all == 0) return 0;
  return (body * (distance_dhw <= tolerance_mm)).sum(at::kDouble).item<double>() / all;
}

class Benchmark {
 public:
  Benchmark(const LocalizeJob& job, const BenchmarkInputs& inputs, const TruthTable& truth)
      : job_(job), inputs_(inputs), truth_(truth) {}

  LocalizedStudy study(const EvidenceRow& row, const CentrePrior& prior);
  Notes notes() const { return notes_; }
  void note(const Notes& notes) {
    const std::lock_guard lock(mutex_);
    notes_.add(notes);
  }

 private:
  Volume read(const fs::path& file) const {
    Notes of_file;
    return read_volume_file(job_.evidence / file, {}, of_file);
  }

  const LocalizeJob& job_;
  const BenchmarkInputs& inputs_;
  const TruthTable& truth_;
  std::mutex mutex_;
  Notes notes_;
};

LocalizedStudy Benchmark::study(const EvidenceRow& row, const CentrePrior& prior) {
  const double tolerance = job_.options.tolerance_mm;
  const Volume map = read(row.map);
  const Grid grid = grid_of(map);
  const at::Tensor body =
      read(fs::path("body") / (file_stem(row.accession) + ".nii.gz")).voxels_dhw.to(at::kByte);
  if (body.sizes() != map.voxels_dhw.sizes())
    fail(ErrorCategory::input, "{}: the map and the body of {} have other sizes", job_.evidence,
         printable(row.accession));
  Notes notes;
  const FindingOnGrid finding = finding_on(truth_, truth_.of(row.accession, row.question), grid, notes);
  const at::Tensor distance = distance_to_mask(finding.mask_dhw, grid.geometry.spacing_xyz_mm);
  LocalizedStudy study;
  study.accession = row.accession;
  study.lesions = finding.lesions;
  study.evidence = map_scores(map.voxels_dhw, finding.mask_dhw);
  study.prior = map_scores(prior.map_on(grid), finding.mask_dhw);
  study.chance = map_scores(body.to(at::kFloat), finding.mask_dhw);
  study.chance.hit = chance_of_hit(body, distance, tolerance);
  const auto places = inputs_.places.find({row.accession, row.question});
  if (places != inputs_.places.end()) {
    const at::Tensor heights = map.voxels_dhw.to(at::kFloat).contiguous();
    for (const PlaceRow& place : places->second) {
      const std::int64_t lesion = lesion_hit(place.point_xyz_mm, finding, distance, grid, tolerance);
      if (place.rank == 1) study.evidence.hit = lesion >= 0 ? 1 : 0;
      // What ranks places, and not the evidence of all their voxels: large tokens have more of those.
      const float height = heights.const_data_ptr<float>()[nearest_voxel(grid, place.point_xyz_mm)];
      study.places.push_back({height, lesion});
    }
  }
  PatientXyz usual = prior.best_place();
  const PatientXyz middle = middle_of(grid);
  for (std::size_t axis = 0; axis < 3; ++axis) usual[axis] += middle[axis];
  study.prior.hit = distance.const_data_ptr<float>()[nearest_voxel(grid, usual)] <= tolerance ? 1 : 0;
  note(notes);
  return study;
}

// Rows of maps whose finding is marked, by question.
std::map<std::string, std::vector<const EvidenceRow*>> marked_rows(const BenchmarkInputs& inputs,
                                                                   const TruthTable& truth) {
  std::map<std::string, std::vector<const EvidenceRow*>> rows;
  std::set<std::string> unmarked;
  for (const EvidenceRow& row : inputs.rows) {
    if (!truth.of(row.accession, row.question).empty()) rows[row.question].push_back(&row);
  }
  for (const EvidenceRow& row : inputs.rows) {
    if (rows.count(row.question) == 0) unmarked.insert(row.question);
  }
  for (const std::string& question : unmarked)
    spdlog::warn("{}: no mapped study has the finding of '{}' marked; left out", truth.file().string(),
                 printable(question));
  if (rows.empty())
    fail(ErrorCategory::input, "{}: none of the {} maps is of a finding that is marked here", truth.file(),
         inputs.rows.size());
  return rows;
}

// Of the mapped scans: the mean of their middles.
PatientXyz usual_middle(const LocalizeJob& job, const std::vector<EvidenceRow>& rows) {
  PatientXyz sum = {0, 0, 0};
  std::set<std::string> seen;
  for (const EvidenceRow& row : rows) {
    if (!seen.insert(row.accession).second) continue;
    const PatientXyz middle = middle_of(read_volume_grid(job.evidence / row.map));
    for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] += middle[axis];
  }
  for (double& place : sum) place /= static_cast<double>(std::max<std::size_t>(1, seen.size()));
  return sum;
}

void write_studies(const fs::path& out, const std::vector<LocalizedQuestion>& questions) {
  CsvTable table;
  table.header = {"accession",     "question",          "way",       "hit",
                  "energy_inside", "average_precision", "best_dice", "fixed_dice"};
  for (const LocalizedQuestion& question : questions) {
    for (const LocalizedStudy& study : question.studies) {
      const std::pair<const char*, const LocalizationScores*> ways[] = {
          {"evidence", &study.evidence}, {"centre prior", &study.prior}, {"random", &study.chance}};
      for (const auto& [name, scores] : ways) {
        std::vector<std::string>& row = table.rows.emplace_back();
        row = {study.accession, question.question, name};
        for (const double number : {scores->hit, scores->energy_inside, scores->average_precision,
                                    scores->best_dice, scores->fixed_dice})
          row.push_back(fmt::format("{:.6g}", number));
      }
    }
  }
  write_csv(out / "studies.csv", table);
}

RunRecord localize_record(const LocalizeJob& job, const BenchmarkInputs& inputs) {
  RunRecord record;
  record.kind = "localize";
  record.command = job.command;
  record.settings = {{"maps", inputs.record.map},
                     {"split", inputs.record.split},
                     {"tolerance", fmt::format("{} mm", job.options.tolerance_mm)}};
  record.inputs = {inputs.record.probe, file_record("evidence", job.evidence / "evidence.csv"),
                   file_record("places", job.evidence / "places.csv"), file_record("truth", job.truth)};
  if (!job.patients.empty()) record.inputs.push_back(file_record("patients", job.patients));
  return record;
}

}  // namespace

LocalizationEvaluation run_localize(const LocalizeJob& job) {
  LocalizationOptions options = job.options;
  check_bootstrap_options(options.bootstrap);
  if (!(options.tolerance_mm >= 0)) fail(ErrorCategory::usage, "a tolerance of {} mm", options.tolerance_mm);
  if (!job.patients.empty()) options.patients = read_patients(job.patients);
  const TruthTable truth(job.truth, job.label_names);
  const BenchmarkInputs inputs = read_inputs(job);
  const auto rows = marked_rows(inputs, truth);
  const PatientXyz middle = usual_middle(job, inputs.rows);

  ProgressOptions bar;
  bar.label = "localize";
  bar.unit = "maps";
  bar.quiet = job.quiet;
  for (const auto& [question, of_question] : rows) bar.total += std::ssize(of_question);
  Progress progress(bar);
  Benchmark benchmark(job, inputs, truth);
  std::vector<LocalizedQuestion> questions;
  for (const auto& [question, of_question] : rows) questions.push_back({question, std::nan(""), {}});
  for (LocalizedQuestion& localized : questions) {
    const std::vector<const EvidenceRow*>& of_question = rows.at(localized.question);
    const auto auroc = inputs.auroc.find(localized.question);
    if (auroc != inputs.auroc.end()) localized.auroc = auroc->second;
    Notes notes;
    const CentrePrior prior(truth, localized.question, inputs.train, middle, options.tolerance_mm, notes);
    if (prior.findings() == 0)
      notes.add(
          fmt::format("{}: no training study has the finding of '{}' marked: its centre prior is the middle "
                      "of nothing",
                      truth.file().string(), localized.question));
    benchmark.note(notes);
    localized.studies.resize(of_question.size());
    parallel_for(std::ssize(of_question), usable_processors(), [&](std::int64_t i) {
      const auto index = static_cast<std::size_t>(i);
      localized.studies[index] = benchmark.study(*of_question[index], prior);
      progress.advance();
    });
  }
  progress.finish();
  log_notes(benchmark.notes());
  const LocalizationEvaluation evaluation = evaluate_localization(questions, options);
  write_localization(job.out, evaluation, localize_record(job, inputs));
  write_studies(job.out, questions);
  return evaluation;
}

}  // namespace pillar
