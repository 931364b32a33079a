// metrics.json of a run, read back into the structs that it was written from.
#pragma once

#include "pillar/metrics/comparison.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/localization.h"
#include "pillar/metrics/retrieval_evaluation.h"
#include "pillar/metrics/run_record.h"
#include "pillar/metrics/survival.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pillar {

// What every kind begins with: how the run was made.
struct RunHead {
  std::string kind, created;                                            // "probe"; "2026-01-31T12:00:00Z"
  std::string command;                                                  // as a shell takes it
  std::vector<std::pair<std::string, std::string>> versions, settings;  // in the file's order
  std::vector<InputRecord> inputs;
};

// Of kind "probe", "zero-shot" or "finetune". `evaluation.questions[i].confusion` is not in the file.
struct EvaluationMetrics {
  Evaluation evaluation;
  // None where the file does not say how many studies there were. Its counts of answers are empty unless the
  // file has both for every question.
  std::optional<TrainingCounts> training;
};

// Of kind "retrieve", without what ranks.csv has.
struct RetrievalMetrics {
  RetrievalEvaluation evaluation;
  std::optional<RetrievalQuery> query;
};

using RunResult = std::variant<EvaluationMetrics, UnlabelledRun, Comparison, RetrievalMetrics,
                               SurvivalEvaluation, LocalizationEvaluation>;

struct RunMetrics {
  RunHead head;
  RunResult result;
};

// Throws Error(io), and Error(input) naming file and key.
RunMetrics read_run_metrics(const std::filesystem::path& metrics_json);

// The little that a comparison asks of a run's metrics.json.
struct RunQuestions {
  std::string kind;
  std::map<std::string, std::string> category_of;  // by question; "" where there is none
  std::map<std::string, std::string> settings;
  bool are_classes = false;  // questions exclude each other
};
// Throws Error(io), and Error(input) where the file has no kind or a question without its text.
RunQuestions read_run_questions(const std::filesystem::path& metrics_json);

}  // namespace pillar
