#include "rate/ask.h"

#include <fmt/format.h>

namespace pillar {
namespace {

std::string question_prompt(const Prompts& prompts, const RateQuestions& questions, const Ask& ask,
                            const AskContent& content) {
  const RateQuestion& question = questions.questions[ask.item];
  const RateCategory& category = questions.categories[question.category];
  return filled_prompt(prompts.findings_question, {{"report", content.text},
                                                   {"question", question.text},
                                                   {"category", category.name},
                                                   {"description", category.description}});
}

std::string category_prompt(const Prompts& prompts, const RateQuestions& questions, const Ask& ask,
                            const AskContent& content) {
  const RateCategory& category = questions.categories[ask.item];
  std::string numbered;
  for (std::size_t i = 0; i < content.questions.size(); ++i)
    numbered +=
        fmt::format("{}{}. {}", i == 0 ? "" : "\n", i + 1, questions.questions[content.questions[i]].text);
  return filled_prompt(prompts.category_questions, {{"report", content.text},
                                                    {"category", category.name},
                                                    {"description", category.description},
                                                    {"questions", numbered}});
}

std::string text_prompt(const Prompts& prompts, const RateQuestions& questions, const Ask& ask,
                        const AskContent& content) {
  if (ask.stage == RateStage::remove_comparisons)
    return filled_prompt(prompts.remove_comparison, {{"report", content.text}});
  if (ask.stage == RateStage::extract_findings)
    return filled_prompt(prompts.extract_findings, {{"report", content.text}});
  const RateCategory& category = questions.categories[ask.item];
  return filled_prompt(
      prompts.map_category_findings,
      {{"findings", content.text}, {"category", category.name}, {"description", category.description}});
}

}  // namespace

ChatPrompt chat_prompt(const Prompts& prompts, const RateQuestions& questions, const Ask& ask,
                       const AskContent& content, bool tri_state) {
  ChatPrompt prompt{prompts.system, {}};
  if (ask.stage != RateStage::process_questions) {
    prompt.user = text_prompt(prompts, questions, ask, content);
    if (ask.strict) prompt.user += "\n" + prompts.strict_text;
    return prompt;
  }
  prompt.user = ask.whole_category ? category_prompt(prompts, questions, ask, content)
                                   : question_prompt(prompts, questions, ask, content);
  if (tri_state) prompt.user += "\n" + (ask.whole_category ? prompts.category_tri_state : prompts.tri_state);
  if (ask.strict) prompt.user += "\n" + (tri_state ? prompts.strict_tri_state : prompts.strict_answer);
  return prompt;
}

}  // namespace pillar
