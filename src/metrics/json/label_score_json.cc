#include "pillar/core/file.h"
#include "pillar/metrics/label_quality.h"

#include "metrics/json/parts.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

constexpr std::uint64_t kMostScoreBytes = std::uint64_t{1} << 26;
constexpr std::int64_t kScoreFormat = 1;
constexpr const char* kScoreKind = "label-score";
constexpr std::pair<const char*, Interval LabelRates::*> kRateNames[] = {
    {"accuracy", &LabelRates::accuracy},
    {"sensitivity", &LabelRates::sensitivity},
    {"specificity", &LabelRates::specificity},
    {"ppv", &LabelRates::ppv},
    {"npv", &LabelRates::npv},
    {"f1", &LabelRates::f1},
    {"kappa", &LabelRates::kappa}};

MetricsJson rates_json(const LabelRates& rates) {
  MetricsJson json = MetricsJson::object();
  for (const auto& [name, member] : kRateNames) json[name] = interval_json(rates.*member);
  return json;
}

LabelRates read_rates(const JsonPlace& place) {
  LabelRates rates;
  for (const auto& [name, member] : kRateNames) rates.*member = read_interval(place.at(name));
  return rates;
}

MetricsJson quality_json(const LabelQuality& quality) {
  return {{"items", quality.items},
          {"true_positives", quality.true_positives},
          {"false_positives", quality.false_positives},
          {"true_negatives", quality.true_negatives},
          {"false_negatives", quality.false_negatives},
          {"prevalence", number_json(quality.prevalence)},
          {"unweighted", rates_json(quality.unweighted)},
          {"weighted", rates_json(quality.weighted)}};
}

LabelQuality read_quality(const JsonPlace& place) {
  LabelQuality quality;
  quality.items = place.whole("items");
  quality.true_positives = place.whole("true_positives");
  quality.false_positives = place.whole("false_positives");
  quality.true_negatives = place.whole("true_negatives");
  quality.false_negatives = place.whole("false_negatives");
  quality.prevalence = place.number("prevalence");
  quality.unweighted = read_rates(place.at("unweighted"));
  quality.weighted = read_rates(place.at("weighted"));
  return quality;
}

MetricsJson named_json(const std::vector<NamedQuality>& list) {
  MetricsJson json = MetricsJson::array();
  for (const NamedQuality& named : list) {
    MetricsJson entry = {{"name", named.name}, {"category", named.category}};
    entry.update(quality_json(named.quality));
    json.push_back(std::move(entry));
  }
  return json;
}

std::vector<NamedQuality> read_named(const JsonPlace& place) {
  std::vector<NamedQuality> list;
  for (const JsonPlace& entry : place.items())
    list.push_back({entry.text("name"), entry.text("category"), read_quality(entry)});
  return list;
}

MetricsJson texts_json(const std::vector<TextQuality>& texts) {
  MetricsJson json = MetricsJson::array();
  for (const TextQuality& text : texts) {
    MetricsJson entry = {{"name", text.name}, {"items", text.items}, {"correct", text.correct}};
    entry["share"] = interval_json(text.share);
    json.push_back(std::move(entry));
  }
  return json;
}

MetricsJson reviewers_json(const std::vector<ReviewerAgreement>& reviewers) {
  MetricsJson json = MetricsJson::array();
  for (const ReviewerAgreement& pair : reviewers) {
    json.push_back({{"first", pair.first},
                    {"second", pair.second},
                    {"items", pair.items},
                    {"agreed", pair.agreed},
                    {"kappa", number_json(pair.kappa)}});
  }
  return json;
}

}  // namespace

void write_label_score(const std::filesystem::path& file, const LabelScore& score) {
  MetricsJson json = {{"format", kScoreFormat},
                      {"kind", kScoreKind},
                      {"labeller", score.labeller},
                      {"unsure", score.unsure},
                      {"disputed", score.disputed},
                      {"unanswered", score.unanswered},
                      {"bootstrap",
                       {{"replicates", score.bootstrap.replicates},
                        {"seed", score.bootstrap.seed},
                        {"confidence", score.bootstrap.confidence}}}};
  json["overall"] = quality_json(score.overall);
  json["categories"] = named_json(score.categories);
  json["questions"] = named_json(score.questions);
  json["texts"] = texts_json(score.texts);
  json["reviewers"] = reviewers_json(score.reviewers);
  write_file_atomic(file,
                    std::string_view(json.dump(1, ' ', false, MetricsJson::error_handler_t::replace) + "\n"));
}

LabelScore read_label_score(const std::filesystem::path& file) {
  const JsonPlace json = JsonPlace::read_object(file, kMostScoreBytes);
  if (json.text("kind") != kScoreKind)
    json.at("kind").refuse("\"label-score\", as pillar-rate score writes it");
  if (json.whole("format") != kScoreFormat) json.at("format").refuse("1");
  LabelScore score;
  score.labeller = json.text("labeller");
  score.unsure = json.whole("unsure");
  score.disputed = json.whole("disputed");
  score.unanswered = json.whole("unanswered");
  score.bootstrap.replicates = json.at("bootstrap").whole("replicates");
  score.bootstrap.seed = static_cast<std::uint64_t>(json.at("bootstrap").whole("seed"));
  score.bootstrap.confidence = json.at("bootstrap").number("confidence");
  score.overall = read_quality(json.at("overall"));
  score.categories = read_named(json.at("categories"));
  score.questions = read_named(json.at("questions"));
  for (const JsonPlace& text : json.at("texts").items()) {
    score.texts.push_back(
        {text.text("name"), text.whole("items"), text.whole("correct"), read_interval(text.at("share"))});
  }
  for (const JsonPlace& pair : json.at("reviewers").items()) {
    score.reviewers.push_back({pair.text("first"), pair.text("second"), pair.whole("items"),
                               pair.whole("agreed"), pair.number("kappa")});
  }
  return score;
}

}  // namespace pillar
