#include "eval/evidence/error_places.h"

#include "pillar/core/csv.h"
#include "pillar/eval/evidence.h"

#include "eval/evidence/evidence_inputs.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct ErrorPlace {
  PatientXyz point_xyz_mm;
  double share = 0;  // of all that speaks for the wrong answer
};

std::optional<ErrorPlace> place_of_error(const StudyEvidence& study, const at::Tensor& embedding,
                                         const ProbedQuestion& question, bool said_yes) {
  TokenEvidence evidence = token_evidence(study, embedding, question);
  if (!said_yes) {
    for (at::Tensor& scale : evidence.of_scale_dhw) scale = -scale;
  }
  const TokenVoxels voxels(study.placement, study.scales, study.placement.source);
  const Volume map = voxels.map(evidence.of_scale_dhw, TokenSpread::evenly).map;
  const std::vector<StrongPlace> places = strongest_places(map, {}, 1, 0);
  if (places.empty()) return std::nullopt;
  const double all = map.voxels_dhw.clamp_min(0).sum(at::kDouble).item<double>();
  return ErrorPlace{places.front().point_xyz_mm, places.front().evidence / all};
}

}  // namespace

void write_error_places(const fs::path& run_folder, const fs::path& cache, const std::string& split,
                        const EmbeddingSet& set, const NamedProbe& probe, const Evaluation& evaluation) {
  CsvTable table;
  table.header = {"accession", "question", "x_mm", "y_mm", "z_mm", "share"};
  for (std::size_t q = 0; q < evaluation.questions.size(); ++q) {
    const QuestionEvaluation& question = evaluation.questions[q];
    for (const ConfidentError& error : question.errors) {
      const auto row = std::lower_bound(set.accessions.begin(), set.accessions.end(), error.accession);
      if (!has_study_evidence(cache, split, error.accession)) continue;
      const at::Tensor embedding = set.embeddings[row - set.accessions.begin()];
      const StudyEvidence study = read_study_evidence(cache, split, error.accession, embedding);
      const auto place = place_of_error(
          study, embedding, probed_question(probe, static_cast<std::int64_t>(q)), error.answer == 0);
      if (!place) continue;
      const auto& [x, y, z] = place->point_xyz_mm;
      table.rows.push_back({error.accession, question.question, fmt::format("{:.1f}", x),
                            fmt::format("{:.1f}", y), fmt::format("{:.1f}", z),
                            fmt::format("{:.3f}", place->share)});
    }
  }
  const fs::path file = run_folder / "error_places.csv";
  std::error_code ignored;
  if (table.rows.empty()) {
    fs::remove(file, ignored);
    return;
  }
  write_csv(file, table);
}

}  // namespace pillar
