#include "pillar/eval/evidence_job.h"

#include "pillar/core/batch.h"
#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/core/printable.h"
#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"
#include "pillar/image/volume_file.h"

#include "data/shared/load_fault.h"
#include "eval/evidence/evidence_files.h"
#include "eval/evidence/evidence_inputs.h"

#include <cctype>
#include <chrono>
#include <cmath>
#include <mutex>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr double kBodyHu = -500;  // between lung and what surrounds the patient, and soft tissue

void make_folder_of(const fs::path& file) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", file.parent_path(), error.message());
}

// As it is stored, on the grid that its evidence lies on.
Scan read_scan_of(const ScanEntry& entry, const std::string& accession, const Placement& placement) {
  Scan scan = open_scan(entry, {}).read();
  const Grid grid = grid_of(scan.volume);
  bool same = grid.size_dhw == placement.source.size_dhw;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const auto far = [](double a, double b) { return std::abs(a - b) > 1e-3; };
    const Geometry &here = grid.geometry, &then = placement.source.geometry;
    same = same && !far(here.spacing_xyz_mm[axis], then.spacing_xyz_mm[axis]) &&
           !far(here.origin_xyz_mm[axis], then.origin_xyz_mm[axis]);
  }
  if (!same)
    fail(ErrorCategory::input, "{}: its voxels lie elsewhere than when {} was embedded", entry.path,
         printable(accession));
  return scan;
}

Volume body_of(const Scan& scan) {
  const at::Tensor voxels = scan.volume.voxels_dhw.to(at::kFloat);
  const bool is_ct = scan.volume.modality == Modality::ct;
  const double least = is_ct ? kBodyHu : voxels.mean(at::kDouble).item<double>();
  Volume body;
  body.geometry = scan.volume.geometry;
  body.voxels_dhw = (voxels > least).to(at::kByte).contiguous();
  return body;
}

// What a study gives to the tables.
struct StudyRows {
  std::vector<EvidenceRow> evidence;
  std::vector<PlaceRow> places;
  std::string fault;
};

class EvidenceRun {
 public:
  EvidenceRun(const EvidenceJob& job, const EvidenceInputs& inputs) : job_(job), inputs_(inputs) {}

  StudyRows study(const std::string& accession, const at::Tensor& embedding) {
    StudyRows rows;
    try {
      rows = mapped(accession, embedding);
    } catch (const std::exception& error) {
      rows.fault = first_line(error);
    }
    return rows;
  }

 private:
  StudyRows mapped(const std::string& accession, const at::Tensor& embedding);
  QuestionMap question_map(std::int64_t question, const StudyEvidence& study, const at::Tensor& embedding,
                           const TokenVoxels& voxels, const Scan& scan,
                           const std::vector<at::Tensor>& products, std::int64_t row) const;
  std::vector<std::int64_t> asked_of(const StudyEvidence& study, const at::Tensor& embedding) const;
  std::vector<at::Tensor> products_of(const ScanEntry& scan, const std::vector<std::int64_t>& questions);
  void keep(const std::string& accession, const QuestionMap& map, const TokenVoxels& voxels,
            StudyRows& rows) const;

  TokenSpread spread() const { return job_.token_products ? TokenSpread::whole : TokenSpread::evenly; }

  const EvidenceJob& job_;
  const EvidenceInputs& inputs_;
  std::mutex one_model_;
};

std::vector<std::int64_t> EvidenceRun::asked_of(const StudyEvidence& study,
                                                const at::Tensor& embedding) const {
  if (!job_.positive_only) return inputs_.questions;
  std::vector<std::int64_t> positive;
  for (const std::int64_t question : inputs_.questions) {
    if (token_evidence(study, embedding, probed_question(inputs_.probe, question)).logit > 0)
      positive.push_back(question);
  }
  return positive;
}

std::vector<at::Tensor> EvidenceRun::products_of(const ScanEntry& scan,
                                                 const std::vector<std::int64_t>& questions) {
  if (!job_.token_products || questions.empty()) return {};
  std::vector<at::Tensor> weights;
  for (const std::int64_t question : questions)
    weights.push_back(inputs_.probe.probe.weight_qd.narrow(0, question, 1));
  const std::lock_guard lock(one_model_);
  return job_.token_products(scan, at::cat(weights));
}

