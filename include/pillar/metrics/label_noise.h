// What noise in the labels does to an AUROC, by the class-conditional model: whether a label is wrong depends
// on the truth alone, not on the score (Menon, van Rooyen, Ong and Williamson, Learning from Corrupted Binary
// Labels via Class-Probability Estimation, ICML 2015).
#pragma once

#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/label_quality.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// The truth behind labels of known quality.
struct NoisyLabels {
  double prevalence = 0;  // of the truth (Rogan and Gladen, American Journal of Epidemiology 107, 1978)
  double ppv = 0, npv = 0;
};
// `label_share`: the share of Yes among the labels. All NaN where no truth could give such labels: a
// sensitivity and specificity that do not exceed chance, a share outside of what they allow.
NoisyLabels noisy_labels(double sensitivity, double specificity, double label_share);

// The AUROC against the labels of a score whose AUROC against the truth is `true_auroc`.
double auroc_under_noise(double true_auroc, const NoisyLabels& labels);
// And back; from 0 to 1.
double auroc_without_noise(double observed_auroc, const NoisyLabels& labels);

struct NoisyQuestion {
  std::string question, category;
  std::string quality_of;  // whose quality was taken: "question", "category" or "all questions"
  Interval observed;       // AUROC against the labels
  Interval sensitivity, specificity;
  double label_share = 0;
  NoisyLabels truth;
  double reachable = 0;  // the AUROC of a perfect score against these labels; NaN where undefined
  Interval corrected;    // AUROC against the truth
};

struct LabelNoiseOptions {
  // A question with fewer reviewed answers takes the quality of its category, a category with fewer that of
  // all questions.
  std::int64_t fewest_items = 20;
  std::int64_t draws = 4000;  // of the corrected AUROC's interval
  std::uint64_t seed = 0;
  double confidence = 0.95;
};

// One for each question of the evaluation that has an AUROC. The corrected interval draws the observed AUROC,
// sensitivity and specificity independently, normal on the logit scale with the spread of their intervals;
// draws that no truth could give are left out.
std::vector<NoisyQuestion> correct_for_label_noise(const Evaluation& evaluation, const LabelScore& score,
                                                   const LabelNoiseOptions& options);

// CSV, a row for each question.
void write_label_noise(const std::filesystem::path& csv, const std::vector<NoisyQuestion>& questions);

}  // namespace pillar
