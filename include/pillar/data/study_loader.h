// Batches of scans for any training: decoded, fitted, assembled ahead of the step that takes them.
#pragma once

#include "pillar/data/epoch_order.h"
#include "pillar/data/note_kind.h"
#include "pillar/data/study_pool.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct StudyLoaderOptions {
  BatchShape shape;
  std::uint64_t seed = 0;
  bool train = true;      // shuffled, random depth crop; else the pool's order and centre crop
  EpochStart start = {};  // at or before first_step
  std::int64_t first_step = 0;
  std::int64_t end_step = 0;  // one past the last
  int threads = 2;            // each decodes a study of its own
  // Of studies that load or wait for their step; what next() has taken is the caller's.
  std::uint64_t memory_bytes = 4ull << 30;
  // Of decoded volumes kept for later epochs: the first that fit are kept, and never decoded again. Whole
  // where a training crop along D may change, else as the model sees them.
  std::uint64_t cache_bytes = 0;
  // How long next() waits for one study before it throws.
  std::chrono::milliseconds patience = std::chrono::minutes(30);
  bool pin = false;  // page-locked batches, for a copy to the GPU while it works
};

struct MicroBatch {
  std::int64_t index = 0;             // within the step, over all ranks
  std::vector<std::int64_t> studies;  // indices in the pool: the caller joins texts or labels by them
  std::vector<std::string> names;
  std::vector<std::uint64_t> study_seeds;  // of (seed, epoch, study): draws of augmentation
  at::Tensor voxels_bcdhw;                 // as model_input() gives; float32 where its studies' types differ
  // (B,D,H,W) uint8 of 0 and 1, voxel by voxel as the scans; 0 in padding and for studies without annotation.
  // Not defined where none of them has one.
  at::Tensor masks_bdhw;
  std::vector<bool> annotated;  // of each study
};

struct BadStudy {
  std::string name, path, fault;
};

struct StepBatch {
  std::int64_t step = 0;
  std::int64_t epoch = 0;  // of this pool: a small pool starts over sooner
  // Of this rank, without studies that failed, and without micro-batches that have none left.
  std::vector<MicroBatch> micro_batches;
  std::vector<BadStudy> bad;  // of this rank, in order
};

// Steps first_step..end_step-1 of one pool, in order. Steps past an epoch's end go on with the next epoch's
// permutation, or draw where the pool has weights and `train` is on. What a step holds depends on pool, seed,
// step and shape alone: seeds of a study are mix_seed({seed, epoch, its index in the pool}), and with weights
// also of its position in the epoch, so that a study drawn twice is augmented in two ways. next(),
// waited_seconds() and notes() belong to one thread.
class StudyLoader {
 public:
  // Throws Error(usage) for sizes and weights that make no sense, and for `pin` without a CUDA device.
  StudyLoader(const StudyPool& pool, const StudyLoaderOptions& options);
  ~StudyLoader();
  StudyLoader(const StudyLoader&) = delete;
  StudyLoader& operator=(const StudyLoader&) = delete;

  // Blocks until it is there; unset after the last. A study that cannot be loaded, its annotation included,
  // is in `bad`: nothing is thrown for it, and it is tried again in the next epoch. Throws Error(io) naming a
  // study that is still being read after `patience`, as where a network's disk does not answer: the thread
  // that hangs in it is left alone until the process ends.
  std::optional<StepBatch> next();
  double waited_seconds() const noexcept;  // spent in next(), all calls together
  // Where a run that goes on with this step stands, for another loader of the same pool.
  EpochStart start_at(std::int64_t step) const;
  // What was said of the studies while they were loaded, each kind once: by open_scan() and model_input().
  std::vector<NoteKind> notes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
