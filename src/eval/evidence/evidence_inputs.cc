#include "eval/evidence/evidence_inputs.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/embed/split_maker.h"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

void check_same_numbers(const EvidenceJob& job, const SplitMaker& probe, const SplitMaker& split) {
  if (probe.empty() || split.empty()) {
    spdlog::warn(
        "{}: nothing says which embeddings the probe, or the split {}, was made with; taken as the same",
        job.probe.string(), job.split);
    return;
  }
  const std::string differing = differences(probe, split);
  if (!differing.empty()) {
    fail(ErrorCategory::input, "{}: a probe of other embeddings than {} has in split {} ({})", job.probe,
         job.cache, job.split, differing);
  }
}

std::vector<std::int64_t> asked_questions(const EvidenceJob& job, const NamedProbe& probe) {
  std::vector<std::int64_t> rows;
  if (job.questions.empty()) {
    for (std::int64_t q = 0; q < std::ssize(probe.questions); ++q) rows.push_back(q);
    return rows;
  }
  for (const std::string& question : job.questions) {
    const auto found = std::find(probe.questions.begin(), probe.questions.end(), question);
    if (found == probe.questions.end()) {
      fail(ErrorCategory::input, "{}: no question '{}' among its {} ('{}' is the first)", job.probe,
           printable(question), probe.questions.size(), printable(probe.questions.front()));
    }
    rows.push_back(found - probe.questions.begin());
  }
  return rows;
}

}  // namespace

EvidenceInputs read_evidence_inputs(const EvidenceJob& job) {
  EvidenceInputs inputs;
  inputs.probe = load_probe(job.probe);
  inputs.questions = asked_questions(job, inputs.probe);
  inputs.set = load_embeddings(job.cache, job.split);
  inputs.embeddings = maker_of_split(job.cache, job.split).value_or(SplitMaker());
  const std::int64_t width = inputs.set.embeddings.size(1);
  if (inputs.probe.probe.weight_qd.size(1) != width)
    fail(ErrorCategory::input, "{}: a probe for embeddings of width {}, those of {} have {}", job.probe,
         inputs.probe.probe.weight_qd.size(1), job.cache, width);
  if (!EmbeddingCache::is_empty(job.cache, job.train_split))
    inputs.train = load_embeddings(job.cache, job.train_split);
  SplitMaker of_probe = inputs.probe.maker.value_or(SplitMaker());
  if (!inputs.probe.mean_d.defined()) {
    if (!inputs.train)
      fail(ErrorCategory::input,
           "{}: it has no mean of its training embeddings, and {} no split {} to take it from", job.probe,
           job.cache, job.train_split);
    spdlog::warn("{}: it has no mean of its training embeddings; that of split {} is taken",
                 job.probe.string(), job.train_split);
    inputs.probe.mean_d = inputs.train->embeddings.mean(0, false, at::kDouble).to(at::kFloat);
    if (of_probe.empty()) of_probe = maker_of_split(job.cache, job.train_split).value_or(SplitMaker());
  }
  check_same_numbers(job, of_probe, inputs.embeddings);
  const std::string weights = setting(inputs.embeddings, "weights");
  if (job.token_products && weights != job.model_weights)
    fail(ErrorCategory::input, "{}: split {} was embedded by weights {}, the model's are {}", job.cache,
         job.split, weights, job.model_weights);
  return inputs;
}

ProbedQuestion probed_question(const NamedProbe& probe, std::int64_t question) {
  return {probe.probe.weight_qd[question], probe.probe.bias_q[question].item<double>(), probe.mean_d};
}

}  // namespace pillar
