// Internal: a micro-batch whose studies are written side by side by several threads.
#pragma once

#include "pillar/image/volume.h"

#include "data/loader/batch_memory.h"
#include "data/scan/fitted_input.h"

#include <mutex>

namespace pillar {

class MicroAssembly {
 public:
  // `memory`: where the batch's comes from; none: page-locked memory, for a device.
  MicroAssembly(std::size_t slots, const SizeDhw& size_dhw, std::shared_ptr<BatchMemory> memory);

  // Different slots from different threads. Straight into the batch, which has the type of the study that
  // came first; what has another type waits beside it. Returns where the voxels (D,H,W) are.
  const void* write(std::size_t slot, const FittedInput& input);

  // (n,1,D,H,W) of the slots given, in ascending order, once all that write have returned: of the type they
  // share, else float32. Not defined for no slots.
  at::Tensor finish(const std::vector<std::size_t>& slots);

 private:
  at::Tensor new_batch(std::size_t slots, at::ScalarType dtype) const;
  std::uint8_t* slot_data(const at::Tensor& batch, std::size_t slot) const;
  std::uint64_t study_bytes(at::ScalarType dtype) const;
  at::Tensor gathered(const std::vector<std::size_t>& slots, at::ScalarType dtype) const;

  SizeDhw size_dhw_;
  std::shared_ptr<BatchMemory> memory_;
  std::mutex mutex_;  // of batch_ until it is defined
  at::Tensor batch_;
  std::vector<at::Tensor> beside_;  // of slots whose type is not the batch's
};

}  // namespace pillar
