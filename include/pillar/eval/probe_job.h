// The RATE benchmark: embeddings and labels in, a trained probe, its scores and their files out.
#pragma once

#include "pillar/eval/probe.h"
#include "pillar/eval/study_pairs.h"
#include "pillar/labels/labels.h"
#include "pillar/metrics/evaluation.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

enum class ProbeSolver {
  adam,   // the public probe
  lbfgs,  // the optimum, with an L2 penalty chosen on the valid split
  knn,    // the answers of the nearest training studies; nothing is fitted, and no probe is written
};
const char* to_string(ProbeSolver solver) noexcept;

struct ProbeJob {
  std::filesystem::path cache;      // embeddings/<split>/...
  std::filesystem::path labels;     // JSON or a wide CSV table
  std::filesystem::path label_map;  // YAML: what its answers mean; empty: the standard ones
  std::filesystem::path out;        // run folder
  std::string train_split = "train", valid_split = "valid", test_split = "test";
  ProbeSolver solver = ProbeSolver::adam;
  AdamProbeOptions adam;
  LbfgsProbeOptions lbfgs;
  std::int64_t neighbours = 20;  // of knn
  // Beside the probe on all answers: training with so many yes and as many no of each question, 0 for all.
  std::vector<std::int64_t> few_shot;
  std::int64_t draws = 5;          // of each of them
  std::int64_t min_positives = 0;  // of train and of test: questions with fewer are left out and listed
  std::optional<double> l2;        // L-BFGS: this penalty (absolute), and no valid split is read
  std::filesystem::path init;      // Adam: probe to start from; empty: random from `seed`
  std::filesystem::path
      questions;  // question list: only these, and their categories; empty: all of the labels
  std::filesystem::path patients;  // CSV accession,patient: studies of a patient are drawn together
  AnswerRules answers;
  // Questions about change: labels and results are of pairs of studies (StudyPair::key()), features made of
  // their two embeddings, and intervals drawn by patient.
  std::optional<PairTable> pairs;
  PairFeatures pair_features = PairFeatures::all;
  bool standardize = false;    // columns to mean 0 and variance 1 of the training split
  bool allow_overlap = false;  // an accession or a patient may be in two splits
  bool allow_mixed = false;    // splits may be of different makers
  std::uint64_t seed = 0;      // of the start, the order of rows and the resampling
  BootstrapOptions bootstrap;
  std::vector<std::string> command;  // argv, for the record
  bool quiet = false;
};

// Writes into job.out: the four public files, metrics.csv, metrics.json and, of a solver that fits one,
// probe.safetensors (of raw embeddings, whether or not they were standardised). Throws Error(io | input)
// naming file and fault: what load_labels() and load_embeddings() throw, a split none of whose accessions has
// labels, splits that share accessions or patients, splits of two widths or makers, a question list that
// shares no question with the labels; Error(usage) for a solver that lacks what it needs.
Evaluation run_probe(const ProbeJob& job);

struct PredictJob {
  std::filesystem::path cache;
  std::string split = "test";
  std::filesystem::path probe;  // probe.safetensors
  std::filesystem::path out;    // CSV accession,question,probability,prediction
  bool allow_mixed = false;     // the embeddings may be of another maker than those of the probe
};
// Returns the number of studies. Throws Error(io | input), for embeddings of another maker, too.
std::int64_t run_predict(const PredictJob& job);

}  // namespace pillar
