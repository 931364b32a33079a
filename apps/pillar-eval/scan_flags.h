// The flags that embed and predict have in common: which series of a study, and what to do with a scan that
// is not as a volume has to be.
#pragma once

#include "pillar/data/scan_batch.h"
#include "pillar/device/memory_fault.h"

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace pillar {

struct ScanFlags {
  SeriesWish series;
  bool all_series = false;
  ReadingPolicies reading;
};

// --series-number, --series-description, --all-series, --gaps, --gantry-tilt, --nan below a heading of
// --help.
void add_scan_flags(CLI::App& command, ScanFlags& flags, const std::string& group);

// What a frozen model computes in.
CLI::Option* add_dtype_flag(CLI::App& command, std::string& dtype);

// Sets the batch's loader: its threads and bytes, for a model on `device` that needs `model_bytes` of the
// `available` ones, in each of so many processes on this host.
void plan_loader(ScanBatch& batch, at::Device device, std::uint64_t model_bytes, std::uint64_t available,
                 std::int64_t processes = 1);

// Whether nothing that was found is a scan, which is said then; no failure.
bool is_nothing_to_do(const ScanBatch& batch);

// What is said where memory runs out: `work` is "embedding", `needed_bytes` the model's estimate for a batch,
// `dtype` what it computes in.
MemoryAdvice scan_memory_advice(const std::string& work, const ScanBatch& batch, std::uint64_t needed_bytes,
                                const std::string& dtype);

// The batch's scans and how they are read, from its preprocessing and the flags.
void apply_scan_flags(const ScanFlags& flags, ScanBatch& batch);

}  // namespace pillar
