// Internal: what a language model is asked, as templates of a YAML file.
#pragma once

#include "pillar/rate/extract.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pillar {

// Templates hold {report}, {findings}, {category}, {description}, {question} and {questions}; all else stands
// as it is. The keys of the file are the names of the members, the public engine's where it has one.
struct Prompts {
  std::string system;                 // the system message
  std::string remove_comparison;      // {report}
  std::string extract_findings;       // {report}: the text without comparisons
  std::string map_category_findings;  // {findings} {category} {description}
  std::string findings_question;      // {report} {question}
  std::string category_questions;     // {report} {category} {questions}
  // Put after the question, or the questions of a category, where Uncertain and a quote are asked for.
  std::string tri_state, category_tri_state;
  // Put after a prompt that is asked again since the first answer was unclear.
  std::string strict_answer, strict_tri_state, strict_text;
};

// What the map `prompt_templates` of each file has, a later file's over an earlier one's; other keys of a
// file are left alone. Throws Error(input) naming the file and key: a template that lacks what it must hold;
// Error(usage): a template that no file has.
Prompts read_prompts(const std::vector<std::filesystem::path>& files);

// SHA-256 of all that is in them, by which a journal knows its prompts.
std::string prompts_digest(const Prompts& prompts);

// The template with each {name} of `values` put in, in one pass, so that braces of a report mean nothing.
std::string filled_prompt(std::string_view text,
                          const std::vector<std::pair<std::string_view, std::string_view>>& values);

}  // namespace pillar
