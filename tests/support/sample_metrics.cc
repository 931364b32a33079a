#include "support/sample_metrics.h"

#include "pillar/core/file.h"

#include <array>
#include <cmath>
#include <random>

#include <fmt/format.h>

namespace pillar::test {
namespace {

constexpr std::array<const char*, 4> kCategories = {"Lungs and airways", "Heart and vessels", "Abdomen",
                                                    "Bones"};

double rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

Json interval(double value, double half) {
  return {{"value", rounded(value)},
          {"low", rounded(std::max(0.0, value - half))},
          {"high", rounded(std::min(1.0, value + half))}};
}

Json undefined_interval() {
  return {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}};
}

Json common(const char* kind) {
  return {{"format", 1},
          {"kind", kind},
          {"created", "2026-01-31T12:00:00Z"},
          {"command",
           fmt::format("pillar-eval {} --embeddings cache --labels \"all labels.json\" --out runs/a", kind)},
          {"versions", {{"libpillar", "0.1.0"}, {"LibTorch", "2.11.0"}}},
          {"inputs",
           {{{"what", "labels"},
             {"path", "labels/<all>.json"},
             {"sha256", std::string(64, 'a')},
             {"bytes", 123456}},
            {{"what", "test embeddings"},
             {"path", "cache"},
             {"sha256", std::string(64, 'b')},
             {"bytes", 9876543}}}},
          {"settings", {{"solver", "lbfgs"}, {"standardize", true}, {"l2", 0.001}}}};
}

Json bootstrap() {
  return {{"replicates", 1000}, {"confidence", 0.95}, {"seed", 0}, {"unit", "study"}, {"units", 5000}};
}

std::string question_text(int index) {
  static constexpr std::array<const char*, 6> kFindings = {"pleural effusion",   "pulmonary nodule",
                                                           "cardiomegaly",       "aortic aneurysm",
                                                           "renal cyst, simple", "vertebral fracture"};
  if (index == 0) return "Is there \"free air\", <b>or</b> <script>alert(1)</script> & größer als 2'?";
  return fmt::format("Is there a {} (variant {})?", kFindings[index % 6], index);
}

// y = x^a has the area 1 / (1 + a).
Json roc_curve(double auroc, int points) {
  const double power = 1 / auroc - 1;
  Json roc = Json::array();
  for (int i = 0; i < points; ++i) {
    const double x = static_cast<double>(i) / (points - 1);
    roc.push_back({rounded(x), rounded(std::pow(x, power))});
  }
  return roc;
}

Json question(int index, int points, std::mt19937& random) {
  std::uniform_real_distribution<double> draw(0, 1);
  const double auroc = 0.5 + 0.48 * std::sqrt(draw(random));
  const int positives = 3 + static_cast<int>(800 * std::pow(draw(random), 3));
  Json reliability = Json::array(), errors = Json::array();
  for (int bin = 0; bin < 10; ++bin) {
    const double middle = (bin + 0.5) / 10;
    reliability.push_back({{"predicted", middle},
                           {"observed", rounded(std::clamp(middle + 0.16 * (draw(random) - 0.5), 0.0, 1.0))},
                           {"count", 10 + bin}});
  }
  for (int i = 0; i < 5; ++i) {
    errors.push_back({{"accession", fmt::format("S{:04}", 5 * index + i + 1)},
                      {"score", rounded(0.99 - 0.01 * i)},
                      {"answer", i % 2}});
  }
  return {{"question", question_text(index)},
          {"category", kCategories[index % 4]},
          {"num_samples", 5000},
          {"num_positive", positives},
          {"num_negative", 5000 - positives},
          {"train_positive", 4 * positives},
          {"train_negative", 4 * (5000 - positives)},
          {"auroc", interval(auroc, 0.6 / std::sqrt(positives))},
          {"average_precision", interval(auroc * 0.6, 0.8 / std::sqrt(positives))},
          {"sensitivity_at_90_specificity", {{"value", rounded(0.7 * auroc)}, {"threshold", 0.31}}},
          {"brier", rounded(0.2 * draw(random))},
          {"expected_calibration_error", rounded(0.1 * draw(random))},
          {"roc", roc_curve(auroc, points)},
          {"reliability", reliability},
          {"errors", errors}};
}

Json one_class_question(int index) {
  Json none = Json::array();
  return {{"question", question_text(index)},
          {"category", kCategories[index % 4]},
          {"num_samples", 5000},
          {"num_positive", 0},
          {"num_negative", 5000},
          {"train_positive", 2},
          {"train_negative", 19998},
          {"auroc", undefined_interval()},
          {"average_precision", undefined_interval()},
          {"sensitivity_at_90_specificity", {{"value", nullptr}, {"threshold", nullptr}}},
          {"brier", 0.01},
          {"expected_calibration_error", 0.02},
          {"roc", none},
          {"reliability", none},
          {"errors", none}};
}

Json macro(int evaluated) {
  Json auroc = interval(0.8312, 0.0123), precision = interval(0.4711, 0.02);
  auroc["questions"] = precision["questions"] = evaluated;
  return {{"auroc", auroc},
          {"average_precision", precision},
          {"sensitivity_at_90_specificity", {{"value", 0.5821}, {"questions", evaluated}}},
          {"brier", {{"value", 0.0912}, {"questions", evaluated}}},
          {"expected_calibration_error", {{"value", 0.0311}, {"questions", evaluated}}}};
}

}  // namespace

