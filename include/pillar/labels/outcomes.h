// What is known of each study of a finetuning data set: a table of scans, splits and labels, checked as a
// whole before anything is trained.
#pragma once

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
};

enum class OutcomeSplit { train, dev, test };

// A box in voxels of the study's stored volume along D, H and W, half-open.
struct VoxelBox {
  std::array<std::int64_t, 3> first_dhw = {0, 0, 0}, end_dhw = {0, 0, 0};
};

struct OutcomeStudy {
  std::string accession;
  std::string patient;  // empty where the table does not say
  OutcomeSplit split = OutcomeSplit::train;
  std::filesystem::path image;  // relative paths start at the table's folder
  std::filesystem::path mask;   // empty: none
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

// Reads and checks the whole table. Every fault stands in one message, by row and column: a missing or
// repeated column, an accession twice, an unknown split, several images where one is wanted, an image or mask
// that does not exist, a label outside its range, a time that is negative or at or above the horizon, a study
// without any known label, a patient in two splits (by name), a label with one class only among the training
// studies. Throws Error(io | input).
OutcomeTable read_outcome_table(const std::filesystem::path& csv, const OutcomeColumns& columns);

// The parts of image_paths: a JSON list, else split at the first of '|', ';' and ',' that occurs, else one
// path; white space around them goes, empty ones too.
std::vector<std::string> split_image_paths(std::string_view cell);

// What a survival loss compares with: is_event_ny is 1 from the event's year on, is_known_ny is 1 up to and
// including that year; both (N, horizon) float32.
struct SurvivalTargets {
  at::Tensor is_event_ny, is_known_ny;
};
SurvivalTargets survival_targets(const at::Tensor& event_and_time_n2, std::int64_t horizon);

}  // namespace pillar
