// The CSV of predictions: accession, then of each output its probability (`<output>`) and its raw score
// (`<output>:logit`), in as many digits as give the same double again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct PredictionTable {
  std::vector<std::string> accessions;  // N
  std::vector<std::string> outputs;     // Q
  // [output][study]
  std::vector<std::vector<double>> probabilities_qn, logits_qn;
  // [output][study]: 1 yes, 0 no, -1 not known, in the columns `<output>:truth`; or empty, then without.
  std::vector<std::vector<std::int8_t>> truths_qn;
};

// Atomic. Throws Error(io); Error(input) for an accession or output that is there twice or is empty, a number
// that is not finite; Error(usage) for lists of other lengths.
void write_predictions(const std::filesystem::path& file, const PredictionTable& table);

// Throws Error(io), and Error(input) naming row and column: a duplicate accession, a missing column, a field
// that is no finite number, a probability outside 0 to 1.
PredictionTable read_predictions(const std::filesystem::path& file);

// The members' tables with their studies and outputs in the order of the first. Throws Error(input) naming
// the file and the first accession or output that one has and the other lacks.
std::vector<PredictionTable> read_ensemble_predictions(const std::vector<std::filesystem::path>& files);

}  // namespace pillar