QuestionMap EvidenceRun::question_map(std::int64_t question, const StudyEvidence& study,
                                      const at::Tensor& embedding, const TokenVoxels& voxels,
                                      const Scan& scan, const std::vector<at::Tensor>& products,
                                      std::int64_t row) const {
  const ProbedQuestion probed = probed_question(inputs_.probe, question);
  QuestionMap map;
  map.question = inputs_.probe.questions[static_cast<std::size_t>(question)];
  if (products.empty()) {
    map.evidence = token_evidence(study, embedding, probed);
  } else {
    std::vector<at::Tensor> own;
    for (const at::Tensor& scale : products) own.push_back(scale[row]);
    map.evidence = dense_evidence(study, embedding, probed, own);
  }
  map.probability = 1 / (1 + std::exp(-map.evidence.logit));
  map.map = voxels.map(map.evidence.of_scale_dhw, spread());
  map.positive = map.map.map.voxels_dhw.clamp_min(0).sum(at::kDouble).item<double>();
  map.places = strongest_places(map.map.map, scan.volume.voxels_dhw, job_.places, job_.apart_mm);
  return map;
}

// 1 for the finest scale: which scale's tokens say most at a voxel.
std::int64_t strongest_scale(const std::vector<at::Tensor>& of_voxels,
                             const std::vector<std::int64_t>& tokens) {
  std::int64_t strongest = 0;
  double most = 0;
  for (std::size_t s = 0; s < tokens.size(); ++s) {
    if (tokens[s] < 0) continue;
    const double value = of_voxels[s].const_data_ptr<double>()[tokens[s]];
    if (value <= most) continue;
    most = value;
    strongest = static_cast<std::int64_t>(s) + 1;
  }
  return strongest;
}

void EvidenceRun::keep(const std::string& accession, const QuestionMap& map, const TokenVoxels& voxels,
                       StudyRows& rows) const {
  const fs::path file = fs::path("maps") / question_slug(map.question) / (file_stem(accession) + ".nii.gz");
  make_folder_of(job_.out / file);
  write_volume_file(job_.out / file, map.map.map);
  const TokenEvidence& evidence = map.evidence;
  rows.evidence.push_back({accession, map.question, map.probability, evidence.logit, evidence.mean_logit,
                           evidence.logit - evidence.mean_logit, map.map.beside_scan, file});
  const std::vector<at::Tensor> of_voxels = voxels.of_voxels(evidence.of_scale_dhw, spread());
  int rank = 0;
  for (const StrongPlace& place : map.places) {
    rows.places.push_back({accession, map.question, ++rank, place.point_xyz_mm, place.value, place.mean_value,
                           place.evidence, map.positive > 0 ? place.evidence / map.positive : 0,
                           strongest_scale(of_voxels, voxels.tokens_at(place.voxel_dhw))});
  }
}

StudyRows EvidenceRun::mapped(const std::string& accession, const at::Tensor& embedding) {
  const ScanEntry& entry = job_.scans.at(accession);
  const StudyEvidence study = read_study_evidence(job_.cache, job_.split, accession, embedding);
  const Scan scan = read_scan_of(entry, accession, study.placement);
  const TokenVoxels voxels(study.placement, study.scales, grid_of(scan.volume));
  const std::vector<std::int64_t> asked = asked_of(study, embedding);
  const std::vector<at::Tensor> products = products_of(entry, asked);
  StudyRows rows;
  std::vector<QuestionMap> maps;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    std::vector<at::Tensor> of_study;
    for (const at::Tensor& scale : products) of_study.push_back(scale);
    maps.push_back(
        question_map(asked[i], study, embedding, voxels, scan, of_study, static_cast<std::int64_t>(i)));
    keep(accession, maps.back(), voxels, rows);
  }
  const fs::path body = job_.out / "body" / (file_stem(accession) + ".nii.gz");
  make_folder_of(body);
  write_volume_file(body, body_of(scan));
  if (job_.show) job_.show({accession, scan, study, voxels, spread(), maps});
  return rows;
}

