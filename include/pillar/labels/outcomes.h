// What is known of each study of a finetuning data set: a table of scans, splits and labels, checked as a
// whole before anything is trained.
#pragma once

#include "pillar/labels/patients.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

enum class OutcomeKind {
  multilabel,  // several findings, each yes or no, each may be unknown
  multiclass,  // one of several classes
  survival     // whether and in which year an event came
};
const char* to_string(OutcomeKind kind) noexcept;
OutcomeKind parse_outcome_kind(std::string_view text);  // throws Error(usage) with the nearest

// Which columns of the table mean what. The defaults are the public CSV's names.
struct OutcomeColumns {
  OutcomeKind kind = OutcomeKind::multilabel;
  std::vector<std::string> labels;   // multilabel: columns; multiclass: the one column; survival: none
  std::vector<std::string> classes;  // multiclass: values in order; empty: those met, sorted
  std::int64_t horizon = 6;          // survival: years
  std::string accession = "accession", image = "image_paths", split = "split", mask = "mask_path";
  std::string boxes = "boxes";      // optional column
  std::string patient = "patient";  // optional column
  std::string event = "y", time = "time_at_event";
  bool for_training = true;  // false: evaluated only, so that it needs no training study
};

enum class OutcomeSplit { train, dev, test };
const char* to_string(OutcomeSplit split) noexcept;

// A box in voxels of the study's stored volume along D, H and W, half-open.
struct VoxelBox {
  std::array<std::int64_t, 3> first_dhw = {0, 0, 0}, end_dhw = {0, 0, 0};
};

struct OutcomeStudy {
  std::string accession;
  std::string patient;  // empty where it is not known
  OutcomeSplit split = OutcomeSplit::train;
  std::filesystem::path image;  // relative paths of the table are taken from the table's folder
  std::filesystem::path mask;   // likewise; empty: none
  std::vector<VoxelBox> boxes;
  std::int64_t row = 0;                         // in the file, counted from 1 below the header
  std::array<float, 3> laterality = {0, 0, 0};  // cancer on the right, on the left, elsewhere (NLST)
};

struct OutcomeTable {
  std::filesystem::path file;
  OutcomeKind kind = OutcomeKind::multilabel;
  std::vector<std::string> outputs;  // label columns; classes; "year 1" ... of the horizon
  std::vector<OutcomeStudy> studies;
  // multilabel: (N, labels) float32 of 0, 1 and NaN (unknown); multiclass: (N) int64 class, -1 unknown;
  // survival: (N, 2) int64 of event and time.
  at::Tensor values;
};

// Reads and checks the whole table. Other columns are ignored, white space around a cell as well; the
// accession is kept as it is written, leading zeros too. Unknown is an empty cell, NaN, NA or null in any
// case. A split is train, dev (also val, valid or validation) or test. Boxes are a JSON list of
// [d0,h0,w0,d1,h1,w1]. A study's patient is what the column says, else what `patients` says.
// Throws Error(io), Error(usage) where `columns` make no sense, and Error(input) with every fault of the
// table in one message, a line each ("row 12, column edema: 2 is neither 0, 1 nor empty"; after thirty only
// their number): a missing column with the nearest there is; an empty accession or one that stands there
// twice; an unknown split; several images where one is wanted; an image or mask that does not exist;
// malformed boxes; a label outside its range; a time that is negative, no whole year, or at or above the
// horizon; a study without any known label; a patient in two splits (by name), or not in `patients`; no
// training study; a label with no known value, or with one class only among the training studies.
OutcomeTable read_outcome_table(const std::filesystem::path& csv, const OutcomeColumns& columns,
                                const PatientTable& patients = {});

// The parts of image_paths: a JSON list, else split at the first of '|', ';' and ',' that occurs, else one
// path; white space around them goes, empty ones too.
std::vector<std::string> split_image_paths(std::string_view cell);

// What a survival loss compares with: is_event_ny is 1 from the event's year on, is_known_ny is 1 up to and
// including that year; both (N, horizon) float32.
struct SurvivalTargets {
  at::Tensor is_event_ny, is_known_ny;
};
// Throws Error(usage) for another shape or type, an event that is neither 0 nor 1, or a time outside of the
// horizon: read_outcome_table() has refused those by row.
SurvivalTargets survival_targets(const at::Tensor& event_and_time_n2, std::int64_t horizon);

// SHA-256 of all that training depends on: kind, outputs, and of every study, in order, accession, patient,
// split, the file names of image and mask, boxes, laterality and values. The folders are left out, since
// processes that train together may see one disk under different names.
std::string outcome_digest(const OutcomeTable& table);

}  // namespace pillar
