#include "metrics/json/classification_json.h"

#include "pillar/core/error.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

MetricsJson thresholded_question_json(const ThresholdedQuestion& q, const std::string& chosen_on) {
  return {{"question", q.question},
          {"threshold", q.threshold},
          {"chosen_on", q.is_chosen ? MetricsJson(chosen_on) : MetricsJson(nullptr)},
          {"true_positives", q.confusion.true_positives},
          {"false_positives", q.confusion.false_positives},
          {"true_negatives", q.confusion.true_negatives},
          {"false_negatives", q.confusion.false_negatives},
          {"f1", interval_json(q.f1)},
          {"sensitivity", interval_json(q.sensitivity)},
          {"specificity", interval_json(q.specificity)}};
}

ThresholdedQuestion read_thresholded_question(const JsonPlace& place) {
  ThresholdedQuestion q;
  q.question = place.text("question");
  q.threshold = place.number("threshold");
  q.is_chosen = place.has("chosen_on");
  q.confusion = {place.whole("true_positives"), place.whole("false_positives"), place.whole("true_negatives"),
                 place.whole("false_negatives")};
  q.f1 = read_interval(place.at("f1"));
  q.sensitivity = read_interval(place.at("sensitivity"));
  q.specificity = read_interval(place.at("specificity"));
  return q;
}

}  // namespace

MetricsJson macro_json(const MacroInterval& macro) {
  MetricsJson json = interval_json(macro.mean);
  json["questions"] = macro.questions;
  return json;
}

MacroInterval read_macro(const JsonPlace& place) {
  return {read_interval(place), place.whole("questions")};
}

MetricsJson thresholded_json(const ThresholdedEvaluation& evaluation) {
  MetricsJson json = {{"rule", to_string(evaluation.rule)},
                      {"chosen_on", evaluation.chosen_on},
                      {"f1", macro_json(evaluation.f1)},
                      {"questions", MetricsJson::array()}};
  for (const ThresholdedQuestion& question : evaluation.questions)
    json["questions"].push_back(thresholded_question_json(question, evaluation.chosen_on));
  return json;
}

ThresholdedEvaluation read_thresholded(const JsonPlace& place) {
  ThresholdedEvaluation evaluation;
  try {
    evaluation.rule = parse_threshold_rule(place.text("rule"));
  } catch (const Error&) {
    place.at("rule").refuse("half, f1 or youden");
  }
  evaluation.chosen_on = place.text("chosen_on");
  evaluation.f1 = read_macro(place.at("f1"));
  for (const JsonPlace& question : place.at("questions").items())
    evaluation.questions.push_back(read_thresholded_question(question));
  return evaluation;
}

MetricsJson classes_json(const ClassEvaluation& evaluation) {
  MetricsJson json = {{"names", evaluation.classes},
                      {"num_studies", evaluation.num_studies},
                      {"accuracy", interval_json(evaluation.accuracy)},
                      {"balanced_accuracy", interval_json(evaluation.balanced_accuracy)},
                      {"macro_f1", interval_json(evaluation.macro_f1)},
                      {"true_by_said", MetricsJson::array()}};
  const std::size_t classes = evaluation.classes.size();
  for (std::size_t k = 0; k < classes; ++k) {
    const auto row = evaluation.studies_kk.begin() + static_cast<std::ptrdiff_t>(k * classes);
    json["true_by_said"].push_back(
        std::vector<std::int64_t>(row, row + static_cast<std::ptrdiff_t>(classes)));
  }
  return json;
}

ClassEvaluation read_classes(const JsonPlace& place) {
  ClassEvaluation evaluation;
  for (const JsonPlace& name : place.at("names").items()) evaluation.classes.push_back(name.text());
  evaluation.num_studies = place.whole("num_studies");
  evaluation.accuracy = read_interval(place.at("accuracy"));
  evaluation.balanced_accuracy = read_interval(place.at("balanced_accuracy"));
  evaluation.macro_f1 = read_interval(place.at("macro_f1"));
  for (const JsonPlace& row : place.at("true_by_said").items()) {
    for (const JsonPlace& count : row.items()) evaluation.studies_kk.push_back(count.whole());
  }
  if (evaluation.studies_kk.size() != evaluation.classes.size() * evaluation.classes.size())
    place.at("true_by_said").refuse("a row and a column for each class");
  return evaluation;
}

}  // namespace pillar
