#include "runner.h"

#include "pillar/core/error.h"

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
  throw Error(ErrorCategory::usage, fmt::format("no case {}", options.only_case));
}

Json measure_in_child(const std::string& name, const char* side, const RunOptions& options) {
  std::vector<std::string> command = options.child_command;
  command.insert(command.end(), {"--case", name, "--side", side});
  std::string output;
  run_program(command, "", &output);
  return Json::parse(output);
}

// Best time of all repeats; memory is the largest seen, since a peak once reached is a peak.
void keep_best(Json& best, const Json& next) {
  if (best.is_null()) {
    best = next;
    return;
  }
  const double rss = std::max(best["peak_rss_mb"].get<double>(), next["peak_rss_mb"].get<double>());
  if (next["seconds"] < best["seconds"]) best = next;
  best["peak_rss_mb"] = rss;
}

}  // namespace

Json run_cases(const std::vector<Case>& cases, const RunOptions& options) {
  if (!options.only_case.empty()) measure_here(cases, options);
  std::vector<Json> ours(cases.size());
  std::vector<Json> baseline(cases.size());
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      keep_best(ours[i], measure_in_child(cases[i].name, "ours", options));
      keep_best(baseline[i], measure_in_child(cases[i].name, "baseline", options));
    }
  }
  Json results = Json::array();
  fmt::print("{:<34} {:>9} {:>9} {:>7}   {:>8} {:>8}   {}\n", "case", "ours s", "base s", "ratio", "ours MB",
             "base MB", "baseline");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    baseline[i]["what"] = cases[i].baseline_what;
    const double ratio_time = baseline[i]["seconds"].get<double>() / ours[i]["seconds"].get<double>();
    const double ratio_rss = baseline[i]["peak_rss_mb"].get<double>() / ours[i]["peak_rss_mb"].get<double>();
    fmt::print("{:<34} {:>9.3f} {:>9.3f} {:>6.2f}x   {:>8.0f} {:>8.0f}   {}\n", cases[i].name,
               ours[i]["seconds"].get<double>(), baseline[i]["seconds"].get<double>(), ratio_time,
               ours[i]["peak_rss_mb"].get<double>(), baseline[i]["peak_rss_mb"].get<double>(),
               cases[i].baseline_what);
    results.push_back({{"name", cases[i].name},
                       {"ours", ours[i]},
                       {"baseline", baseline[i]},
                       {"ratio_time", ratio_time},
                       {"ratio_rss", ratio_rss}});
  }
  return results;
}

}  // namespace pillar::bench
