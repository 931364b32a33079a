#include "eval/unknown_answers.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

std::string counted_in_words(const std::string& how) {
  return how == "left out" ? "they are left out" : "they count as " + how;
}

}  // namespace

std::string how_counted(MissingAnswers missing) {
  return missing == MissingAnswers::no ? "no" : "left out";
}

std::string how_counted(UncertainAnswers uncertain) {
  if (uncertain == UncertainAnswers::drop) return "left out";
  return uncertain == UncertainAnswers::yes ? "yes" : "no";
}

void warn_of_unknown(const std::string& where, const Answers& answers, const AnswerRules& rules) {
  const std::int64_t studies = answers.given_qn.size(1), all = answers.given_qn.numel();
  if (answers.without_row > 0)
    spdlog::warn("{}: {} of {} studies have no labels: all their answers are missing", where,
                 answers.without_row, studies);
  if (answers.missing > 0)
    spdlog::warn("{}: {} of {} answers are missing; {} (--missing)", where, answers.missing, all,
                 counted_in_words(how_counted(rules.missing)));
  if (answers.uncertain > 0)
    spdlog::warn("{}: {} of {} answers are uncertain; {} (--uncertain)", where, answers.uncertain, all,
                 counted_in_words(how_counted(rules.uncertain)));
}

}  // namespace pillar
