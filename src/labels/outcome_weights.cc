#include "pillar/core/fail.h"
#include "pillar/labels/outcome_sampling.h"

#include <cmath>
#include <map>

#include <ATen/ops/ones.h>

namespace pillar {
namespace {

struct LabelCounts {
  std::vector<std::int64_t> yes, no;  // known training studies with each label, and without it
};

LabelCounts count_training_labels(const OutcomeTable& table) {
  const std::size_t labels = table.outputs.size();
  LabelCounts counts{std::vector<std::int64_t>(labels), std::vector<std::int64_t>(labels)};
  const float* value = table.values.const_data_ptr<float>();
  for (std::size_t n = 0; n < table.studies.size(); ++n, value += labels) {
    if (table.studies[n].split != OutcomeSplit::train) continue;
    for (std::size_t c = 0; c < labels; ++c) {
      if (value[c] == 1) ++counts.yes[c];
      if (value[c] == 0) ++counts.no[c];
    }
  }
  return counts;
}

// By study: the rarest label that it has, -1 for none.
std::vector<std::int64_t> rarest_labels(const OutcomeTable& table) {
  const std::vector<std::int64_t> yes = count_training_labels(table).yes;
  std::vector<std::int64_t> rarest;
  const float* value = table.values.const_data_ptr<float>();
  for (std::size_t n = 0; n < table.studies.size(); ++n, value += yes.size()) {
    std::int64_t best = -1;
    for (std::size_t c = 0; c < yes.size(); ++c) {
      if (value[c] == 1 && (best < 0 || yes[c] < yes[static_cast<std::size_t>(best)]))
        best = static_cast<std::int64_t>(c);
    }
    rarest.push_back(best);
  }
  return rarest;
}

std::vector<std::int64_t> classes_of(const OutcomeTable& table) {
  if (table.kind == OutcomeKind::multilabel) return rarest_labels(table);
  const std::size_t step = table.kind == OutcomeKind::survival ? 2 : 1;
  const auto* value = table.values.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> classes;
  for (std::size_t n = 0; n < table.studies.size(); ++n) classes.push_back(value[n * step]);
  return classes;
}

}  // namespace

std::vector<double> class_balanced_weights(const OutcomeTable& table) {
  const std::vector<std::int64_t> classes = classes_of(table);
  std::map<std::int64_t, std::int64_t> counts;
  for (std::size_t n = 0; n < classes.size(); ++n) {
    if (table.studies[n].split == OutcomeSplit::train) ++counts[classes[n]];
  }
  if (counts.empty()) fail(ErrorCategory::input, "{}: no study is in the split train", table.file);
  std::vector<double> weights;
  for (std::size_t n = 0; n < classes.size(); ++n) {
    if (table.studies[n].split != OutcomeSplit::train) continue;
    weights.push_back(1 / static_cast<double>(std::ssize(counts) * counts.at(classes[n])));
  }
  return weights;
}

at::Tensor positive_weights(const OutcomeTable& table) {
  if (table.kind != OutcomeKind::multilabel)
    fail(ErrorCategory::usage, "weights of positives are for multilabel outcomes, not {}",
         to_string(table.kind));
  const LabelCounts counts = count_training_labels(table);
  at::Tensor weights = at::ones({std::ssize(counts.yes)}, at::kFloat);
  auto* weight = weights.mutable_data_ptr<float>();
  for (std::size_t c = 0; c < counts.yes.size(); ++c) {
    if (counts.yes[c] > 0)
      weight[c] = static_cast<float>(static_cast<double>(counts.no[c]) / static_cast<double>(counts.yes[c]));
  }
  return weights;
}

}  // namespace pillar
