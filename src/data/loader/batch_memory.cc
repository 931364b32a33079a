#include "data/loader/batch_memory.h"

#include "windows/shared/output_memory.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

namespace pillar {
namespace {

constexpr std::size_t kMostKept = 2;  // a loader fills one micro-batch while another is used

}  // namespace

at::Tensor BatchMemory::block_of(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(free_.rbegin(), free_.rend(),
                                    [&](const at::Tensor& block) { return block.nbytes() == bytes; });
    if (found != free_.rend()) {
      at::Tensor block = *found;
      free_.erase(std::next(found).base());
      return block;
    }
  }
  at::Tensor block = at::empty({static_cast<std::int64_t>(bytes)}, at::kByte);
  windows::advise_large_pages(block.mutable_data_ptr(), bytes);
  return block;
}

void BatchMemory::give_back(at::Tensor block) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(block));
  if (free_.size() > kMostKept) free_.erase(free_.begin());
}

at::Tensor BatchMemory::take(at::IntArrayRef shape, at::ScalarType dtype) {
  const at::Tensor block =
      block_of(static_cast<std::size_t>(c10::multiply_integers(shape)) * c10::elementSize(dtype));
  const auto release = [block, pool = weak_from_this()](void*) {
    if (const auto alive = pool.lock()) alive->give_back(block);
  };
  return at::from_blob(block.mutable_data_ptr(), shape, release, at::TensorOptions(dtype));
}

std::size_t BatchMemory::kept() const {
  const std::lock_guard lock(mutex_);
  return free_.size();
}

}  // namespace pillar
