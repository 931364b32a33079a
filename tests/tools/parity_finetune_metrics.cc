// Metrics of survival, and of multi-label classification, under the public code's names.
#include "tools/parity_finetune_metrics.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/metrics/metrics.h"
#include "pillar/metrics/survival.h"
#include "pillar/nn/parameters.h"

#include "tools/parity_finetune.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

namespace pillar::test {
namespace {

// JSON has no NaN.
ParityJson value_or_null(double value) {
  return std::isnan(value) ? ParityJson(nullptr) : ParityJson(value);
}

// The public code's tables are objects of years.
ParityJson curve_json(const std::vector<double>& curve) {
  ParityJson json;
  for (std::size_t year = 0; year < curve.size(); ++year) json[std::to_string(year)] = curve[year];
  return json;
}

// An ensemble's mean logits, or the one model's.
at::Tensor case_logits(const SafetensorsFile& golden, const std::string& name) {
  std::vector<at::Tensor> members;
  for (int i = 0; golden.contains(fmt::format("{}.logit{}", name, i)); ++i)
    members.push_back(golden.tensor(fmt::format("{}.logit{}", name, i)));
  return members.empty() ? golden.tensor(name + ".logit") : at::stack(members).mean(0);
}

SurvivalPredictions case_predictions(const SafetensorsFile& golden, const std::string& name) {
  SurvivalPredictions predictions;
  predictions.risks_nk = at::sigmoid(case_logits(golden, name));
  const at::Tensor times = golden.tensor(name + ".time_at_event"), events = golden.tensor(name + ".y");
  for (std::int64_t n = 0; n < times.numel(); ++n) {
    predictions.accessions.push_back(std::to_string(n));
    predictions.outcomes.times_n.push_back(times[n].item<std::int64_t>());
    predictions.outcomes.events_n.push_back(static_cast<std::uint8_t>(events[n].item<std::int64_t>()));
  }
  return predictions;
}

ParityJson survival_json(const SurvivalEvaluation& evaluation) {
  ParityJson metrics;
  for (std::size_t k = 0; k < evaluation.years.size(); ++k) {
    const SurvivalYear& year = evaluation.years[k];
    metrics[fmt::format("{}_year_auc", k + 1)] = value_or_null(year.auroc.value);
    metrics[fmt::format("{}_year_apscore", k + 1)] = value_or_null(year.average_precision.value);
    metrics[fmt::format("{}_year_prauc", k + 1)] = value_or_null(year.pr_auc);
  }
  metrics["c_index"] = value_or_null(evaluation.concordance.value);
  const ConcordanceSums& sums = evaluation.sums;
  ParityJson json;
  json["metrics"] = metrics;
  json["concordance_sums"] = nullptr;
  if (sums.pairs > 0)
    json["concordance_sums"] = {{"correct", sums.right}, {"tied", sums.tied}, {"pairs", sums.pairs}};
  json["n"] = evaluation.num_studies;
  json["positives"] = evaluation.num_events;
  json["censoring"] = curve_json(evaluation.watched_k);
  return json;
}

// The case "own_km" weighs by the curve of its own events, the others by the built-in table.
ParityJson case_json(const SurvivalPredictions& predictions, const std::string& name) {
  SurvivalOptions options;
  options.public_degenerate = true;
  options.watched_k = name == "own_km" ? event_free_curve(predictions.outcomes, predictions.risks_nk.size(1))
                                       : nlst_event_free_curve();
  BootstrapOptions bootstrap;
  bootstrap.replicates = 0;
  return survival_json(evaluate_survival(predictions, options, bootstrap, {}));
}

struct LabelScores {
  double auroc = 0, ap = 0, precision = 0, recall = 0, f1 = 0;
};
constexpr std::pair<const char*, double LabelScores::*> kLabelScores[] = {
    {"auroc", &LabelScores::auroc},
    {"ap", &LabelScores::ap},
    {"precision", &LabelScores::precision},
    {"recall", &LabelScores::recall},
    {"f1", &LabelScores::f1}};

// torchmetrics says yes at 0.5 itself, and AUROC 0 with one class only.
LabelScores label_scores(const at::Tensor& probabilities_n, const at::Tensor& targets_n) {
  std::vector<double> scores;
  std::vector<std::int8_t> answers;
  for (std::int64_t n = 0; n < targets_n.numel(); ++n) {
    scores.push_back(probabilities_n[n].item<double>());
    answers.push_back(targets_n[n].item<double>() > 0.5 ? 1 : 0);
  }
  const RankedScores ranked = rank_scores(scores, answers);
  const Confusion counts = confusion(ranked, std::nextafter(0.5, 0));
  const double area = auroc(ranked);
  return {std::isnan(area) ? 0 : area, average_precision(ranked), counts.precision(), counts.recall(),
          counts.f1()};
}

// Over the labels that have the score.
double mean_score(const std::vector<LabelScores>& labels, double LabelScores::*score) {
  double sum = 0, count = 0;
  for (const LabelScores& label : labels) {
    if (std::isnan(label.*score)) continue;
    sum += label.*score;
    ++count;
  }
  return sum / count;
}

}  // namespace

ParityJson multilabel_metrics(const at::Tensor& logits_nl, const at::Tensor& targets_nl,
                              const std::vector<std::string>& names) {
  const at::Tensor probabilities = at::sigmoid(logits_nl);
  std::vector<LabelScores> labels;
  ParityJson json;
  for (std::size_t l = 0; l < names.size(); ++l) {
    const auto column = static_cast<std::int64_t>(l);
    labels.push_back(label_scores(probabilities.select(1, column), targets_nl.select(1, column)));
    for (const auto& [name, score] : kLabelScores)
      json[names[l] + "_" + name] = value_or_null(labels.back().*score);
  }
  for (const auto& [name, score] : kLabelScores)
    json[std::string("macro_") + name] = value_or_null(mean_score(labels, score));
  return json;
}

void parity_finetune_metrics(const FinetuneCase& golden) {
  const SafetensorsFile tensors(golden.tensors);
  const ParityJson in = ParityJson::parse(read_text_file(golden.json));
  ParityJson out;
  out["censoring_default"] = curve_json(nlst_event_free_curve());
  NamedTensors ensembles;
  for (const auto& [name, unused] : in.at("cases").items()) {
    const SurvivalPredictions predictions = case_predictions(tensors, name);
    out["cases"][name] = case_json(predictions, name);
    if (tensors.contains(name + ".logit0"))
      ensembles.emplace_back(name + ".logit", case_logits(tensors, name));
    if (name != "plain") continue;
    out["kaplan_meier_of_plain"] =
        curve_json(event_free_curve(predictions.outcomes, predictions.risks_nk.size(1)));
  }
  write_safetensors(golden.out_tensors, ensembles);
  write_file_atomic(golden.out_json, out.dump(1));
}

}  // namespace pillar::test
