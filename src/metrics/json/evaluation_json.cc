#include "metrics/json/classification_json.h"
#include "metrics/json/kinds.h"
#include "metrics/json/parts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr double kNotGiven = std::numeric_limits<double>::quiet_NaN();

// Of numbers that have no interval.
MetricsJson macro_value_json(const MacroInterval& macro) {
  return {{"value", number_json(macro.mean.value)}, {"questions", macro.questions}};
}

MacroInterval read_macro_value(const JsonPlace& place) {
  return {{place.number("value"), kNotGiven, kNotGiven}, place.whole("questions")};
}

MetricsJson reliability_json(const std::vector<ReliabilityBin>& bins) {
  MetricsJson json = MetricsJson::array();
  for (const ReliabilityBin& bin : bins)
    json.push_back({{"predicted", bin.predicted}, {"observed", bin.observed}, {"count", bin.count}});
  return json;
}

double read_share_or_null(const JsonPlace& place) {
  const double value = place.number();
  if (value < 0 || value > 1) place.refuse("a number from 0 to 1");
  return value;
}

std::vector<ReliabilityBin> read_reliability(const JsonPlace& place) {
  std::vector<ReliabilityBin> bins;
  for (const JsonPlace& bin : place.items()) {
    bins.push_back({read_share_or_null(bin.at("predicted")), read_share_or_null(bin.at("observed")),
                    bin.whole("count")});
  }
  return bins;
}

MetricsJson errors_json(const std::vector<ConfidentError>& errors) {
  MetricsJson json = MetricsJson::array();
  for (const ConfidentError& error : errors)
    json.push_back({{"accession", error.accession}, {"score", error.score}, {"answer", error.answer}});
  return json;
}

std::vector<ConfidentError> read_errors(const JsonPlace& place) {
  std::vector<ConfidentError> errors;
  for (const JsonPlace& error : place.items()) {
    const std::int64_t answer = error.whole("answer");
    if (answer > 1) error.at("answer").refuse("0 or 1");
    errors.push_back({error.text("accession"), error.number("score"), static_cast<int>(answer)});
  }
  return errors;
}

MetricsJson roc_json(const std::vector<RocPoint>& points) {
  MetricsJson json = MetricsJson::array();
  for (const RocPoint& point : points)
    json.push_back(MetricsJson::array({point.false_positive_rate, point.true_positive_rate}));
  return json;
}

std::vector<RocPoint> read_roc(const JsonPlace& place) {
  std::vector<RocPoint> points;
  for (const auto& [false_positive_rate, true_positive_rate] : place.shares())
    points.push_back({false_positive_rate, true_positive_rate});
  return points;
}

MetricsJson training_json(const std::optional<TrainingCounts>& training,
                          const std::vector<std::int64_t> TrainingCounts::*counts, std::size_t question) {
  return training ? MetricsJson(((*training).*counts)[question]) : MetricsJson(nullptr);
}

MetricsJson question_json(const QuestionEvaluation& q, const std::optional<TrainingCounts>& training,
                          std::size_t index) {
  MetricsJson json;
  json["question"] = q.question;
  json["category"] = q.category;
  json["num_samples"] = q.num_samples;
  json["num_positive"] = q.num_positive;
  json["num_negative"] = q.num_negative;
  json["num_missing"] = q.num_missing;
  json["num_uncertain"] = q.num_uncertain;
  json["train_positive"] = training_json(training, &TrainingCounts::positives_q, index);
  json["train_negative"] = training_json(training, &TrainingCounts::negatives_q, index);
  json["auroc"] = interval_json(q.auroc);
  json["auroc_delong"] = interval_json(q.delong);
  json["average_precision"] = interval_json(q.average_precision);
  json["sensitivity_at_90_specificity"] = {{"value", number_json(q.at_90_specificity.sensitivity)},
                                           {"threshold", number_json(q.at_90_specificity.threshold)}};
  json["brier"] = number_json(q.brier);
  json["expected_calibration_error"] = number_json(q.expected_calibration_error);
  json["roc"] = roc_json(q.roc);
  json["reliability"] = reliability_json(q.reliability);
  json["errors"] = errors_json(q.errors);
  return json;
}

