// One class of several: what is said against what is true.
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/metrics/classification.h"

#include "metrics/question_evaluation.h"
#include "metrics/replicate_counts.h"
#include "metrics/undefined.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

struct ClassRates {
  double accuracy = kUndefined, balanced_accuracy = kUndefined, macro_f1 = kUndefined;
};

// `studies_kk`: rows are what is true. Classes without studies do not count in the means.
ClassRates rates_of_classes(std::span<const std::int64_t> studies_kk, std::size_t classes) {
  double all = 0, right = 0, recalls = 0, f1s = 0, present = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    double is_class = 0, said_class = 0;
    for (std::size_t other = 0; other < classes; ++other) {
      is_class += static_cast<double>(studies_kk[k * classes + other]);
      said_class += static_cast<double>(studies_kk[other * classes + k]);
    }
    const auto hits = static_cast<double>(studies_kk[k * classes + k]);
    all += is_class;
    right += hits;
    if (is_class == 0) continue;
    ++present;
    recalls += hits / is_class;
    f1s += 2 * hits / (is_class + said_class);
  }
  if (all == 0) return {};
  return {right / all, recalls / present, f1s / present};
}

// The one class that is answered yes; none where no answer is known.
std::optional<std::uint32_t> true_class(const Predictions& p, std::int64_t study) {
  const std::int64_t studies = std::ssize(p.accessions);
  const auto* answers = p.answers_qn.const_data_ptr<std::int8_t>() + study;
  std::optional<std::uint32_t> found;
  bool any_known = false;
  for (std::int64_t k = 0; k < std::ssize(p.questions); ++k) {
    const std::int8_t answer = answers[k * studies];
    any_known = any_known || answer >= 0;
    if (answer != 1) continue;
    if (found) {
      fail(ErrorCategory::input, "accession {}: is of two classes, '{}' and '{}'",
           printable(p.accessions[static_cast<std::size_t>(study)]), printable(p.questions[*found]),
           printable(p.questions[static_cast<std::size_t>(k)]));
    }
    found = static_cast<std::uint32_t>(k);
  }
  if (any_known && !found) {
    fail(ErrorCategory::input, "accession {}: is of none of the classes",
         printable(p.accessions[static_cast<std::size_t>(study)]));
  }
  return found;
}

std::vector<std::uint32_t> said_classes(const Predictions& p) {
  std::vector<std::uint32_t> said(p.accessions.size());
  std::vector<double> best = scores_of_question(p.scores_qn, 0);
  for (std::int64_t k = 1; k < std::ssize(p.questions); ++k) {
    const std::vector<double> own = scores_of_question(p.scores_qn, k);
    for (std::size_t n = 0; n < own.size(); ++n) {
      if (own[n] <= best[n]) continue;
      best[n] = own[n];
      said[n] = static_cast<std::uint32_t>(k);
    }
  }
  return said;
}

}  // namespace

at::Tensor class_log_odds(const at::Tensor& logits_nk) {
  std::vector<at::Tensor> odds;
  for (std::int64_t k = 0; k < logits_nk.size(1); ++k) {
    std::vector<at::Tensor> others;
    if (k > 0) others.push_back(logits_nk.narrow(1, 0, k));
    if (k + 1 < logits_nk.size(1)) others.push_back(logits_nk.narrow(1, k + 1, logits_nk.size(1) - k - 1));
    odds.push_back(logits_nk.select(1, k) - at::logsumexp(at::cat(others, 1), 1));
  }
  return at::stack(odds, 1);
}

ClassEvaluation evaluate_classes(const Predictions& predictions, const BootstrapOptions& bootstrap,
                                 const PatientTable& patients) {
  check_predictions(predictions);
  const ResampleUnits units = resample_units(predictions.accessions, patients);
  const Resamples resamples(units.count, bootstrap);
  const std::size_t classes = predictions.questions.size(), cells = classes * classes;
  ClassEvaluation evaluation;
  evaluation.classes = predictions.questions;
  evaluation.studies_kk.resize(cells);
  const std::vector<std::uint32_t> said = said_classes(predictions);
  std::vector<std::uint32_t> unit_n, cell_n;
  for (std::size_t n = 0; n < said.size(); ++n) {
    const auto is = true_class(predictions, static_cast<std::int64_t>(n));
    if (!is) continue;
    unit_n.push_back(units.of_study[n]);
    cell_n.push_back(static_cast<std::uint32_t>(*is * classes + said[n]));
    ++evaluation.studies_kk[cell_n.back()];
  }
  evaluation.num_studies = std::ssize(cell_n);
  const ClassRates rates = rates_of_classes(evaluation.studies_kk, classes);
  const std::vector<std::int64_t> counts =
      replicate_counts(unit_n, cell_n, static_cast<std::int64_t>(cells), resamples);
  std::vector<double> accuracy, balanced, f1;
  for (std::size_t r = 0; r < static_cast<std::size_t>(resamples.replicates()); ++r) {
    const ClassRates own = rates_of_classes({counts.data() + r * cells, cells}, classes);
    accuracy.push_back(own.accuracy);
    balanced.push_back(own.balanced_accuracy);
    f1.push_back(own.macro_f1);
  }
  const double confidence = bootstrap.confidence;
  evaluation.accuracy = percentile_interval(rates.accuracy, accuracy, confidence);
  evaluation.balanced_accuracy = percentile_interval(rates.balanced_accuracy, balanced, confidence);
  evaluation.macro_f1 = percentile_interval(rates.macro_f1, f1, confidence);
  return evaluation;
}

}  // namespace pillar
