#include "data/loader/micro_assembly.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cstring>

#include <ATen/ops/empty.h>

namespace pillar {

MicroAssembly::MicroAssembly(std::size_t slots, const SizeDhw& size_dhw, std::shared_ptr<BatchMemory> memory)
    : size_dhw_(size_dhw), memory_(std::move(memory)), beside_(slots), masked_(slots) {}

at::Tensor MicroAssembly::new_tensor(at::IntArrayRef shape, at::ScalarType dtype) const {
  if (!memory_) return at::empty(shape, at::TensorOptions(dtype).pinned_memory(true));
  return memory_->take(shape, dtype);
}

at::Tensor MicroAssembly::new_batch(std::size_t slots, at::ScalarType dtype) const {
  return new_tensor({static_cast<std::int64_t>(slots), 1, size_dhw_[0], size_dhw_[1], size_dhw_[2]}, dtype);
}

std::uint64_t MicroAssembly::study_bytes(at::ScalarType dtype) const {
  return static_cast<std::uint64_t>(size_dhw_[0] * size_dhw_[1] * size_dhw_[2]) * c10::elementSize(dtype);
}

std::uint8_t* MicroAssembly::slot_data(const at::Tensor& batch, std::size_t slot) const {
  return static_cast<std::uint8_t*>(batch.mutable_data_ptr()) + slot * study_bytes(batch.scalar_type());
}

const void* MicroAssembly::write(std::size_t slot, const FittedInput& input) {
  {
    const std::lock_guard lock(mutex_);
    if (!batch_.defined()) batch_ = new_batch(beside_.size(), input.dtype);
  }
  void* to = nullptr;
  if (input.dtype == batch_.scalar_type()) {
    to = slot_data(batch_, slot);
  } else {
    beside_[slot] = at::empty({size_dhw_[0], size_dhw_[1], size_dhw_[2]}, input.dtype);
    to = beside_[slot].mutable_data_ptr();
  }
  input.write(to);
  return to;
}

std::uint8_t* MicroAssembly::mask(std::size_t slot) {
  {
    const std::lock_guard lock(mutex_);
    if (!masks_.defined())
      masks_ = new_tensor(
          {static_cast<std::int64_t>(masked_.size()), size_dhw_[0], size_dhw_[1], size_dhw_[2]}, at::kByte);
  }
  masked_[slot] = 1;
  return slot_data(masks_, slot);
}

at::Tensor MicroAssembly::gathered(const std::vector<std::size_t>& slots, at::ScalarType dtype) const {
  at::Tensor batch = new_batch(slots.size(), dtype);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const at::Tensor& beside = beside_[slots[i]];
    const at::Tensor from = beside.defined() ? beside : batch_[static_cast<std::int64_t>(slots[i])][0];
    batch[static_cast<std::int64_t>(i)][0].copy_(from);
  }
  return batch;
}

at::Tensor MicroAssembly::finish(const std::vector<std::size_t>& slots) {
  if (slots.empty()) return {};
  const auto dtype_of = [&](std::size_t slot) {
    return (beside_[slot].defined() ? beside_[slot] : batch_).scalar_type();
  };
  at::ScalarType dtype = dtype_of(slots.front());
  for (const std::size_t slot : slots) {
    if (dtype_of(slot) != dtype) dtype = at::kFloat;
  }
  // Which type the batch began with is a matter of timing; what comes out must not be.
  const bool all_in_batch =
      std::none_of(slots.begin(), slots.end(), [&](std::size_t slot) { return beside_[slot].defined(); });
  if (!all_in_batch || dtype != batch_.scalar_type()) return gathered(slots, dtype);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] != i) std::memcpy(slot_data(batch_, i), slot_data(batch_, slots[i]), study_bytes(dtype));
  }
  return batch_.narrow(0, 0, static_cast<std::int64_t>(slots.size()));
}

at::Tensor MicroAssembly::finish_masks(const std::vector<std::size_t>& slots) {
  if (std::none_of(slots.begin(), slots.end(), [&](std::size_t slot) { return masked_[slot] != 0; }))
    return {};
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::uint8_t* to = slot_data(masks_, i);
    if (masked_[slots[i]] == 0) {
      std::fill_n(to, study_bytes(at::kByte), std::uint8_t{0});
    } else if (slots[i] != i) {
      std::memcpy(to, slot_data(masks_, slots[i]), study_bytes(at::kByte));
    }
  }
  return masks_.narrow(0, 0, static_cast<std::int64_t>(slots.size()));
}

}  // namespace pillar
