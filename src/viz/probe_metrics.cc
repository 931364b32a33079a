#include "viz/probe_metrics.h"

#include <cmath>

namespace pillar::viz {
namespace {

MacroMetric read_macro(const JsonPlace& place, bool with_interval) {
  MacroMetric macro;
  macro.interval = with_interval ? read_interval(place) : Interval{place.number("value")};
  macro.questions = place.whole("questions");
  return macro;
}

double share_or_null(const JsonPlace& place) {
  const double value = place.number();
  if (value < 0 || value > 1) place.refuse("a number from 0 to 1");
  return value;
}

ReliabilityBin read_bin(const JsonPlace& place) {
  return {share_or_null(place.at("predicted")), share_or_null(place.at("observed")), place.whole("count")};
}

ConfidentError read_error(const JsonPlace& place) {
  const std::int64_t answer = place.whole("answer");
  if (answer > 1) place.at("answer").refuse("0 or 1");
  return {place.text("accession"), place.number("score"), answer == 1};
}

std::optional<std::int64_t> read_count(const JsonPlace& place, const char* key) {
  if (!place.has(key)) return std::nullopt;
  return place.whole(key);
}

QuestionMetrics read_question(const JsonPlace& place) {
  QuestionMetrics metrics;
  metrics.question = place.text("question");
  metrics.category = place.has("category") ? place.text("category") : "";
  metrics.positives = place.whole("num_positive");
  metrics.negatives = place.whole("num_negative");
  metrics.train_positives = read_count(place, "train_positive");
  metrics.train_negatives = read_count(place, "train_negative");
  metrics.auroc = read_interval(place.at("auroc"));
  metrics.average_precision = read_interval(place.at("average_precision"));
  const JsonPlace sensitivity = place.at("sensitivity_at_90_specificity");
  metrics.sensitivity = sensitivity.number("value");
  metrics.threshold = sensitivity.number("threshold");
  metrics.brier = place.number("brier");
  metrics.calibration_error = place.number("expected_calibration_error");
  metrics.roc = place.at("roc").shares();
  for (const JsonPlace& bin : place.at("reliability").items()) metrics.reliability.push_back(read_bin(bin));
  for (const JsonPlace& error : place.at("errors").items()) metrics.errors.push_back(read_error(error));
  return metrics;
}

void read_summary(const JsonPlace& metrics, ProbeMetrics& probe) {
  const JsonPlace macro = metrics.at("macro");
  probe.auroc = read_macro(macro.at("auroc"), true);
  probe.average_precision = read_macro(macro.at("average_precision"), true);
  probe.sensitivity = read_macro(macro.at("sensitivity_at_90_specificity"), false);
  probe.brier = read_macro(macro.at("brier"), false);
  probe.calibration_error = read_macro(macro.at("expected_calibration_error"), false);
  for (const JsonPlace& category : metrics.at("categories").items()) {
    probe.categories.push_back({category.text("name"), category.whole("questions"),
                                read_interval(category.at("auroc")),
                                read_interval(category.at("average_precision"))});
  }
}

}  // namespace

ProbeMetrics read_probe_metrics(const JsonPlace& metrics) {
  ProbeMetrics probe;
  const JsonPlace counts = metrics.at("counts");
  if (counts.has("train")) probe.train = counts.whole("train");
  if (counts.has("valid")) probe.valid = counts.whole("valid");
  probe.test = counts.whole("test");
  if (counts.has("evaluated")) probe.evaluated = counts.whole("evaluated");
  // Without labels a zero-shot run has scores only.
  probe.with_answers = metrics.text("kind") != "zero-shot" || metrics.has("macro");
  if (probe.with_answers) read_summary(metrics, probe);
  for (const JsonPlace& question : metrics.at("questions").items()) {
    if (probe.with_answers) {
      probe.questions.push_back(read_question(question));
      probe.probabilities = probe.probabilities || std::isfinite(probe.questions.back().brier);
    } else {
      probe.questions.emplace_back().question = question.text("question");
    }
  }
  return probe;
}

}  // namespace pillar::viz
