// Before a batch of embeddings begins: does it fit into memory?
#pragma once

#include "pillar/model/preprocess_spec.h"

#include <cstdint>

namespace pillar {

struct EmbedMemory {
  std::uint64_t model_bytes = 0;      // Encoder::estimated_bytes of the batch, weights included
  std::uint64_t available_bytes = 0;  // available_memory_bytes(), before the weights were read
  int batch_size = 1;
  int jobs = 1;                // loader threads
  std::int64_t processes = 1;  // that embed on this host and share what is available
  int batches = 1;             // batches_at_once()
};

// Bytes for scans that load or wait: enough to keep the threads busy, at most half of what is left. Throws
// Error(io) with the figures and what to change where not even one scan would fit beside the model.
std::uint64_t plan_loader_bytes(const PreprocessSpec& spec, const EmbedMemory& memory);

}  // namespace pillar
