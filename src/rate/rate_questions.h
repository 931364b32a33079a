// Internal: the questions of a run, as its requests and files name them.
#pragma once

#include "pillar/core/notes.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct RateQuestion {
  std::string id;  // eight hex digits, as the public files have it
  std::string text;
  std::size_t category = 0;  // index
};

struct RateCategory {
  std::string name, description;
  std::vector<std::size_t> questions;  // indices, in the list's order; may be empty
};

struct RateQuestions {
  std::vector<RateQuestion> questions;
  std::vector<RateCategory> categories;
  std::string modality;
  Notes notes;
};

// A category without a description is described by its name, and a note says so. Throws what
// load_question_list() throws, and Error(input) for two questions with one id.
RateQuestions load_rate_questions(const std::filesystem::path& file);

}  // namespace pillar
