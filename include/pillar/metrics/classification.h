// What a model says, not only how it ranks: yes or no at a threshold, or one class of several.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/metrics.h"
#include "pillar/metrics/predictions.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pillar {

// From what score on a study is said to be yes.
enum class ThresholdRule {
  half,    // above one half
  f1,      // where F1 is highest
  youden,  // where sensitivity + specificity is highest (Youden, 1950)
};
const char* to_string(ThresholdRule rule) noexcept;
// Throws Error(usage): another name.
ThresholdRule parse_threshold_rule(const std::string& name);

// The threshold by the rule: halfway between the two neighbouring scores that it parts (a yes is a score
// above it, as confusion() has it); of several that are as good, the highest. None where there is one class
// only.
std::optional<double> choose_threshold(const RankedScores& ranked, ThresholdRule rule);
// One a question of a split that the thresholds may be chosen on. `predictions` are as evaluate() takes them
// and hold probabilities. Throws Error(input) as it does.
std::vector<std::optional<double>> choose_thresholds(const Predictions& predictions, ThresholdRule rule);

struct ThresholdedQuestion {
  std::string question;
  double threshold = 0.5;
  bool is_chosen = false;  // by the rule; otherwise it is one half, since there was one class only
  Confusion confusion;
  Interval f1, sensitivity, specificity;  // NaN where their denominator is 0
};

struct ThresholdedEvaluation {
  ThresholdRule rule = ThresholdRule::half;
  std::string chosen_on;  // the split's name; empty for one half
  MacroInterval f1;       // over questions with both classes
  std::vector<ThresholdedQuestion> questions;
};

// Of `predictions`, at thresholds that another split gave (choose_thresholds(); a question without one: one
// half). Throws Error(input) as evaluate(); Error(usage): not one threshold a question, scores that are no
// probabilities.
ThresholdedEvaluation evaluate_at_thresholds(const Predictions& predictions, ThresholdRule rule,
                                             std::span<const std::optional<double>> thresholds_q,
                                             const BootstrapOptions& bootstrap, const PatientTable& patients);

// Of questions that exclude each other: the class with the highest score is what the model says.
struct ClassEvaluation {
  std::vector<std::string> classes;      // K
  std::int64_t num_studies = 0;          // whose class is known
  std::vector<std::int64_t> studies_kk;  // (K,K): rows are what is true, columns what the model says
  Interval accuracy;
  // The mean recall, and the mean F1, of classes that have studies (in a replicate: that were drawn).
  Interval balanced_accuracy, macro_f1;
};

// log(p / (1 - p)) of the softmax of (N,K) logits, which does not saturate as p does: ranks the studies of a
// class as its probability does.
at::Tensor class_log_odds(const at::Tensor& logits_nk);

// Questions of `predictions` are the classes; a study whose answers are all unknown is left out. Equal
// scores: the first class. Throws Error(input) as evaluate(), and naming a study with two classes or with
// none of those that are asked.
ClassEvaluation evaluate_classes(const Predictions& predictions, const BootstrapOptions& bootstrap,
                                 const PatientTable& patients);

}  // namespace pillar
