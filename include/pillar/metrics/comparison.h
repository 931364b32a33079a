// What a comparison of runs says: each run held against the first of them, question by question.
#pragma once

#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/delong.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

enum class Verdict { win, tie, loss };  // the interval of the difference is above, around, below 0
const char* to_string(Verdict verdict) noexcept;

struct QuestionComparison {
  std::string question, category;
  std::int64_t num_positive = 0, num_negative = 0;
  double baseline_auroc = 0, auroc = 0;
  Interval difference;  // auroc - baseline_auroc
  Verdict verdict = Verdict::tie;
  DelongDifference delong = {};  // without drawing; NaN where patients are drawn
};

struct RunComparison {
  std::string run, baseline;
  MacroInterval difference;  // of the macro AUROC
  std::int64_t wins = 0, ties = 0, losses = 0;
  std::vector<QuestionComparison> questions;  // with both classes, in the baseline's order
};

struct ComparedRun {
  std::string name, kind;
  std::filesystem::path path;
  Interval macro_auroc;  // over what all runs have
  std::int64_t left_out_accessions = 0, left_out_questions = 0;
};

struct Comparison {
  std::int64_t num_studies = 0, num_questions = 0;  // that all runs have
  std::int64_t num_evaluated = 0;                   // questions with both classes
  BootstrapOptions bootstrap;
  std::string unit;                        // "study" or "patient"
  std::int64_t num_units = 0;              // that were drawn from
  std::vector<ComparedRun> runs;           // the first is the baseline
  std::vector<RunComparison> comparisons;  // of the others
};

// Writes metrics.json and compare.csv; makes the folder. Throws Error(io).
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison,
                      const RunRecord& record);

}  // namespace pillar
