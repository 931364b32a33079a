#include "eval/probe/pair_split.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/embed/embedding_cache.h"

#include <algorithm>
#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

at::Tensor features_of(const at::Tensor& current, const at::Tensor& prior, PairFeatures features) {
  if (features == PairFeatures::current) return current;
  if (features == PairFeatures::difference) return current - prior;
  return at::cat({current, prior, current - prior});
}

}  // namespace

EmbeddingSet pair_embeddings(const EmbeddingSet& studies, const std::string& split, const PairTable& pairs,
                             PairFeatures features) {
  std::map<std::string, std::int64_t> row_of;
  for (std::size_t i = 0; i < studies.accessions.size(); ++i)
    row_of[studies.accessions[i]] = static_cast<std::int64_t>(i);
  std::map<std::string, at::Tensor> rows;  // by key, so that they are sorted
  std::int64_t without_prior = 0;
  for (const StudyPair& pair : pairs.pairs) {
    const auto current = row_of.find(pair.accession), prior = row_of.find(pair.prior_accession);
    if (current == row_of.end()) continue;
    if (prior == row_of.end()) {
      ++without_prior;
      continue;
    }
    rows[pair.key()] =
        features_of(studies.embeddings[current->second], studies.embeddings[prior->second], features);
  }
  if (without_prior > 0)
    spdlog::warn("{}: {} pairs of split {} are left out: their prior study has no embedding there",
                 pairs.file.string(), without_prior, split);
  if (rows.empty()) fail(ErrorCategory::input, "{}: none of its pairs is of split {}", pairs.file, split);
  EmbeddingSet set;
  std::vector<at::Tensor> vectors;
  for (const auto& [key, vector] : rows) {
    set.accessions.push_back(key);
    vectors.push_back(vector);
  }
  set.embeddings = at::stack(vectors);
  return set;
}

void check_patients_apart(const std::filesystem::path& cache, const std::vector<std::string>& splits,
                          const PairTable& pairs) {
  std::map<std::string, std::pair<std::string, std::string>> split_of;  // of a patient: split, accession
  for (const std::string& split : splits) {
    for (const std::string& accession : load_embeddings(cache, split).accessions) {
      const auto patient = pairs.patients.patient_of.find(accession);
      if (patient == pairs.patients.patient_of.end()) continue;
      const auto [place, is_new] = split_of.emplace(patient->second, std::pair(split, accession));
      if (is_new || place->second.first == split) continue;
      fail(ErrorCategory::input,
           "{}: the patient of {} is in split {} and, as {}, in split {}: what is tested has been trained on",
           pairs.file, printable(accession), split, printable(place->second.second), place->second.first);
    }
  }
}

}  // namespace pillar
