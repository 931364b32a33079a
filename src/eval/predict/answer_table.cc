#include "eval/predict/answer_table.h"

#include "pillar/core/fail.h"
#include "pillar/metrics/prediction_table.h"

#include "core/shared/joined.h"

#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar {

AnswerTable AnswerTable::read(const std::filesystem::path& csv, const std::vector<std::string>& outputs) {
  const PredictionTable table = read_prediction_table(csv);
  if (table.outputs != outputs) {
    fail(ErrorCategory::input, "{}: its outputs are {}; the model answers {}", csv,
         joined(table.outputs, ", "), joined(outputs, ", "));
  }
  AnswerTable answers(outputs);
  const auto probabilities = table.probabilities_no.accessor<double, 2>(),
             logits = table.logits_no.accessor<double, 2>();
  for (std::int64_t n = 0; n < probabilities.size(0); ++n) {
    std::vector<ProbabilityAndLogit>& row = answers.rows_[table.accessions[static_cast<std::size_t>(n)]];
    for (std::int64_t q = 0; q < probabilities.size(1); ++q)
      row.push_back({probabilities[n][q], logits[n][q]});
  }
  return answers;
}

void AnswerTable::put(const std::string& accession, const at::Tensor& probabilities,
                      const at::Tensor& logits) {
  std::vector<ProbabilityAndLogit> row;
  for (std::size_t q = 0; q < outputs_.size(); ++q) {
    const auto output = static_cast<std::int64_t>(q);
    row.push_back({probabilities[output].item<double>(), logits[output].item<double>()});
    for (const double value : row.back()) {
      if (!std::isfinite(value)) fail(ErrorCategory::input, "the answer to {} is {}", outputs_[q], value);
    }
  }
  rows_[accession] = std::move(row);
}

void AnswerTable::write(const std::filesystem::path& csv) const {
  PredictionTable table;
  table.outputs = outputs_;
  const auto studies = static_cast<std::int64_t>(rows_.size()),
             width = static_cast<std::int64_t>(outputs_.size());
  table.probabilities_no = at::empty({studies, width}, at::kDouble);
  table.logits_no = at::empty({studies, width}, at::kDouble);
  auto* probability = table.probabilities_no.mutable_data_ptr<double>();
  auto* logit = table.logits_no.mutable_data_ptr<double>();
  for (const auto& [accession, row] : rows_) {
    table.accessions.push_back(accession);
    for (const ProbabilityAndLogit& output : row) {
      *probability++ = output[0];
      *logit++ = output[1];
    }
  }
  write_prediction_table(csv, table);
}

std::set<std::string> AnswerTable::accessions() const {
  std::set<std::string> names;
  for (const auto& [accession, row] : rows_) names.insert(accession);
  return names;
}

}  // namespace pillar
