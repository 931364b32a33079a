#include "runner.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::bench {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Measurement& m) {
  Json json = {{"seconds", m.seconds}, {"peak_rss_mb", m.peak_rss_mb}};
  for (const auto& [name, value] : m.figures) json[name] = value;
  return json;
}

[[noreturn]] void measure_here(const std::vector<Case>& cases, const RunOptions& options) {
  for (const Case& c : cases) {
    if (c.name != options.only_case) continue;
    const Work& work = options.only_side == "ours" ? c.ours : c.baseline;
    Measurement m = work();
    const double peak = peak_rss_mb() + m.child_rss_mb;  // of one run
    for (int run = 1; run < c.inner_runs; ++run) {
      Measurement next = work();
      if (next.seconds < m.seconds) m = std::move(next);
    }
    m.peak_rss_mb = peak;
    fmt::print("{}\n", to_json(m).dump());
    std::fflush(stdout);
    std::exit(0);
  }
  fail(ErrorCategory::usage, "no case {}", options.only_case);
}

Json measure_in_child(const std::string& name, const char* side, const RunOptions& options) {
  std::vector<std::string> command = options.child_command;
  command.insert(command.end(), {"--case", name, "--side", side});
  std::string output;
  run_program(command, "", &output);
  return Json::parse(output);
}

// By time; memory is the largest seen, since a peak once reached is a peak.
Json chosen(std::vector<Json> runs, const RunOptions& options) {
  if (runs.empty()) return {};
  Json all = Json::array();
  double rss = 0;
  for (const Json& run : runs) {
    all.push_back(run["seconds"]);
    rss = std::max(rss, run["peak_rss_mb"].get<double>());
  }
  std::sort(runs.begin(), runs.end(),
            [](const Json& a, const Json& b) { return a["seconds"] < b["seconds"]; });
  Json result = std::move(runs[options.median ? (runs.size() - 1) / 2 : 0]);
  result["peak_rss_mb"] = rss;
  if (options.median) result["seconds_runs"] = std::move(all);
  return result;
}

Json make_entry(const Case& c, Json ours, Json baseline) {
  Json entry = {{"name", c.name}, {"ours", std::move(ours)}};
  if (!baseline.is_null()) {
    baseline["what"] = c.baseline_what;
    entry["baseline"] = std::move(baseline);
    for (const auto& [ratio, of] :
         {std::pair("ratio_time", "seconds"), std::pair("ratio_rss", "peak_rss_mb")})
      entry[ratio] = entry["baseline"][of].get<double>() / entry["ours"][of].get<double>();
  }
  if (c.finish) c.finish(entry);
  return entry;
}

void print_entry(const Json& entry) {
  const auto figure = [&](const char* side, const char* what) { return entry[side][what].get<double>(); };
  const auto name = entry["name"].get<std::string>();
  if (!entry.contains("baseline")) {
    fmt::print("{:<34} {:>9.3f} {:>9} {:>8}   {:>8.0f} {:>8}   {}\n", name, figure("ours", "seconds"), "-",
               "-", figure("ours", "peak_rss_mb"), "-", "not measured");
    return;
  }
  fmt::print("{:<34} {:>9.3f} {:>9.3f} {:>7.2f}x   {:>8.0f} {:>8.0f}   {}\n", name, figure("ours", "seconds"),
             figure("baseline", "seconds"), entry["ratio_time"].get<double>(), figure("ours", "peak_rss_mb"),
             figure("baseline", "peak_rss_mb"), entry["baseline"]["what"].get<std::string>());
}

}  // namespace

Json run_cases(const std::vector<Case>& cases, const RunOptions& options) {
  if (!options.only_case.empty()) measure_here(cases, options);
  std::vector<std::vector<Json>> ours(cases.size()), baseline(cases.size());
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      ours[i].push_back(measure_in_child(cases[i].name, "ours", options));
      if (cases[i].baseline) baseline[i].push_back(measure_in_child(cases[i].name, "baseline", options));
    }
  }
  Json results = Json::array();
  fmt::print("{:<34} {:>9} {:>9} {:>8}   {:>8} {:>8}   {}\n", "case", "ours s", "base s", "ratio", "ours MB",
             "base MB", "baseline");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    results.push_back(
        make_entry(cases[i], chosen(std::move(ours[i]), options), chosen(std::move(baseline[i]), options)));
    print_entry(results.back());
  }
  return results;
}

}  // namespace pillar::bench
