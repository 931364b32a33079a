// Runs held against the first of them, on the studies and questions that all have.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/evaluation.h"
#include "pillar/metrics/run_record.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// A run's exam_probabilities.csv.
struct RunScores {
  struct Score {
    double score = 0;
    std::uint32_t accession = 0;  // index into `accessions`
    std::int8_t answer = -1;      // 1 yes, 0 no, -1 not known
  };
  std::string name;  // of the folder
  std::filesystem::path path;
  std::string kind;                                // of its metrics.json; "" without one
  std::vector<std::string> accessions, questions;  // in order of first appearance
  std::vector<std::string> categories;             // one a question; "" where not known
  std::vector<std::vector<Score>> scores_q;        // by rising accession index
};

// Reads exam_probabilities.csv (columns accession, question, probability, true_label; an empty label is not
// known), and kind and categories of a metrics.json that lies beside it. Throws Error(io), and Error(input)
// naming file and line: other columns, a probability that is no finite number, a label that is not 0 or 1, a
// pair of accession and question twice.
RunScores load_run_scores(const std::filesystem::path& run_folder);

enum class Verdict { win, tie, loss };  // the interval of the difference is above, around, below 0
const char* to_string(Verdict verdict) noexcept;

struct QuestionComparison {
  std::string question, category;
  std::int64_t num_positive = 0, num_negative = 0;
  double baseline_auroc = 0, auroc = 0;
  Interval difference;  // auroc - baseline_auroc
  Verdict verdict = Verdict::tie;
};

struct RunComparison {
  std::string run;
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

// Every replicate draws the same studies for all runs. A study counts in a question where all runs have its
// score and answer. Throws Error(usage): fewer than two runs, two of one name; Error(input): no common
// accession or question, no question with both classes, two answers to one question (naming both).
Comparison compare_runs(const std::vector<RunScores>& runs, const BootstrapOptions& bootstrap,
                        const PatientTable& patients);

// Writes metrics.json and compare.csv; makes the folder. Throws Error(io).
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison,
                      const RunRecord& record);

}  // namespace pillar
