#include "rate/rule_answers.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> texts_of(const RateQuestions& questions, const std::vector<std::size_t>& indices) {
  std::vector<std::string> texts;
  for (const std::size_t index : indices) texts.push_back(questions.questions[index].text);
  return texts;
}

// In the words that a model would use, so that both are read by the same code.
ordered_json said(const SpokenAnswer& answer, bool tri_state) {
  if (tri_state) return {{"answer", to_string(answer.verdict)}, {"quote", answer.quote}};
  return answer.verdict == SpokenVerdict::yes ? "Yes" : "No";
}

std::string rule_reply(const RuleBook& rules, const RateQuestions& questions, const Ask& ask,
                       const AskContent& content, bool tri_state) {
  switch (ask.stage) {
    case RateStage::remove_comparisons:
      return without_comparisons(rules, content.text);
    case RateStage::extract_findings:
      return findings_by_rules(rules, content.text);
    case RateStage::map_categories:
      return category_by_rules(rules, content.text,
                               texts_of(questions, questions.categories[ask.item].questions));
    case RateStage::process_questions:
      break;
  }
  ordered_json answers = ordered_json::object();
  for (const std::string& text : texts_of(questions, content.questions)) {
    const ordered_json answer = said(answer_by_rules(rules, content.text, text), tri_state);
    if (!ask.whole_category) return answer.is_string() ? answer.get<std::string>() : answer.dump();
    answers[std::to_string(answers.size() + 1)] = answer;
  }
  return answers.dump();
}

}  // namespace

AnswerAll rule_answers(RuleBook rules, const RateQuestions& questions, bool tri_state) {
  for (const RateQuestion& question : questions.questions)
    static_cast<void>(answer_by_rules(rules, "", question.text));
  return [rules = std::move(rules), &questions, tri_state](AskSession& session) {
    while (const auto ask = session.next()) {
      Reply reply;
      reply.text = rule_reply(rules, questions, *ask, session.content(*ask), tri_state);
      session.take(*ask, std::move(reply));
    }
  };
}

}  // namespace pillar
