// RATE question lists: which questions are asked of a modality, and what they stand under.
#pragma once

#include "pillar/core/notes.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct QuestionCategory {
  std::string name;
  std::string description;  // what belongs to it; empty where the file does not say
};

struct QuestionList {
  std::string modality;                          // as the file says; empty where it does not
  std::vector<std::string> questions;            // Q, each once, in the file's order
  std::vector<std::string> categories;           // Q: the first category that has the question
  std::vector<QuestionCategory> all_categories;  // in the file's order, those without questions too
  Notes notes;                                   // a question that stands in the list twice
};

// YAML: {modality, categories: {NAME: {description, questions: [{question: TEXT} or TEXT]}}}; all other keys
// are left alone. Throws Error(io | input) naming file, line and key: another shape, an empty question, no
// question at all.
QuestionList load_question_list(const std::filesystem::path& file);

}  // namespace pillar