QuestionEvaluation read_question(const JsonPlace& place) {
  QuestionEvaluation q;
  q.question = place.text("question");
  q.category = place.has("category") ? place.text("category") : "";
  q.num_positive = place.whole("num_positive");
  q.num_negative = place.whole("num_negative");
  q.num_samples = q.num_positive + q.num_negative;
  q.num_missing = read_count_or_zero(place, "num_missing");
  q.num_uncertain = read_count_or_zero(place, "num_uncertain");
  q.auroc = read_interval(place.at("auroc"));
  q.delong = place.has("auroc_delong") ? read_interval(place.at("auroc_delong"))
                                       : Interval{q.auroc.value, kNotGiven, kNotGiven};
  q.average_precision = read_interval(place.at("average_precision"));
  const JsonPlace sensitivity = place.at("sensitivity_at_90_specificity");
  q.at_90_specificity = {sensitivity.number("value"), sensitivity.number("threshold")};
  q.brier = place.number("brier");
  q.expected_calibration_error = place.number("expected_calibration_error");
  q.roc = read_roc(place.at("roc"));
  q.reliability = read_reliability(place.at("reliability"));
  q.errors = read_errors(place.at("errors"));
  return q;
}

MetricsJson means_json(const Evaluation& e) {
  return {{"auroc", macro_json(e.auroc)},
          {"average_precision", macro_json(e.average_precision)},
          {"sensitivity_at_90_specificity", macro_value_json(e.sensitivity_at_90_specificity)},
          {"brier", macro_value_json(e.brier)},
          {"expected_calibration_error", macro_value_json(e.expected_calibration_error)}};
}

void read_means(const JsonPlace& macro, Evaluation& e) {
  e.auroc = read_macro(macro.at("auroc"));
  e.average_precision = read_macro(macro.at("average_precision"));
  e.sensitivity_at_90_specificity = read_macro_value(macro.at("sensitivity_at_90_specificity"));
  e.brier = read_macro_value(macro.at("brier"));
  e.expected_calibration_error = read_macro_value(macro.at("expected_calibration_error"));
}

MetricsJson unknown_json(const UnknownAnswers& unknown) {
  return {{"missing", unknown.missing},
          {"uncertain", unknown.uncertain},
          {"counted", unknown.counted},
          {"auroc_of_given", macro_value_json(unknown.auroc_of_given)}};
}

UnknownAnswers read_unknown(const JsonPlace& place) {
  return {place.whole("missing"), place.whole("uncertain"), place.whole("counted"),
          read_macro_value(place.at("auroc_of_given"))};
}

MetricsJson few_shot_json(const FewShotPoint& point) {
  MetricsJson draws = MetricsJson::array();
  for (const double value : point.auroc_draws) draws.push_back(number_json(value));
  return {{"shots", point.shots == 0 ? MetricsJson("all") : MetricsJson(point.shots)},
          {"draws", point.draws},
          {"auroc", interval_json(point.auroc)},
          {"average_precision", interval_json(point.average_precision)},
          {"questions", point.questions},
          {"short_questions", point.short_questions},
          {"auroc_draws", draws}};
}

FewShotPoint read_few_shot(const JsonPlace& place) {
  FewShotPoint point;
  const JsonPlace shots = place.at("shots");
  point.shots = shots.any_text() == "all" ? 0 : shots.whole();
  point.draws = place.whole("draws");
  point.auroc = read_interval(place.at("auroc"));
  point.average_precision = read_interval(place.at("average_precision"));
  point.questions = place.whole("questions");
  point.short_questions = place.whole("short_questions");
  for (const JsonPlace& draw : place.at("auroc_draws").items()) point.auroc_draws.push_back(draw.number());
  return point;
}

MetricsJson left_out_json(const LeftOutQuestion& question) {
  return {{"question", question.question},
          {"train_positive", question.train_positive},
          {"test_positive", question.test_positive}};
}

LeftOutQuestion read_left_out(const JsonPlace& place) {
  return {place.text("question"), place.whole("train_positive"), place.whole("test_positive")};
}

MetricsJson category_json(const CategoryEvaluation& category) {
  return {{"name", category.name},
          {"questions", category.auroc.questions},
          {"auroc", interval_json(category.auroc.mean)},
          {"average_precision", interval_json(category.average_precision.mean)}};
}

CategoryEvaluation read_category(const JsonPlace& place) {
  const std::int64_t questions = place.whole("questions");
  return {place.text("name"),
          {read_interval(place.at("auroc")), questions},
          {read_interval(place.at("average_precision")), questions}};
}

// Whether a question lacks one of its counts of training answers.
bool lacks_training_answers(const JsonPlace& questions) {
  const std::vector<JsonPlace> items = questions.items();
  return std::any_of(items.begin(), items.end(), [](const JsonPlace& question) {
    return !question.has("train_positive") || !question.has("train_negative");
  });
}

