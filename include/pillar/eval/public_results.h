// The four files of the public RATE evaluator, with its names, columns and conventions, and beside them the
// scores that they were made from.
#pragma once

#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/predictions.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// detailed_results.csv (a line a question; AUC 0 where the test set has one class), exam_probabilities.csv (a
// line a question and study: probability, prediction at .5, true label), summary_stats.json (means over all
// questions, and over those with both classes as drop_zeros_*) and, with `training`, training_stats.json.
// Beside them exam_scores.csv, where predictions have something else to rank by: accession, question, score
// (logits, whose order float32 probabilities near 1 no longer tell).
// `evaluation` is of these predictions, which must be probabilities. Makes the folder; every file is atomic.
// Throws Error(io), and Error(usage) for other scores.
void write_public_results(const std::filesystem::path& run_folder, const Predictions& predictions,
                          const Evaluation& evaluation, const std::optional<TrainingCounts>& training);

// accession,question,probability,prediction and, with answers (Q,N), true_label; a line a question and study,
// those without a known answer left out. The table is never whole in memory. Throws Error(io).
void write_probability_rows(const std::filesystem::path& csv, const std::vector<std::string>& accessions,
                            const std::vector<std::string>& questions, const at::Tensor& probabilities_qn,
                            const at::Tensor* answers_qn);

}  // namespace pillar
