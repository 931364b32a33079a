// Internal: saying what becomes of answers that the labels do not give.
#pragma once

#include "pillar/labels/labels.h"

#include <string>

namespace pillar {

// For the record of a run: "no", "yes", "left out".
std::string how_counted(MissingAnswers missing);
std::string how_counted(UncertainAnswers uncertain);

// A warning of `where` (a split) for studies without labels, one for missing and one for uncertain answers.
void warn_of_unknown(const std::string& where, const Answers& answers, const AnswerRules& rules);

}  // namespace pillar