std::optional<TrainingCounts> read_training(const JsonPlace& metrics) {
  const JsonPlace counts = metrics.at("counts"), questions = metrics.at("questions");
  if (!counts.has("train") && !counts.has("valid") && lacks_training_answers(questions)) return std::nullopt;
  TrainingCounts training;
  training.train = read_count_or_zero(counts, "train");
  training.valid = read_count_or_zero(counts, "valid");
  if (lacks_training_answers(questions)) return training;
  for (const JsonPlace& question : questions.items()) {
    training.positives_q.push_back(question.whole("train_positive"));
    training.negatives_q.push_back(question.whole("train_negative"));
  }
  return training;
}

}  // namespace

void write_evaluation_json(const std::filesystem::path& run_folder, const Evaluation& e,
                           const RunRecord& record, const std::optional<TrainingCounts>& training) {
  MetricsJson json = metrics_head(record);
  json["counts"] = {{"train", training ? MetricsJson(training->train) : MetricsJson(nullptr)},
                    {"valid", training ? MetricsJson(training->valid) : MetricsJson(nullptr)},
                    {"test", e.num_studies},
                    {"questions", e.questions.size()},
                    {"evaluated", e.num_evaluated}};
  json["bootstrap"] = bootstrap_json(e.bootstrap, e.unit, e.num_units);
  json["macro"] = means_json(e);
  if (e.unknown) json["unknown_answers"] = unknown_json(*e.unknown);
  for (const FewShotPoint& point : e.few_shot) json["few_shot"].push_back(few_shot_json(point));
  if (e.min_positives > 0) json["min_positives"] = e.min_positives;
  for (const LeftOutQuestion& question : e.left_out) json["left_out"].push_back(left_out_json(question));
  json["categories"] = MetricsJson::array();
  for (const CategoryEvaluation& category : e.categories)
    json["categories"].push_back(category_json(category));
  json["questions"] = MetricsJson::array();
  for (std::size_t i = 0; i < e.questions.size(); ++i)
    json["questions"].push_back(question_json(e.questions[i], training, i));
  if (e.thresholded) json["thresholds"] = thresholded_json(*e.thresholded);
  if (e.classes) json["classes"] = classes_json(*e.classes);
  write_metrics_json(run_folder, json);
}

EvaluationMetrics read_evaluation(const JsonPlace& metrics) {
  EvaluationMetrics read;
  Evaluation& e = read.evaluation;
  const JsonPlace counts = metrics.at("counts");
  e.num_studies = counts.whole("test");
  e.num_evaluated = read_count_or_zero(counts, "evaluated");
  read_bootstrap(metrics, e.bootstrap, e.unit, e.num_units);
  read_means(metrics.at("macro"), e);
  for (const JsonPlace& category : metrics.at("categories").items())
    e.categories.push_back(read_category(category));
  for (const JsonPlace& question : metrics.at("questions").items())
    e.questions.push_back(read_question(question));
  if (metrics.has("unknown_answers")) e.unknown = read_unknown(metrics.at("unknown_answers"));
  if (metrics.has("few_shot")) {
    for (const JsonPlace& point : metrics.at("few_shot").items()) e.few_shot.push_back(read_few_shot(point));
  }
  e.min_positives = read_count_or_zero(metrics, "min_positives");
  if (metrics.has("left_out")) {
    for (const JsonPlace& question : metrics.at("left_out").items())
      e.left_out.push_back(read_left_out(question));
  }
  if (metrics.has("thresholds")) e.thresholded = read_thresholded(metrics.at("thresholds"));
  if (metrics.has("classes")) e.classes = read_classes(metrics.at("classes"));
  // A question of probabilities has a Brier score.
  e.probabilities = std::any_of(e.questions.begin(), e.questions.end(),
                                [](const QuestionEvaluation& q) { return std::isfinite(q.brier); });
  read.training = read_training(metrics);
  return read;
}

void write_unlabelled(const std::filesystem::path& run_folder, const UnlabelledRun& run,
                      const RunRecord& record) {
  MetricsJson json = metrics_head(record);
  json["counts"] = {
      {"train", nullptr}, {"valid", nullptr}, {"test", run.num_studies}, {"questions", run.questions.size()}};
  json["questions"] = MetricsJson::array();
  for (const std::string& question : run.questions) json["questions"].push_back({{"question", question}});
  write_metrics_json(run_folder, json);
}

UnlabelledRun read_unlabelled(const JsonPlace& metrics) {
  UnlabelledRun run;
  run.num_studies = metrics.at("counts").whole("test");
  for (const JsonPlace& question : metrics.at("questions").items())
    run.questions.push_back(question.text("question"));
  return run;
}

}  // namespace pillar