Json probe_metrics(int questions, int points) {
  std::mt19937 random(7);
  Json all = common("probe");
  all["counts"] = {{"train", 20000},
                   {"valid", 2500},
                   {"test", 5000},
                   {"questions", questions},
                   {"evaluated", questions - 1}};
  all["bootstrap"] = bootstrap();
  all["macro"] = macro(questions - 1);
  all["categories"] = Json::array();
  for (int i = 0; i < 4; ++i) {
    all["categories"].push_back({{"name", kCategories[i]},
                                 {"questions", (questions + 3 - i) / 4},
                                 {"auroc", interval(0.79 + 0.02 * i, 0.02)},
                                 {"average_precision", interval(0.45 + 0.02 * i, 0.03)}});
  }
  all["questions"] = Json::array();
  for (int i = 0; i + 1 < questions; ++i) all["questions"].push_back(question(i, points, random));
  all["questions"].push_back(one_class_question(questions - 1));
  return all;
}

Json compare_metrics(int questions) {
  std::mt19937 random(11);
  std::normal_distribution<double> noise(0, 0.05);
  std::uniform_real_distribution<double> draw(0, 1);
  Json all = common("compare");
  all["counts"] = {{"test", 5000}, {"questions", questions}, {"evaluated", questions}};
  all["runs"] = {{{"name", "untrained"},
                  {"path", "runs/untrained"},
                  {"kind", "probe"},
                  {"macro_auroc", interval(0.702, 0.015)},
                  {"left_out_accessions", 0},
                  {"left_out_questions", 2}},
                 {{"name", "trained"},
                  {"path", "runs/trained"},
                  {"kind", "probe"},
                  {"macro_auroc", interval(0.831, 0.012)},
                  {"left_out_accessions", 3},
                  {"left_out_questions", 0}}};
  all["bootstrap"] = bootstrap();
  int wins = 0, losses = 0;
  Json rows = Json::array();
  for (int i = 0; i < questions; ++i) {
    const double before = 0.55 + 0.3 * draw(random), after = std::min(0.99, before + 0.08 + noise(random));
    const double half = 0.02 + 0.1 * draw(random), difference = after - before;
    const bool win = difference > half, loss = difference < -half;
    wins += win ? 1 : 0;
    losses += loss ? 1 : 0;
    const int positives = 3 + static_cast<int>(800 * std::pow(draw(random), 3));
    rows.push_back({{"question", question_text(i)},
                    {"category", kCategories[i % 4]},
                    {"num_positive", positives},
                    {"num_negative", 5000 - positives},
                    {"baseline_auroc", rounded(before)},
                    {"auroc", rounded(after)},
                    {"difference", rounded(difference)},
                    {"low", rounded(difference - half)},
                    {"high", rounded(difference + half)},
                    {"verdict", win    ? "win"
                                : loss ? "loss"
                                       : "tie"}});
  }
  all["comparisons"] = Json::array();
  all["comparisons"].push_back(
      {{"run", "trained"},
       {"baseline", "untrained"},
       {"macro", {{"difference", 0.129}, {"low", 0.112}, {"high", 0.146}, {"questions", questions}}},
       {"wins", wins},
       {"ties", questions - wins - losses},
       {"losses", losses},
       {"questions", rows}});
  return all;
}

Json retrieve_metrics(int pairs) {
  Json all = common("retrieve");
  all["counts"] = {{"pairs", pairs}, {"without_text", 4}};
  all["bootstrap"] = bootstrap();
  const auto direction = [&](double first) {
    return Json{{"recall_at_1", interval(first, 0.02)},
                {"recall_at_5", interval(2 * first, 0.03)},
                {"recall_at_10", interval(2.6 * first, 0.03)},
                {"recall_at_50", interval(3.9 * first, 0.03)},
                {"median_rank", {{"value", 17.5}, {"low", 15}, {"high", 21}}}};
  };
  all["text_to_image"] = direction(0.21);
  all["image_to_text"] = direction(0.19);
  all["chance"] = {{"recall_at_1", 1.0 / pairs},
                   {"recall_at_5", 5.0 / pairs},
                   {"recall_at_10", 10.0 / pairs},
                   {"recall_at_50", std::min(1.0, 50.0 / pairs)},
                   {"median_rank", (pairs + 1) / 2.0}};
  Json nearest = Json::array();
  for (int i = 0; i < 8; ++i)
    nearest.push_back(
        {{"accession", fmt::format("S{:04}", i + 1)}, {"rank", i + 1}, {"score", rounded(0.71 - 0.02 * i)}});
  all["query"] = {{"kind", "report"},
                  {"text", "Large right pleural effusion.\n<i>No</i> pneumothorax."},
                  {"nearest", nearest}};
  return all;
}

Json survival_metrics(int years) {
  Json all = common("finetune-survival");
  all["counts"] = {{"test", 2000}, {"events", 120}};
  all["bootstrap"] = bootstrap();
  all["c_index"] = interval(0.75, 0.04);
  all["pairs"] = {{"right", 1500.5}, {"tied", 0.0}, {"all", 2000.25}, {"watched", Json::array()}};
  all["years"] = Json::array();
  for (int year = 1; year <= years; ++year) {
    all["pairs"]["watched"].push_back(rounded(1 - 0.05 * year));
    all["years"].push_back({{"year", year},
                            {"num_positive", 20 * year},
                            {"num_negative", 1800 - 100 * year},
                            {"auroc", interval(0.8, 0.05)},
                            {"average_precision", interval(0.3, 0.06)},
                            {"pr_auc", 0.29}});
  }
  return all;
}

Json zero_shot_without_labels(int questions) {
  Json all = common("zero-shot");
  all["counts"] = {{"test", 5000}, {"questions", questions}};
  all["questions"] = Json::array();
  for (int i = 0; i < questions; ++i) all["questions"].push_back({{"question", question_text(i)}});
  return all;
}

void write_run(const std::filesystem::path& run, const Json& metrics) {
  std::filesystem::create_directories(run);
  write_file_atomic(run / "metrics.json", metrics.dump(2));
}

}  // namespace pillar::test
