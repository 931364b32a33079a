// Internal: metrics.json of a probe or zero-shot run.
#pragma once

#include "viz/report/report_parts.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pillar::viz {

struct ReliabilityBin {
  double predicted = 0, observed = 0;
  std::int64_t count = 0;
};

struct ConfidentError {
  std::string accession;
  double score = 0;
  bool answer = false;
};

struct QuestionMetrics {
  std::string question, category;
  std::int64_t positives = 0, negatives = 0;
  std::optional<std::int64_t> train_positives, train_negatives;
  Interval auroc, average_precision;
  double sensitivity = kUndefined, threshold = kUndefined;  // at 90 % specificity
  double brier = kUndefined, calibration_error = kUndefined;
  std::vector<std::pair<double, double>> roc;  // false and true positive rate
  std::vector<ReliabilityBin> reliability;
  std::vector<ConfidentError> errors;
};

struct MacroMetric {
  Interval interval;
  std::int64_t questions = 0;
};

struct CategoryMetrics {
  std::string name;
  std::int64_t questions = 0;
  Interval auroc, average_precision;
};

struct ProbeMetrics {
  std::int64_t train = 0, valid = 0, test = 0, evaluated = 0;
  bool with_answers = true;    // without labels there are questions and nothing else
  bool probabilities = false;  // a question has a Brier score: scores are probabilities
  MacroMetric auroc, average_precision, sensitivity, brier, calibration_error;
  std::vector<CategoryMetrics> categories;
  std::vector<QuestionMetrics> questions;
};

ProbeMetrics read_probe_metrics(const JsonPlace& metrics);  // throws Error(input) naming file and key

}  // namespace pillar::viz
