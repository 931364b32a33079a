// Every number of a test set, with intervals, and the files they are written to: metrics.csv, metrics.json.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/classification.h"
#include "pillar/metrics/metrics.h"
#include "pillar/metrics/predictions.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct EvaluationOptions {
  BootstrapOptions bootstrap;
  PatientTable patients;  // empty: studies are drawn one by one
  int errors_per_question = 5;
};

struct ConfidentError {
  std::string accession;
  double score = 0;
  int answer = 0;
};

struct QuestionEvaluation {
  std::string question, category;
  std::int64_t num_samples = 0, num_positive = 0, num_negative = 0;
  std::int64_t num_missing = 0, num_uncertain = 0;  // answers that the labels do not give, counted or not
  Interval delong;  // of the AUROC, without drawing; its ends are NaN where patients are drawn
  Interval auroc, average_precision;  // NaN where the test set has one class only
  OperatingPoint at_90_specificity;
  // Of probabilities; else NaN, empty and zero.
  double brier = 0, expected_calibration_error = 0;
  std::vector<ReliabilityBin> reliability;
  Confusion confusion;  // score > 0.5
  std::vector<RocPoint> roc;
  // The most confident first. Where scores are no probabilities, as many are said to be yes as are.
  std::vector<ConfidentError> errors;
};

struct CategoryEvaluation {
  std::string name;
  MacroInterval auroc, average_precision;
};

// Answers that the labels do not give: how many, and what it does to count them as a yes or a no.
struct UnknownAnswers {
  std::int64_t missing = 0, uncertain = 0;  // over all questions
  std::int64_t counted = 0;                 // of both
  // Of the same scores, on the answers that are given. No intervals.
  MacroInterval auroc_of_given;
};

// The same probe trained on few answers, as often as they were drawn.
struct FewShotPoint {
  std::int64_t shots = 0;  // yes and as many no of each question; 0: all that there are
  std::int64_t draws = 0;
  // Macro means over questions, and the interval of their mean over draws by Student's t; NaN ends of one.
  Interval auroc, average_precision;
  std::int64_t questions = 0;        // that have the number
  std::int64_t short_questions = 0;  // that have fewer than `shots` yes or no to train on
  std::vector<double> auroc_draws;   // macro AUROC of each
};

// A question that was not evaluated: too few positive studies.
struct LeftOutQuestion {
  std::string question;
  std::int64_t train_positive = 0, test_positive = 0;
};

struct Evaluation {
  std::int64_t num_studies = 0;
  std::int64_t num_evaluated = 0;  // questions with both classes
  bool probabilities = true;
  BootstrapOptions bootstrap;
  std::string unit;            // "study" or "patient"
  std::int64_t num_units = 0;  // that were drawn from
  // Means over questions where the number is defined. No intervals but for the first two.
  MacroInterval auroc, average_precision, sensitivity_at_90_specificity, brier, expected_calibration_error;
  std::vector<CategoryEvaluation> categories;  // in order of first appearance
  std::vector<QuestionEvaluation> questions;   // as given
  std::optional<UnknownAnswers> unknown;       // where the predictions say what was given
  // What evaluate() leaves empty: of a probe, training with few answers and questions of too few positives;
  // where thresholds were chosen on another split; where questions are classes.
  std::vector<FewShotPoint> few_shot;
  std::int64_t min_positives = 0;  // in the training and in the test split
  std::vector<LeftOutQuestion> left_out;
  std::optional<ThresholdedEvaluation> thresholded;
  std::optional<ClassEvaluation> classes;
};

// Throws Error(input): no studies or questions, shapes or types that do not fit, a score that is not finite
// (naming accession and question), probabilities outside 0 to 1, an accession that the patient table lacks.
Evaluation evaluate(const Predictions& predictions, const EvaluationOptions& options);

// What the scores were learned from.
struct TrainingCounts {
  std::int64_t train = 0, valid = 0;                   // studies
  std::vector<std::int64_t> positives_q, negatives_q;  // Q, of the training studies
};

// Writes metrics.csv and metrics.json; makes the folder. `training`: none for zero-shot. `record.settings`
// and `record.inputs` are kept as they are. Throws Error(io); Error(usage) where counts are not one a
// question.
void write_evaluation(const std::filesystem::path& run_folder, const Evaluation& evaluation,
                      const RunRecord& record, const std::optional<TrainingCounts>& training);

// A run that was asked questions nobody answered: zero-shot scores without labels.
struct UnlabelledRun {
  std::int64_t num_studies = 0;
  std::vector<std::string> questions;
};
// Writes metrics.json, which says what was asked and nothing of how well it was answered; makes the folder.
// Throws Error(io).
void write_unlabelled(const std::filesystem::path& run_folder, const UnlabelledRun& run,
                      const RunRecord& record);

}  // namespace pillar
