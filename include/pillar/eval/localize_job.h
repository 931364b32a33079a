// The localisation benchmark: maps of `pillar-eval evidence` held against what is marked in the scans.
#pragma once

#include "pillar/metrics/localization.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct LocalizeJob {
  std::filesystem::path evidence;     // folder of pillar-eval evidence
  std::filesystem::path truth;        // CSV accession,question,kind,path,coordinates_mm
  std::filesystem::path label_names;  // JSON {"question": value} for kind "labels"; may be empty
  std::filesystem::path probe_run;    // whose metrics.json has AUROCs; empty: the folder of the probe
  std::filesystem::path patients;     // CSV accession,patient; empty: studies are drawn one by one
  std::filesystem::path out;
  LocalizationOptions options;
  std::vector<std::string> command;  // argv, for the record
  bool quiet = false;
};

// Writes into job.out: localization.csv, studies.csv (every number of every study and way) and metrics.json.
// Rows of the truth of studies that the probe was trained on are what the centre prior learns from.
// Throws Error(io | input) naming file and row: a kind that is none, a mask in another frame of reference or
// without a voxel, a box or point beside the scan, no finding of the maps' studies marked.
LocalizationEvaluation run_localize(const LocalizeJob& job);

}  // namespace pillar
