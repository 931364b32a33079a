// What the words of a label file mean (docs/formats.md, "Labels").
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace pillar {

enum class Answer : std::int8_t {
  yes = 1,
  no = 0,
  missing = -1,
  uncertain = -2,
};

struct AnswerMap {
  std::map<std::string, Answer, std::less<>> meanings;  // by what fold_answer() makes of the word
  std::string accession_column = "accession";           // of a wide table
  std::set<std::string, std::less<>> left_out;          // columns of a wide table that are no questions
};

// Small letters, no blanks at the ends, numbers in their shortest form: " YES" is "yes", "1.0" is "1".
std::string fold_answer(std::string_view text);

// yes, y, true, 1; no, n, false, 0; uncertain, -1; and for what is missing n/a, na, nan, <na>, null and
// nothing at all.
AnswerMap standard_answers();

// The standard ones, with the words of a YAML file over them: {yes: [WORD, ...], no: [...], uncertain: [...],
// missing: [...], accession: COLUMN, leave_out: [COLUMN, ...]}, every key optional. Throws Error(io | input)
// naming file, line and key: another key or shape, a word with two meanings.
AnswerMap load_answer_map(const std::filesystem::path& file);

}  // namespace pillar
