#include "pillar/metrics/calibration_map.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include <algorithm>
#include <cmath>

namespace pillar {
namespace {

// No probability that a double can hold has log-odds beyond this.
constexpr double kMostLogOdds = 745;

// (N, outputs) on the CPU as doubles, row by row.
at::Tensor rows_of(const at::Tensor& values_no, std::size_t outputs, const char* what) {
  if (values_no.dim() != 2 || values_no.size(1) != static_cast<std::int64_t>(outputs) || outputs == 0)
    fail(ErrorCategory::usage, "{}: one row for each study and one column for each of {} outputs wanted",
         what, outputs);
  if (values_no.scalar_type() != at::kFloat && values_no.scalar_type() != at::kDouble)
    fail(ErrorCategory::usage, "{} must be float32 or float64", what);
  return values_no.to(at::kCPU, at::kDouble).contiguous();
}

std::span<double> row_of(const at::Tensor& values_no, std::int64_t row) {
  const std::int64_t width = values_no.size(1);
  return {values_no.mutable_data_ptr<double>() + row * width, static_cast<std::size_t>(width)};
}

// The log of the sum of exp(value), but for the value at `left_out`.
double log_sum_exp_without(std::span<const double> values, std::size_t left_out) {
  double most = -INFINITY, sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i != left_out) most = std::max(most, values[i]);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i != left_out) sum += std::exp(values[i] - most);
  return most + std::log(sum);
}

// Logits of all classes into the log-odds of each.
void class_log_odds(std::span<double> logits) {
  const auto top = static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  const double most = logits[top], others = log_sum_exp_without(logits, top);
  double sum = 0;
  for (const double logit : logits) sum += std::exp(logit - most);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    // The class on top is among the others of every other class: what is left of the sum is at least 1.
    const double rest = i == top ? others : most + std::log(sum - std::exp(logits[i] - most));
    logits[i] = std::clamp(logits[i] - rest, -kMostLogOdds, kMostLogOdds);
  }
}

// What the curves take, in place.
void scores_in_place(OutcomeKind kind, const at::Tensor& logits_no, const std::vector<std::string>& outputs) {
  if (kind == OutcomeKind::multiclass && outputs.size() < 2)
    fail(ErrorCategory::usage, "one class alone has nothing to calibrate");
  for (std::int64_t n = 0; n < logits_no.size(0); ++n) {
    const std::span<double> row = row_of(logits_no, n);
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!std::isfinite(row[i]))
        fail(ErrorCategory::input, "study {}, output {}: the logit {} is not finite", n + 1,
             printable(outputs[i]), row[i]);
    }
    if (kind == OutcomeKind::multiclass) class_log_odds(row);
  }
}

double log_odds(double probability) {
  return std::clamp(std::log(probability) - std::log1p(-probability), -kMostLogOdds, kMostLogOdds);
}

void make_coherent(OutcomeKind kind, std::span<double> row) {
  if (kind == OutcomeKind::survival) {
    for (std::size_t i = 1; i < row.size(); ++i) row[i] = std::max(row[i], row[i - 1]);
  } else if (kind == OutcomeKind::multiclass) {
    double sum = 0;
    for (const double probability : row) sum += probability;
    for (double& probability : row)
      probability = sum > 0 ? probability / sum : 1 / static_cast<double>(row.size());
  }
}

std::vector<std::string> outputs_of(const CalibrationMap& map) {
  std::vector<std::string> names;
  for (const OutputCalibration& output : map.outputs) names.push_back(output.output);
  return names;
}

// Scores to probabilities, in place.
void apply_curves(const CalibrationMap& map, const at::Tensor& scores_no) {
  for (std::int64_t n = 0; n < scores_no.size(0); ++n) {
    const std::span<double> row = row_of(scores_no, n);
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] =
          std::visit([&](const auto& curve) { return probability_at(curve, row[i]); }, map.outputs[i].curve);
    }
    make_coherent(map.kind, row);
  }
}

std::variant<PlattCurve, IsotonicCurve> fit_curve(CalibrationMethod method, std::span<const double> scores,
                                                  std::span<const std::int8_t> answers) {
  if (method == CalibrationMethod::platt) return fit_platt(scores, answers);
  return fit_isotonic(scores, answers);
}

}  // namespace

CalibrationMap fit_calibration(CalibrationMethod method, OutcomeKind kind,
                               const std::vector<std::string>& outputs, const at::Tensor& logits_no,
                               const at::Tensor& answers_no) {
  const at::Tensor scores_no = rows_of(logits_no, outputs.size(), "validation logits").clone();
  if (answers_no.sizes() != logits_no.sizes() || answers_no.scalar_type() != at::kChar)
    fail(ErrorCategory::usage, "the answers to validation studies must be int8, one for each logit");
  scores_in_place(kind, scores_no, outputs);
  const at::Tensor scores_on = scores_no.t().contiguous();
  const at::Tensor answers_on = answers_no.to(at::kCPU).t().contiguous();
  const auto studies = static_cast<std::size_t>(scores_no.size(0));
  CalibrationMap map{kind, {}};
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::span scores(scores_on.const_data_ptr<double>() + i * studies, studies);
    const std::span answers(answers_on.const_data_ptr<std::int8_t>() + i * studies, studies);
    try {
      map.outputs.push_back({outputs[i], fit_curve(method, scores, answers)});
    } catch (const Error& error) {
      throw Error(error.category(), "output " + printable(outputs[i]) + ": " + error.what());
    }
  }
  return map;
}

at::Tensor calibrate_logits(const CalibrationMap& map, const at::Tensor& logits_no) {
  const at::Tensor values_no = rows_of(logits_no, map.outputs.size(), "logits").clone();
  scores_in_place(map.kind, values_no, outputs_of(map));
  apply_curves(map, values_no);
  return values_no.to(logits_no.scalar_type());
}

at::Tensor calibrate_probabilities(const CalibrationMap& map, const at::Tensor& probabilities_no) {
  const at::Tensor values_no = rows_of(probabilities_no, map.outputs.size(), "probabilities").clone();
  for (std::int64_t n = 0; n < values_no.size(0); ++n) {
    const std::span<double> row = row_of(values_no, n);
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!(row[i] >= 0 && row[i] <= 1))
        fail(ErrorCategory::input, "study {}, output {}: {} is no probability from 0 to 1", n + 1,
             printable(map.outputs[i].output), row[i]);
      row[i] = log_odds(row[i]);
    }
  }
  apply_curves(map, values_no);
  return values_no.to(probabilities_no.scalar_type());
}

}  // namespace pillar
