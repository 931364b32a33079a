// Label files: what is true of each study, as yes or no to every question (docs/formats.md, "Labels").
#pragma once

#include "pillar/core/notes.h"
#include "pillar/labels/answer_map.h"

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
  std::vector<std::string> categories;  // Q: what each question stands under (first met); of a table: ""
  std::unordered_map<std::string, std::size_t> rows;  // accession -> row of `answers`
  std::vector<std::vector<std::int8_t>> answers;      // values of Answer; each Q long
  // Parts of a category that are no list of {question: answer}: counted and left out.
  std::int64_t left_out = 0;
  Notes notes;  // the same in words
};

// JSON as the public evaluator has it, {accession: {"qa_results": {category: [{question: answer}]}}}, where
// NaN may stand bare, as Python writes it; or, of a file named *.csv, a wide table: a column of accessions, a
// column a question. `map` says what the answers mean. Read as a stream: memory grows with the answers, not
// with the text. Throws Error(io | input) naming the file and where in it: no JSON, another shape, an
// accession twice, no question at all, answers that `map` does not have (by value and count).
LabelTable load_labels(const std::filesystem::path& file, const AnswerMap& map = standard_answers());

enum class MissingAnswers {
  no,    // "no", the public evaluator's way
  drop,  // left out of that question
};
enum class UncertainAnswers {
  no,    // "no", as the public evaluator takes whatever is not "yes"
  yes,   // both of them: the U-zeros and U-ones of CheXpert (Irvin et al., 2019)
  drop,  // left out of that question (U-ignore)
};
struct AnswerRules {
  MissingAnswers missing = MissingAnswers::no;
  UncertainAnswers uncertain = UncertainAnswers::no;
};

struct Answers {
  at::Tensor answers_qn;         // (Q,N) int8: 1, 0, and -1 where left out
  at::Tensor given_qn;           // (Q,N) int8: what the labels say, values of Answer
  std::int64_t without_row = 0;  // accessions of which the labels say nothing: all their answers are missing
  std::int64_t missing = 0;      // answers that were missing, theirs included
  std::int64_t uncertain = 0;
};
Answers answers_of(const LabelTable& labels, const std::vector<std::string>& accessions,
                   const AnswerRules& rules);

}  // namespace pillar
