// A zero-shot run: prompts and embeddings in, scores and, where labels say what is true, their evaluation
// out.
#pragma once

#include "pillar/eval/zero_shot.h"
#include "pillar/labels/labels.h"
#include "pillar/metrics/evaluation.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct ZeroShotJob {
  std::filesystem::path cache;  // embeddings/<split>/...
  std::string split = "test";
  std::filesystem::path out;                // run folder
  std::filesystem::path labels, label_map;  // files of the label table, for the record
  std::filesystem::path patients;           // CSV accession,patient: studies of a patient are drawn together
  AnswerRules answers;
  bool allow_mixed = false;  // the embeddings may be of other weights than the model's
  BootstrapOptions bootstrap;
  // For the record: argv, what the prompts were read from, and how their vectors were made.
  std::vector<std::string> command;
  std::vector<InputRecord> prompt_inputs;
  std::map<std::string, std::string> settings;
};

struct ZeroShotRun {
  std::int64_t studies = 0, questions = 0;
  bool probabilities = false;
  std::optional<Evaluation> evaluation;  // of the questions that prompts and labels share
};

// Writes scores.csv and metrics.json into job.out; with labels metrics.csv, and of pairs of prompts the
// public files of write_public_results(). Files of those names from an earlier run that this one does not
// write are removed. Throws Error(io | input): what load_embeddings(), zero_shot_scores() and load_labels()
// throw, labels that share no accession or no question with the scores.
ZeroShotRun run_zero_shot(const JointSpace& space, const PromptSet& prompts,
                          const std::optional<LabelTable>& labels, const ZeroShotJob& job);

// The part of `scores` that `labels` know of. Throws Error(input): no common question or accession.
Predictions labelled_predictions(const ZeroShotScores& scores, const std::vector<std::string>& accessions,
                                 const LabelTable& labels, const AnswerRules& rules);

}  // namespace pillar
