// Internal: the files of a folder of evidence maps, as they are written and read.
#pragma once

#include "pillar/eval/evidence_job.h"
#include "pillar/metrics/run_record.h"

#include "core/shared/settings.h"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

struct EvidenceRow {
  std::string accession, question;
  double probability = 0, logit = 0, mean_logit = 0, evidence = 0, beside_scan = 0;
  std::filesystem::path map;  // relative to the folder
};

struct PlaceRow {
  std::string accession, question;
  int rank = 0;  // from 1
  PatientXyz point_xyz_mm = {0, 0, 0};
  double value = 0, mean_value = 0, evidence = 0, share = 0;
  std::int64_t scale = 0;  // 1: the finest
};

// A study that the probe was trained on, and the middle of its scan where that is known.
struct TrainRow {
  std::string accession;
  std::optional<PatientXyz> centre_xyz_mm;
};

struct EvidenceRecord {
  std::string map;      // "evidence" or "dense"
  std::string split;    // of the studies
  InputRecord probe;    // the file, with its digest
  Settings embeddings;  // what they were made with
};

// Atomic; the folder is there. Throw Error(io).
void write_evidence_rows(const std::filesystem::path& folder, const std::vector<EvidenceRow>& rows);
void write_place_rows(const std::filesystem::path& folder, const std::vector<PlaceRow>& rows);
void write_train_rows(const std::filesystem::path& folder, const std::vector<TrainRow>& rows);
void write_evidence_record(const std::filesystem::path& folder, const EvidenceRecord& record);

// Throw Error(io | input) naming the file and the row.
std::vector<EvidenceRow> read_evidence_rows(const std::filesystem::path& folder);
std::vector<PlaceRow> read_place_rows(const std::filesystem::path& folder);
std::vector<TrainRow> read_train_rows(const std::filesystem::path& folder);
EvidenceRecord read_evidence_record(const std::filesystem::path& folder);

// A cell of a table as a finite number. Throws Error(input) naming file, row (from 2) and column.
double finite_cell(const std::string& text, const std::filesystem::path& file, std::size_t row,
                   const char* column);

}  // namespace pillar
