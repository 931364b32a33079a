// JSON lines of prompts: texts that a model compares scans with.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct PromptLine {
  std::string name;      // sample_name, each once
  std::string text;      // report_metadata, with a word in it
  std::string question;  // empty where it is absent or null
  std::string polarity;  // "positive", "negative", or empty where it is absent or null
  std::size_t line = 0;
};

// {"sample_name", "report_metadata", "question", "polarity"} a line; the last two may be left out, a polarity
// needs a question. Throws Error(io | input) naming file and line: any other shape, a name twice, no prompt
// at all.
std::vector<PromptLine> read_prompt_lines(const std::filesystem::path& file);

}  // namespace pillar
