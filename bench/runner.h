// Measures pairs of pieces of work, each run in a process of its own so that peak memory is its own too.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace pillar::bench {

// What one run of one side found. `figures` goes into the JSON beside seconds and peak_rss_mb.
struct Measurement {
  double seconds = 0;
  double peak_rss_mb = 0;  // filled by the runner; a side that starts programs adds theirs to `child_rss_mb`
  double child_rss_mb = 0;
  std::vector<std::pair<std::string, double>> figures;
};

using Work = std::function<Measurement()>;

struct Case {
  std::string name;
  Work ours;
  std::string baseline_what;
  Work baseline;  // empty: ours alone is measured
  // Runs within each process, of which the fastest counts: a loader decodes many volumes in one process, and
  // the first run pays for memory that the machine hands out for the first time.
  int inner_runs = 1;
  // In the parent, when both sides have run: adds to the case's entry what only both together tell.
  std::function<void(nlohmann::ordered_json& entry)> finish = {};
};

struct RunOptions {
  int repeats = 3;
  bool median = false;    // of the repeats, instead of the best: on a machine that others use
  std::string only_case;  // set in the child: run this case
  std::string only_side;  // "ours" or "baseline"
  std::vector<std::string> child_command;  // this program and its arguments, without the two above
};

// In the parent: runs every side of every case `repeats` times, interleaved, prints a table line per case,
// and returns the list [{name, ours, baseline, ratio_time, ratio_rss}], best or median repeat of each (name
// and ours alone for a case without a baseline; seconds_runs, all repeats in order, where the median counts).
// In the child: runs the one side, prints its measurement, and exits the process.
nlohmann::ordered_json run_cases(const std::vector<Case>& cases, const RunOptions& options);

double now_seconds();  // monotonic
double peak_rss_mb();  // of this process so far

// Runs a program to its end with standard output read into `output` (nullptr: discarded) and `input` written
// to its standard input (empty: none). Returns its peak RSS in MB. Throws Error if it fails.
double run_program(const std::vector<std::string>& command, const std::string& input, std::string* output);

}  // namespace pillar::bench
