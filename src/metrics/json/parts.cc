#include "metrics/json/parts.h"

#include "pillar/core/file.h"

#include "core/shared/utc_now.h"
#include "metrics/shared/run_folder.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>
#include <torch/headeronly/version.h>

namespace pillar {
namespace {

// As a shell takes it.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:=,+@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string command_line(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += ' ';
    // The program's name: the folder that it lies in tells a reader nothing.
    text += quoted(i == 0 ? std::filesystem::path(words[i]).filename().string() : words[i]);
  }
  return text;
}

// None where there is nothing at `key`.
std::vector<std::pair<std::string, std::string>> read_facts(const JsonPlace& metrics, const char* key) {
  std::vector<std::pair<std::string, std::string>> facts;
  if (!metrics.has(key)) return facts;
  for (const auto& [name, value] : metrics.at(key).members()) facts.emplace_back(name, value.any_text());
  return facts;
}

}  // namespace

MetricsJson metrics_head(const RunRecord& record) {
  MetricsJson json;
  json["format"] = 1;
  json["kind"] = record.kind;
  json["created"] = utc_now();
  json["command"] = command_line(record.command);
  json["versions"] = {{"libpillar", PILLAR_VERSION}, {"LibTorch", TORCH_VERSION}};
  json["inputs"] = MetricsJson::array();
  for (const InputRecord& input : record.inputs) {
    json["inputs"].push_back({{"what", input.what},
                              {"path", input.path.string()},
                              {"sha256", input.sha256},
                              {"bytes", input.bytes}});
  }
  json["settings"] = record.settings;
  return json;
}

std::string read_kind(const JsonPlace& metrics) {
  if (metrics.whole("format") != 1) metrics.at("format").refuse("1, the only one that this version reads");
  return metrics.text("kind");
}

RunHead read_head(const JsonPlace& metrics) {
  RunHead head;
  head.kind = read_kind(metrics);
  head.created = metrics.text("created");
  head.command = metrics.text("command");
  for (const JsonPlace& input : metrics.at("inputs").items()) {
    head.inputs.push_back({input.text("what"), input.text("path"), input.text("sha256"),
                           static_cast<std::uint64_t>(input.whole("bytes"))});
  }
  head.settings = read_facts(metrics, "settings");
  head.versions = read_facts(metrics, "versions");
  return head;
}

MetricsJson number_json(double value) {
  return std::isfinite(value) ? MetricsJson(value) : MetricsJson(nullptr);
}

MetricsJson interval_json(const Interval& interval, const char* value_key) {
  return {{value_key, number_json(interval.value)},
          {"low", number_json(interval.low)},
          {"high", number_json(interval.high)}};
}

Interval read_interval(const JsonPlace& place, const char* value_key) {
  const Interval interval{place.number(value_key), place.number("low"), place.number("high")};
  if (interval.low > interval.high) place.refuse("an interval whose low end is not above its high one");
  return interval;
}

MetricsJson bootstrap_json(const BootstrapOptions& options, const std::string& unit, std::int64_t units) {
  return {{"replicates", options.replicates},
          {"confidence", options.confidence},
          {"seed", options.seed},
          {"unit", unit},
          {"units", units}};
}

void read_bootstrap(const JsonPlace& metrics, BootstrapOptions& options, std::string& unit,
                    std::int64_t& units) {
  const JsonPlace bootstrap = metrics.at("bootstrap");
  options.replicates = bootstrap.whole("replicates");
  if (options.replicates == 0) return;
  unit = bootstrap.text("unit");
  units = bootstrap.whole("units");
  if (unit != "patient" && unit != "study") bootstrap.at("unit").refuse("study or patient");
  options.confidence = bootstrap.number("confidence");
  options.seed = static_cast<std::uint64_t>(bootstrap.whole("seed"));
}

std::int64_t read_count_or_zero(const JsonPlace& place, const char* key) {
  return place.has(key) ? place.whole(key) : 0;
}

void write_metrics_json(const std::filesystem::path& run_folder, const MetricsJson& metrics) {
  make_run_folder(run_folder);
  const std::string text = metrics.dump(2, ' ', false, MetricsJson::error_handler_t::replace) + "\n";
  write_file_atomic(run_folder / "metrics.json", std::string_view(text));
}

}  // namespace pillar
