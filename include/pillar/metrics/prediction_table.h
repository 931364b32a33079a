// What a finetuned model says of each study: dev.csv and test.csv of a run, and the table of a prediction.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct PredictionTable {
  std::vector<std::string> accessions;  // N, none twice
  std::vector<std::string> outputs;     // findings, classes or years
  at::Tensor probabilities_no;          // (N, outputs) float64, from 0 to 1
  at::Tensor logits_no;                 // (N, outputs) float64, finite: what the model said before any link
  at::Tensor answers_no = {};           // (N, outputs) int8: 1 yes, 0 no, -1 not known; undefined: none given
};

// A CSV of the column "accession" and, for each output, the columns "<output>" (probability),
// "<output>:logit" and, where the table has answers, "<output>:truth" (1, 0 or empty). Numbers have as many
// digits as it takes to read the same bits back. Atomic. Throws Error(io); Error(usage) for other shapes or
// types, no outputs, or two columns of one name; Error(input) for an accession that is empty or there twice,
// or a value that the reader would refuse.
void write_prediction_table(const std::filesystem::path& file, const PredictionTable& table);

// Throws Error(io), and Error(input) naming file, row (counted from 1 below the header) and column: what
// parse_csv() refuses, no accession column in front, no outputs, a probability without its logit, truths of
// some outputs only, an accession that is empty or there twice, a value that is no finite number, a
// probability outside 0 to 1, another truth.
PredictionTable read_prediction_table(const std::filesystem::path& file);

struct EnsembleMember {
  std::string name;  // for messages: the file, say
  PredictionTable predictions;
};

// Probabilities of logits (N, outputs), of the same shape.
using PredictionLink = std::function<at::Tensor(const at::Tensor& logits_no)>;

// The mean of all members' logits, and the mean of their probabilities; with a link the probabilities are
// those of the mean logits instead. Answers are those of the first member. Studies and outputs are matched by
// name and stay in the order of the first member. Throws Error(usage) without members, and Error(input)
// naming both members where they do not have the same studies and outputs.
PredictionTable average_predictions(std::span<const EnsembleMember> members, const PredictionLink& link = {});

}  // namespace pillar
