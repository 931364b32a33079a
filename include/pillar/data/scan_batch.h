// Many scans through a model, batch by batch: loaded ahead under a memory bound, taken in input order, one
// broken scan never stopping the others.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/core/path_text.h"
#include "pillar/data/model_input.h"
#include "pillar/data/scan.h"
#include "pillar/model/preprocess_spec.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct ScanBatch {
  std::vector<ScanEntry> scans;
  std::vector<std::string> missing;  // names that a list asked for without saying where they are: they fail
  PreprocessSpec spec;
  ScanReadOptions reading;
  int batch_size = 1;
  int jobs = 0;                             // loader threads; 0: up to 4
  std::uint64_t loader_bytes = UINT64_MAX;  // of scans that load or wait for the model
  bool quiet = false;                       // no progress bar
  at::Device device = at::kCPU;  // that the model computes on: voxels for a GPU are page-locked, so that it
                                 // copies them while it computes
  int batches_at_once = 0;       // that the model is given; 0: one on a CPU, two on a GPU
};

// As `batches_at_once` says.
int batches_at_once(const ScanBatch& batch);

// left_out: below a folder, and sound, but nothing to show a model (NoScan).
enum class ScanStatus { written, skipped, left_out, failed };
struct ScanOutcome {
  PathText path;
  std::string accession;  // empty where the scan could not be opened
  ScanStatus status = ScanStatus::failed;
  std::string reason;
};

struct ScanSummary {
  std::vector<ScanOutcome> outcomes;  // in input order, then the missing
  double seconds = 0;
  double idle_seconds = 0;    // of those: the model had nothing to do
  double queued_seconds = 0;  // of those: a scan was loaded and waited for the model
  std::int64_t count(ScanStatus status) const;
  // "12 embedded, 3 there already, 2 left out, 1 failed; 0.52 volumes/s; the model was idle 4 % of the time,
  // scans waited for it 93 %", where `done` is "embedded".
  std::string brief(std::string_view done) const;
};

// One of the scans that a model is given together.
struct BatchedScan {
  ScanEntry entry;  // as OpenedScan settled it
  std::string accession;
  Placement placement;
  SourceIdentity source;  // where the steps identify scans
};

struct ScanBatchSteps {
  std::string label;  // of the progress bar
  // Whether scans are told apart by what they are, so that the same one named twice is done once; else by
  // their names alone.
  bool identify = false;
  // Whether a scan need not be done again. What is odd about what is there goes to the notes; what it throws
  // is why the scan fails. `source` is unknown where scans are not identified. Called from several threads.
  std::function<bool(const ScanEntry& scan, const SourceIdentity& source, Notes& notes)> is_there;
  // Keeps what was computed of a batch: takes its scans, in the order of the voxels, and returns why each one
  // failed, empty where it did not. Called by one thread, batch after batch in input order.
  using Keep = std::function<std::vector<std::string>(std::span<const BatchedScan> scans)>;
  // Takes (B,1,D,H,W) int16, uint16 or float32 on the CPU, and computes what is then kept; from several
  // threads where the model is given several batches at once. What it or keeping throws is all of a batch's
  // scans': then they are tried one by one, since the fault may be one scan's. Memory that runs out, a GPU in
  // a state of error (ends_all_work()) and std::logic_error, a mistake of the program, end the batch.
  std::function<Keep(const at::Tensor& voxels_bcdhw)> compute;
};

// Threads that the loader gets where a batch says 0, of each of so many processes on this host.
int default_loader_jobs(std::int64_t processes = 1);

// Two scans of one name: the first has it, the other fails, or is skipped where it is the same scan. What the
// model's input needed of many scans, such as other axes, is a warning once, and at the end one with their
// number. Throws Error(usage) for no scans.
ScanSummary run_scan_batch(const ScanBatch& batch, const ScanBatchSteps& steps);

// What becomes of the names that the list asked for in vain, at the end of the outcomes; run_scan_batch()
// does so itself.
void add_missing(const ScanBatch& batch, ScanSummary& summary);

// <folder>/failures.csv: accession,path,reason; only its header where nothing failed.
void write_scan_failures(const std::filesystem::path& folder, const std::vector<ScanOutcome>& outcomes);

}  // namespace pillar
