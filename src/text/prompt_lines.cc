#include "pillar/text/prompt_lines.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/object_lines.h"

#include <unordered_map>

namespace pillar {
namespace {

namespace fs = std::filesystem;

PromptLine parse(const nlohmann::json& object, const fs::path& file, std::size_t line) {
  PromptLine prompt{text_of(object, "sample_name", file, line),
                    text_of(object, "report_metadata", file, line), text_of(object, "question", file, line),
                    text_of(object, "polarity", file, line), line};
  if (prompt.name.empty()) fail(ErrorCategory::input, "{}:{}: sample_name is missing or empty", file, line);
  if (is_blank(prompt.text)) {
    fail(ErrorCategory::input, "{}:{}: prompt '{}' has no words: report_metadata is missing or empty", file,
         line, printable(prompt.name));
  }
  if (!prompt.polarity.empty() && prompt.polarity != "positive" && prompt.polarity != "negative") {
    fail(ErrorCategory::input, "{}:{}: polarity '{}': positive or negative", file, line,
         printable(prompt.polarity));
  }
  if (!prompt.polarity.empty() && prompt.question.empty()) {
    fail(ErrorCategory::input, "{}:{}: prompt '{}' is {}, but to which question?", file, line,
         printable(prompt.name), prompt.polarity);
  }
  return prompt;
}

}  // namespace

std::vector<PromptLine> read_prompt_lines(const fs::path& file) {
  std::vector<PromptLine> prompts;
  std::unordered_map<std::string, std::size_t> lines;
  for_each_object(file, [&](const nlohmann::json& object, std::size_t line) {
    PromptLine prompt = parse(object, file, line);
    const auto [first, is_new] = lines.emplace(prompt.name, line);
    if (!is_new) {
      fail(ErrorCategory::input, "{}:{}: prompt '{}' again, first in line {}", file, line,
           printable(prompt.name), first->second);
    }
    prompts.push_back(std::move(prompt));
  });
  if (prompts.empty()) fail(ErrorCategory::input, "{}: no prompt in it", file);
  return prompts;
}

}  // namespace pillar
