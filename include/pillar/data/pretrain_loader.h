// Batches for contrastive training: decoded, fitted, assembled ahead of the step that takes them.
#pragma once

#include "pillar/data/epoch_order.h"
#include "pillar/data/pretrain_pool.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct PretrainLoaderOptions {
  BatchShape shape;
  std::uint64_t seed = 0;
  bool train = true;  // shuffled, random depth crop; else the pool's order and centre crop
  std::int64_t first_step = 0;
  std::int64_t end_step = 0;  // one past the last
  int threads = 2;
  std::uint64_t memory_bytes = 4ull << 30;  // of decoded volumes that wait
  std::uint64_t cache_bytes = 0;            // of decoded volumes kept for later epochs
  bool pin = false;                         // page-locked batches, for a copy to the GPU while it works
};

struct MicroBatch {
  std::int64_t index = 0;  // within the step, over all ranks
  std::vector<std::string> names;
  std::vector<std::uint64_t> study_seeds;  // of (seed, epoch, study): draws of augmentation
  at::Tensor voxels_bcdhw;                 // int16, uint16 or float32, as model_input() gives
  at::Tensor text_bw;                      // float32
};

struct BadStudy {
  std::string name, path, fault;
};

struct StepBatch {
  std::int64_t step = 0;
  std::int64_t epoch = 0;                 // of this pool: a small pool starts over sooner
  std::vector<MicroBatch> micro_batches;  // of this rank; without studies that failed
  std::vector<BadStudy> bad;              // of this rank
};

// Steps first_step..end_step-1 of one pool, in order. Steps past an epoch's end go on with the next epoch's
// permutation. What a step holds depends on pool, seed, step and shape alone.
class PretrainLoader {
 public:
  // `pool` must outlive it. Throws Error(usage) for sizes that make no sense.
  PretrainLoader(const PretrainPool& pool, const PretrainLoaderOptions& options);
  ~PretrainLoader();
  PretrainLoader(const PretrainLoader&) = delete;
  PretrainLoader& operator=(const PretrainLoader&) = delete;

  std::optional<StepBatch> next();         // blocks until it is there; unset after the last
  double waited_seconds() const noexcept;  // spent in next(), all calls together
  std::vector<std::string> notes() const;  // of model_input(), each kind once with the number of studies

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
