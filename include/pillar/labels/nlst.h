// NLST's studies as Sybil's dataset file has them: a table of survival outcomes, one study a CT series.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/labels/outcomes.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct NlstOptions {
  std::int64_t horizon = 6;       // years
  std::filesystem::path samples;  // folder of <uid>.1.0, and the mapping.csv that says which series it has
  std::filesystem::path masks;    // folder of <uid>.1.0.tar.lz4, each may be absent; empty: no masks
  std::filesystem::path google_test;  // JSON list of series UIDs: of the split test only these; empty: all
  std::vector<std::string> ignored_exams;
  double thickest_slice_mm = 2.5;
  bool for_training = true;  // as OutcomeColumns has it
};

struct NlstTable {
  OutcomeTable table;  // accession: the series UID; patient: the pid; row: place of the series in the file
  Notes notes;         // how many series were left out, and why
};

// A JSON list of patients {pid, split, accessions: [{exam, screen_timepoint, image_series: {uid:
// {series_data}}}], pt_metadata}. Years count from the scan: the event is cancer within the horizon, the time
// its year, else the last year of follow-up, at most the horizon's last. Left out and counted: localizers,
// slices of another thickness, series without follow-up or with a negative time, of ignored exams, not in the
// cache's mapping.csv, and of the split test those that the Google split lacks. Read patient by patient.
// Throws Error(io), Error(usage), and Error(input): what is no such list, naming the place; and every fault
// of the table in one message, as read_outcome_table() has it.
NlstTable read_nlst_table(const std::filesystem::path& json, const NlstOptions& options);

}  // namespace pillar
