#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

MetricsJson way_json(const LocalizationIntervals& way) {
  return {{"hit", interval_json(way.hit)},
          {"energy_inside", interval_json(way.energy_inside)},
          {"average_precision", interval_json(way.average_precision)},
          {"best_dice", interval_json(way.best_dice)},
          {"fixed_dice", interval_json(way.fixed_dice)}};
}

LocalizationIntervals read_way(const JsonPlace& place) {
  return {read_interval(place.at("hit")), read_interval(place.at("energy_inside")),
          read_interval(place.at("average_precision")), read_interval(place.at("best_dice")),
          read_interval(place.at("fixed_dice"))};
}

MetricsJson localized_json(const QuestionLocalization& question) {
  MetricsJson json = {{"question", question.question},
                      {"auroc", number_json(question.auroc)},
                      {"studies", question.studies},
                      {"lesions", question.lesions},
                      {"evidence", way_json(question.evidence)},
                      {"prior", way_json(question.prior)},
                      {"chance", way_json(question.chance)},
                      {"hit_above_prior", interval_json(question.hit_above_prior)},
                      {"hit_above_chance", interval_json(question.hit_above_chance)},
                      {"lesions_found", MetricsJson::array()},
                      {"shortcut", question.shortcut}};
  for (const Interval& found : question.lesions_found) json["lesions_found"].push_back(interval_json(found));
  return json;
}

QuestionLocalization read_localized(const JsonPlace& place) {
  QuestionLocalization question;
  question.question = place.text("question");
  question.auroc = place.number("auroc");
  question.studies = place.whole("studies");
  question.lesions = place.whole("lesions");
  question.evidence = read_way(place.at("evidence"));
  question.prior = read_way(place.at("prior"));
  question.chance = read_way(place.at("chance"));
  question.hit_above_prior = read_interval(place.at("hit_above_prior"));
  question.hit_above_chance = read_interval(place.at("hit_above_chance"));
  for (const JsonPlace& found : place.at("lesions_found").items())
    question.lesions_found.push_back(read_interval(found));
  if (!question.lesions_found.empty() && question.lesions_found.size() != kFalsePlacesPerScan.size())
    place.at("lesions_found").refuse("one for each number of false places, or none");
  question.shortcut = place.flag("shortcut");
  return question;
}

}  // namespace

void write_localization_json(const std::filesystem::path& run_folder,
                             const LocalizationEvaluation& evaluation, const RunRecord& record) {
  MetricsJson json = metrics_head(record);
  json["bootstrap"] = bootstrap_json(evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  json["tolerance_mm"] = evaluation.tolerance_mm;
  json["known_auroc"] = evaluation.known_auroc;
  json["false_places_per_scan"] = kFalsePlacesPerScan;
  json["questions"] = MetricsJson::array();
  for (const QuestionLocalization& question : evaluation.questions)
    json["questions"].push_back(localized_json(question));
  write_metrics_json(run_folder, json);
}

LocalizationEvaluation read_localization(const JsonPlace& metrics) {
  LocalizationEvaluation evaluation;
  read_bootstrap(metrics, evaluation.bootstrap, evaluation.unit, evaluation.num_units);
  evaluation.tolerance_mm = metrics.number("tolerance_mm");
  evaluation.known_auroc = metrics.number("known_auroc");
  for (const JsonPlace& place : metrics.at("questions").items())
    evaluation.questions.push_back(read_localized(place));
  return evaluation;
}

}  // namespace pillar
