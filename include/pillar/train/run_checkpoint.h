// Checkpoints of a run: all of it, so that a resumed run goes on to the same bits.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/nn/parameters.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

// What the bits of a run depend on beside its step. A run that goes on with something else says so.
struct RunIdentity {
  std::uint64_t seed = 0;
  std::int64_t world_size = 1, batch_size = 0, micro_batch = 0, threads = 0, total_steps = 0;
  std::string precision, device, version;
};

// Where a run stands among a pool's studies, which are known by keys of their names.
struct PoolProgress {
  std::int64_t epoch = 0;
  std::int64_t position = 0;            // in the epoch: how many studies its steps have taken
  std::vector<std::string> seen, rest;  // of that epoch; both empty at its beginning
};

// Where a run stands, but for its tensors. Every random draw is a function of seed, step and study, so that
// the step, and which studies an epoch has left, is all the state there is of shuffling, crops, rotation,
// dropout and drop-path.
struct RunState {
  std::int64_t step = 0;              // optimiser steps done
  std::int64_t validated_epochs = 0;  // epochs whose validation is done
  std::map<std::string, std::int64_t>
      bad_in_epoch;       // by pool of studies: those that failed since its epoch began
  double loss_scale = 0;  // of float16
  std::int64_t good_steps = 0;
  std::int64_t best_step = -1;  // -1: none yet
  double best_value = 0;        // of the validation's number that says which checkpoint is the best
  // What the run is made of: its configuration (YAML), and digests of its studies with what is known of them
  // and of the model's config.json. Empty in checkpoints of a version that did not keep them.
  std::string config, data_digest, architecture_digest;
  std::map<std::string, PoolProgress> pools;  // likewise; by name
  RunIdentity identity;
};

struct RunCheckpoint {
  std::filesystem::path folder;
  RunState state;
  std::map<std::string, at::Tensor> model, optimizer, average;  // views of the mapped files
};

// checkpoints/step-<10 digits>/ {model.safetensors, optimizer.safetensors, average.safetensors, state.json,
// SHA256SUMS} and checkpoints/best, a link to one of them.
class CheckpointStore {
 public:
  // Removes what a killed process left half written. Throws Error(io).
  CheckpointStore(std::filesystem::path folder, std::int64_t keep);

  // Appears all at once, synced to the disk; then older ones but the best go. `average` may be empty. Throws
  // Error(io), and all that was there is as it was.
  std::filesystem::path write(const RunState& state, const NamedTensors& model, const NamedTensors& optimizer,
                              const NamedTensors& average) const;
  void mark_best(const std::filesystem::path& checkpoint) const;

  // The newest whose sums are right; each one passed over adds a line to `damaged`. Unset where there is none
  // at all. Throws Error(input) if there are some but all are damaged.
  std::optional<RunCheckpoint> newest(Notes& damaged) const;
  std::vector<std::filesystem::path> list() const;  // newest first

 private:
  void remove_old() const;
  std::filesystem::path folder_;
  std::int64_t keep_;
};

// Throws Error(io | input) naming the file: a sum that does not match, a file that is missing or broken.
RunCheckpoint load_run_checkpoint(const std::filesystem::path& folder);

}  // namespace pillar
