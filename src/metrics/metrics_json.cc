#include "metrics/shared/metrics_json.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"

#include "core/shared/utc_now.h"

#include <cmath>

#include <fmt/ranges.h>
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

MetricsJson number_json(double value) {
  return std::isfinite(value) ? MetricsJson(value) : MetricsJson(nullptr);
}

MetricsJson interval_json(const Interval& interval) {
  return {{"value", number_json(interval.value)},
          {"low", number_json(interval.low)},
          {"high", number_json(interval.high)}};
}

MetricsJson bootstrap_json(const BootstrapOptions& options, const std::string& unit, std::int64_t units) {
  return {{"replicates", options.replicates},
          {"confidence", options.confidence},
          {"seed", options.seed},
          {"unit", unit},
          {"units", units}};
}

void write_metrics_json(const std::filesystem::path& run_folder, const MetricsJson& metrics) {
  make_run_folder(run_folder);
  const std::string text = metrics.dump(2, ' ', false, MetricsJson::error_handler_t::replace) + "\n";
  write_file_atomic(run_folder / "metrics.json", std::string_view(text));
}

void make_run_folder(const std::filesystem::path& run_folder) {
  std::error_code error;
  std::filesystem::create_directories(run_folder, error);
  if (!error && std::filesystem::is_directory(run_folder, error)) return;
  fail(ErrorCategory::io, "{}: cannot be made: {}", run_folder,
       error ? error.message() : "something that is no folder is there");
}

}  // namespace pillar
