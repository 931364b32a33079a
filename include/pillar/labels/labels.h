// RATE label files: what is true of each study, as yes or no to every question (docs/formats.md, "Labels").
#pragma once

#include "pillar/core/notes.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct LabelTable {
  std::vector<std::string> questions;   // Q, sorted by bytes: the column order of the public evaluator
  std::vector<std::string> categories;  // Q: what each question stands under (first met)
  std::unordered_map<std::string, std::size_t> rows;  // accession -> row of `answers`
  std::vector<std::vector<std::int8_t>> answers;      // 1 yes, 0 no, -1 missing; each Q long
  // Counted and not understood: answers that are text but neither yes nor no (they are no, as in the public
  // evaluator), and parts of a category that are no list of {question: answer} (left out).
  std::int64_t other_answers = 0;
  std::int64_t left_out = 0;
  Notes notes;  // the same in words
};

// {accession: {"qa_results": {category: [{question: "Yes" | "No" | NaN}]}}}; NaN stands bare, as Python
// writes it. yes is "yes" in any case; 0, 1, true and false are read too. Read as a stream: memory grows with
// the answers, not with the text. Throws Error(io | input) naming the file and where in it: no JSON, another
// shape, an accession twice, no question at all.
LabelTable load_labels(const std::filesystem::path& file);

enum class MissingAnswers {
  no,    // "no", the public evaluator's way
  drop,  // left out of that question
};

struct Answers {
  at::Tensor answers_qn;         // (Q,N) int8: 1, 0, and -1 where dropped
  std::int64_t without_row = 0;  // accessions of which the labels say nothing
  std::int64_t missing = 0;      // answers that were missing, of the other accessions
};
Answers answers_of(const LabelTable& labels, const std::vector<std::string>& accessions,
                   MissingAnswers missing);

}  // namespace pillar
