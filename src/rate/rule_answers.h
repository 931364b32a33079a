// Internal: rules in the place of a language model.
#pragma once

#include "rate/ask.h"
#include "rate/rules.h"

namespace pillar {

// Throws Error(usage) for a question of the list without a rule.
AnswerAll rule_answers(RuleBook rules, const RateQuestions& questions, bool tri_state);

}  // namespace pillar