std::vector<TrainRow> train_rows(const EvidenceJob& job, const EvidenceInputs& inputs) {
  std::vector<TrainRow> rows;
  if (!inputs.train) return rows;
  for (std::size_t i = 0; i < inputs.train->accessions.size(); ++i) {
    TrainRow& row = rows.emplace_back();
    row.accession = inputs.train->accessions[i];
    if (!has_study_evidence(job.cache, job.train_split, row.accession)) continue;
    const Grid grid = read_study_evidence(job.cache, job.train_split, row.accession,
                                          inputs.train->embeddings[static_cast<std::int64_t>(i)])
                          .placement.source;
    row.centre_xyz_mm = grid.geometry.point({0.5 * static_cast<double>(grid.size_dhw[2] - 1),
                                             0.5 * static_cast<double>(grid.size_dhw[1] - 1),
                                             0.5 * static_cast<double>(grid.size_dhw[0] - 1)});
  }
  return rows;
}

// Indices of the studies that are mapped.
std::vector<std::int64_t> studies_with_scan(const EvidenceJob& job, const EmbeddingSet& set,
                                            EvidenceSummary& summary) {
  std::vector<std::int64_t> studies;
  for (std::size_t i = 0; i < set.accessions.size(); ++i) {
    if (job.scans.count(set.accessions[i]) == 0) {
      ++summary.without_scan;
    } else if (job.most_studies == 0 || std::ssize(studies) < job.most_studies) {
      studies.push_back(static_cast<std::int64_t>(i));
    }
  }
  if (studies.empty())
    fail(ErrorCategory::input, "{}: none of the {} studies of split {} has a scan ({} is the first)",
         job.cache, set.accessions.size(), job.split, printable(set.accessions.front()));
  return studies;
}

}  // namespace

std::string question_slug(const std::string& question) {
  std::string slug;
  for (const char letter : question) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0 && byte < 0x80) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "question" : slug;
}

EvidenceSummary run_evidence(const EvidenceJob& job) {
  const auto start = std::chrono::steady_clock::now();
  const EvidenceInputs inputs = read_evidence_inputs(job);
  std::map<std::string, std::string> slugs;
  for (const std::int64_t question : inputs.questions) {
    const std::string& text = inputs.probe.questions[static_cast<std::size_t>(question)];
    const auto [other, is_new] = slugs.emplace(question_slug(text), text);
    if (!is_new)
      fail(ErrorCategory::input, "{}: the questions '{}' and '{}' would share the folder maps/{}", job.probe,
           printable(other->second), printable(text), other->first);
  }
  EvidenceSummary summary;
  const std::vector<std::int64_t> studies = studies_with_scan(job, inputs.set, summary);
  make_folder_of(job.out / "evidence.json");
  EvidenceRecord record;
  record.map = job.token_products ? "dense" : "evidence";
  record.split = job.split;
  record.probe = file_record("probe", fs::absolute(job.probe).lexically_normal());
  record.embeddings = inputs.embeddings;
  write_evidence_record(job.out, record);
  write_train_rows(job.out, train_rows(job, inputs));

  ProgressOptions options;
  options.label = "evidence";
  options.unit = "studies";
  options.total = std::ssize(studies);
  options.quiet = job.quiet;
  Progress progress(options);
  EvidenceRun run(job, inputs);
  std::vector<StudyRows> of_study(studies.size());
  parallel_for(std::ssize(studies), usable_processors(), [&](std::int64_t i) {
    const std::int64_t study = studies[static_cast<std::size_t>(i)];
    of_study[static_cast<std::size_t>(i)] =
        run.study(inputs.set.accessions[static_cast<std::size_t>(study)], inputs.set.embeddings[study]);
    progress.advance();
  });
  progress.finish();

  std::vector<EvidenceRow> evidence;
  std::vector<PlaceRow> places;
  std::vector<std::vector<std::string>> failures;
  for (std::size_t i = 0; i < studies.size(); ++i) {
    StudyRows& rows = of_study[i];
    const std::string& accession = inputs.set.accessions[static_cast<std::size_t>(studies[i])];
    if (!rows.fault.empty())
      failures.push_back({accession, job.scans.at(accession).path.string(), rows.fault});
    std::move(rows.evidence.begin(), rows.evidence.end(), std::back_inserter(evidence));
    std::move(rows.places.begin(), rows.places.end(), std::back_inserter(places));
  }
  write_evidence_rows(job.out, evidence);
  write_place_rows(job.out, places);
  summary.failed = std::ssize(failures);
  summary.studies = std::ssize(studies) - summary.failed;
  summary.maps = std::ssize(evidence);
  write_failures(job.out, {"accession", "path", "reason"}, failures);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace pillar
