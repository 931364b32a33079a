// Internal: the table of answers of a batch, by accession.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// What becomes a PredictionTable (metrics/prediction_table.h).
class AnswerTable {
 public:
  explicit AnswerTable(std::vector<std::string> outputs) : outputs_(std::move(outputs)) {}
  // Throws what read_prediction_table() throws, and Error(input) for other outputs.
  static AnswerTable read(const std::filesystem::path& csv, const std::vector<std::string>& outputs);

  // Both (outputs) float32 on the CPU. Replaces the accession's row. Throws Error(input) for a value that is
  // not finite.
  void put(const std::string& accession, const at::Tensor& probabilities, const at::Tensor& logits);
  void write(const std::filesystem::path& csv) const;  // sorted by accession; atomic

  std::set<std::string> accessions() const;

 private:
  using ProbabilityAndLogit = std::array<double, 2>;
  std::vector<std::string> outputs_;
  std::map<std::string, std::vector<ProbabilityAndLogit>> rows_;
};

}  // namespace pillar
