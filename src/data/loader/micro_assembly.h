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

  // Of a slot whose study is annotated: where its mask (D,H,W) is to be written, uint8.
  std::uint8_t* mask(std::size_t slot);

  // (n,1,D,H,W) of the slots given, in ascending order, once all that write have returned: of the type they
  // share, else float32. Not defined for no slots.
  at::Tensor finish(const std::vector<std::size_t>& slots);
  // (n,D,H,W) uint8, likewise; 0 where the study is not annotated. Not defined where none of them is.
  at::Tensor finish_masks(const std::vector<std::size_t>& slots);

 private:
  at::Tensor new_tensor(at::IntArrayRef shape, at::ScalarType dtype) const;
  at::Tensor new_batch(std::size_t slots, at::ScalarType dtype) const;
  std::uint8_t* slot_data(const at::Tensor& batch, std::size_t slot) const;
  std::uint64_t study_bytes(at::ScalarType dtype) const;
  at::Tensor gathered(const std::vector<std::size_t>& slots, at::ScalarType dtype) const;

  SizeDhw size_dhw_;
  std::shared_ptr<BatchMemory> memory_;
  std::mutex mutex_;  // of batch_ and masks_ until they are defined
  at::Tensor batch_;
  std::vector<at::Tensor> beside_;  // of slots whose type is not the batch's
  at::Tensor masks_;                // of all slots, once one is annotated
  std::vector<char> masked_;        // whether a slot is; no bits, which threads would share
};

}  // namespace pillar
