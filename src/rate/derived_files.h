// Internal: the files of an extraction that are made from its journal: the same journal gives the same bytes.
#pragma once

#include "pillar/rate/extract.h"

#include "rate/answer_index.h"

#include <filesystem>
#include <string>

namespace pillar {

// All that the files are made of.
struct DerivedSource {
  const RateReports& reports;
  const RateQuestions& questions;
  const AnswerIndex& answers;
  const ExtractOptions& options;
  std::filesystem::path journal;
  std::string labeller;  // what is no language model says so in every file: "rules: NAME (...)"; else empty
};

// no_comparisons.csv, findings.csv, category_findings.csv, questions.csv and final_results.json as the public
// engine has them; labels.json; missing.csv; evidence.csv of tri-state answers; probabilities.csv where
// log-probabilities were asked for. Of stages without answers there is no file. Throws Error(io).
void write_derived_files(const DerivedSource& source);

}  // namespace pillar
