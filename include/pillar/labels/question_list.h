// RATE question lists: which questions are asked of a modality, and what they stand under.
#pragma once

#include "pillar/core/notes.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct QuestionList {
  std::string modality;                 // as the file says; empty where it does not
  std::vector<std::string> questions;   // Q, each once, in the file's order
  std::vector<std::string> categories;  // Q: the first category that has the question
  Notes notes;                          // a question that stands under two categories
};

// YAML: {modality, categories: {NAME: {description, questions: [{question: TEXT} or TEXT]}}}; all other keys
// are left alone. Throws Error(io | input) naming file, line and key: another shape, an empty question, no
// question at all.
QuestionList load_question_list(const std::filesystem::path& file);

}  // namespace pillar
