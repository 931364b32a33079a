// How good labels are: a model's answers held against a reviewer's, on a sample that may have been drawn
// unevenly.
#pragma once

#include "pillar/metrics/bootstrap.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

// One answer that was reviewed.
struct ReviewedLabel {
  bool predicted = false;  // the label's Yes
  bool reviewed = false;   // the reviewer's, taken for the truth
  double weight = 1;       // how many answers of the whole set it stands for
};

struct LabelRates {
  // NaN where the denominator is 0.
  Interval accuracy, sensitivity, specificity, ppv, npv, f1, kappa;
};

struct LabelQuality {
  std::int64_t items = 0;  // reviewed
  std::int64_t true_positives = 0, false_positives = 0, true_negatives = 0, false_negatives = 0;
  // Each item counts once. Where the sample was drawn half from either label, only PPV and NPV carry over to
  // the whole set.
  LabelRates unweighted;
  LabelRates weighted;    // items count by weight: what holds for the whole set
  double prevalence = 0;  // the weighted share of reviewed Yes
};
// Shares have Wilson's interval, the weighted ones by the effective number of items (Kish, Survey Sampling,
// 1965); F1 and kappa the bootstrap's, whose replicates draw each label's items among themselves, as the
// sample was drawn. Throws Error(input) for a weight that is not above 0.
LabelQuality label_quality(std::span<const ReviewedLabel> labels, const BootstrapOptions& bootstrap);

// Wilson's score interval of `successes` out of `trials` (Wilson, 1927). NaN where there is no trial.
Interval wilson_interval(std::int64_t successes, std::int64_t trials, double confidence);

// Cohen's kappa of two raters' yes (Cohen, 1960), by counts or weights of the four cells: both yes, first
// only, second only, both no. NaN where agreement by chance is certain.
double cohen_kappa(double both, double first_only, double second_only, double neither);

struct NamedQuality {
  std::string name;      // the question, or the category
  std::string category;  // of a question
  LabelQuality quality;
};

// Two reviewers on the items that both answered.
struct ReviewerAgreement {
  std::string first, second;
  std::int64_t items = 0, agreed = 0;
  double kappa = 0;
};

// A share of texts that reviewers found right: "comparisons removed", "findings", or a category's name.
struct TextQuality {
  std::string name;
  std::int64_t items = 0, correct = 0;
  Interval share;  // Wilson
};

// What score.json holds.
struct LabelScore {
  std::string labeller;  // what made the labels, where it is no language model; else empty
  LabelQuality overall;
  std::vector<NamedQuality> questions, categories;
  std::vector<TextQuality> texts;
  std::vector<ReviewerAgreement> reviewers;
  std::int64_t unsure = 0;      // items that nobody could decide
  std::int64_t disputed = 0;    // on which as many reviewers say Yes as No
  std::int64_t unanswered = 0;  // of the sample
  BootstrapOptions bootstrap;
};

void write_label_score(const std::filesystem::path& json, const LabelScore& score);
// Throws Error(io), and Error(input) naming file and key.
LabelScore read_label_score(const std::filesystem::path& json);

}  // namespace pillar
