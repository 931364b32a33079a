#include "model/encoder/slice_pipeline.h"

#include <algorithm>
#include <cstring>

#include <ATen/ops/empty.h>

namespace pillar {

void SliceSource::write(std::int64_t first, std::int64_t last, float* to) {
  for (; first < last; first += slices_at_once_) {
    const std::int64_t end = std::min(first + slices_at_once_, last);
    write_some(first, end, to);
    to += (end - first) * slice_floats();
  }
}

void SliceCache::release(std::int64_t before) {
  before = std::clamp(before, first_, last_);
  if (before == first_) return;
  float* data = buffer_.mutable_data_ptr<float>();
  const std::int64_t floats = source_->slice_floats();
  std::memmove(data, data + (before - first_) * floats, (last_ - before) * floats * sizeof(float));
  first_ = before;
}

SliceRows SliceCache::up_to(std::int64_t last) {
  const std::int64_t depth = source_->size_dhw()[0], floats = source_->slice_floats();
  last = std::min((last + 1) / 2 * 2, depth);
  if (last > last_) {
    const std::int64_t kept = (last_ - first_) * floats, wanted = (last - first_) * floats;
    if (!buffer_.defined() || buffer_.numel() < wanted) {
      const at::Tensor larger = at::empty({wanted}, at::kFloat);
      if (kept > 0) {
        std::memcpy(larger.mutable_data_ptr<float>(), buffer_.const_data_ptr<float>(), kept * sizeof(float));
      }
      buffer_ = larger;
    }
    source_->write(last_, last, buffer_.mutable_data_ptr<float>() + kept);
    last_ = last;
  }
  return {buffer_.const_data_ptr<float>(), first_, last_, depth};
}

}  // namespace pillar
