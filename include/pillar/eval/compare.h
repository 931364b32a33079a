// Runs held against the first of them, on the studies and questions that all have.
#pragma once

#include "pillar/labels/patients.h"
#include "pillar/metrics/bootstrap.h"
#include "pillar/metrics/comparison.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace pillar {

// What a run said of its test set: exam_scores.csv, or exam_probabilities.csv where the run has no scores of
// its own; predictions/test.csv of a finetuning.
struct RunScores {
  struct Score {
    double score = 0;
    std::uint32_t accession = 0;  // index into `accessions`
    std::int8_t answer = -1;      // 1 yes, 0 no, -1 not known
  };
  std::string name;  // of the folder
  std::filesystem::path path;
  std::vector<std::filesystem::path> files;        // that scores and answers were read from
  std::string kind;                                // of its metrics.json; "" without one
  std::map<std::string, std::string> settings;     // of the same
  std::vector<std::string> accessions, questions;  // in order of first appearance
  std::vector<std::string> categories;             // one a question; "" where not known
  std::vector<std::vector<Score>> scores_q;        // by rising accession index
};

// Reads exam_probabilities.csv (columns accession, question, probability, true_label; an empty label is not
// known), exam_scores.csv (accession, question, score) in place of its probabilities where there is one, and
// kind and categories of a metrics.json that lies beside them. A run without scores may have probabilities
// that tie: they are counted, and a warning says how many. Of a finetuning: predictions/test.csv, or dev.csv
// where there was no test split; classes rank by log odds, labels by logits. Throws Error(io), and
// Error(input) naming file and line: other columns, a number that is not finite, a label that is not 0 or 1,
// a pair of accession and question twice, or without its score.
RunScores load_run_scores(const std::filesystem::path& run_folder);

// Runs are compared for what made their embeddings, as long as that is the model: weights, tower and
// preprocessing. Throws Error(input), or warns where `allow_mixed`, where anything else of it differs (type,
// normalisation, preset), or where one run mixed embeddings of several makers. Returns what is mixed, in
// words.
std::string check_compared_makers(const std::vector<RunScores>& runs, bool allow_mixed);

// Every replicate draws the same studies for all runs. A study counts in a question where all runs have its
// score and answer. Throws Error(usage): fewer than two runs, two of one name; Error(input): no common
// accession or question, no question with both classes, two answers to one question (naming both).
Comparison compare_runs(const std::vector<RunScores>& runs, const BootstrapOptions& bootstrap,
                        const PatientTable& patients);

}  // namespace pillar
