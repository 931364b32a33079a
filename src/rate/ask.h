// Internal: one thing that is asked, the answer to it, and who answers.
#pragma once

#include "pillar/rate/stage.h"

#include "rate/prompts.h"
#include "rate/rate_questions.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct Ask {
  RateStage stage = RateStage::process_questions;
  std::uint32_t report = 0;
  std::uint32_t item = 0;       // the question's or category's index; 0 in stages of whole reports
  bool strict = false;          // asked again since the first answer was unclear
  bool whole_category = false;  // of process_questions: `item` is a category, all its open questions at once
};

// What goes with an ask.
struct AskContent {
  std::string text;                    // the report, or what an earlier stage made of it
  std::vector<std::size_t> questions;  // that are asked, of process_questions
};

struct Reply {
  std::string fault;            // why there is no answer; empty: there is one. Without a report's words
  std::string text;             // as the model gave it
  std::optional<double> p_yes;  // of one question, from log-probabilities
  std::int64_t tokens_in = 0, tokens_out = 0;
};

// What the run wants from whoever answers.
struct AskSession {
  std::function<std::optional<Ask>()> next;  // unset: nothing to ask at the moment
  std::function<AskContent(const Ask&)> content;
  std::function<void(const Ask&, Reply)> take;  // may make next() have more
};

// Answers all that there is to ask before it returns. Throws what ends the run.
using AnswerAll = std::function<void(AskSession&)>;

struct ChatPrompt {
  std::string system, user;
};
ChatPrompt chat_prompt(const Prompts& prompts, const RateQuestions& questions, const Ask& ask,
                       const AskContent& content, bool tri_state);

}  // namespace pillar
