// Maps that are made slice by slice along D and never exist whole.
#pragma once

#include "model/atlas/scale_layout.h"
#include "model/encoder/winograd.h"

#include <memory>

#include <ATen/core/Tensor.h>

namespace pillar {

// A map (depth, height, width, channels) float32 whose slices are asked for in order, each exactly once.
class SliceSource {
 public:
  virtual ~SliceSource() = default;
  // Writes slices [first, last) to `to`, contiguous. `first` is where the last call ended. A long range is
  // worked on a few slices at a time, so that the caches further up stay small.
  void write(std::int64_t first, std::int64_t last, float* to);
  const Size3& size_dhw() const { return size_dhw_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t slice_floats() const { return size_dhw_[1] * size_dhw_[2] * channels_; }

 protected:
  SliceSource(const Size3& size_dhw, std::int64_t channels, std::int64_t slices_at_once)
      : size_dhw_(size_dhw), channels_(channels), slices_at_once_(slices_at_once) {}
  virtual void write_some(std::int64_t first, std::int64_t last, float* to) = 0;

 private:
  Size3 size_dhw_;
  std::int64_t channels_;
  std::int64_t slices_at_once_;
};

// Keeps the last slices of a source, so that convolutions may look at some of them again.
class SliceCache {
 public:
  explicit SliceCache(std::unique_ptr<SliceSource> source) : source_(std::move(source)) {}
  // Everything from what was last released up to at least `last`, as far as the map goes. The source is asked
  // for an even number of slices at a time: where tiles of two begin does not depend on how the caller cuts.
  SliceRows up_to(std::int64_t last);
  void release(std::int64_t before);  // these slices will not be looked at again
  const SliceSource& source() const { return *source_; }

 private:
  std::unique_ptr<SliceSource> source_;
  at::Tensor buffer_;  // flat; slices [first_, last_) from its start
  std::int64_t first_ = 0, last_ = 0;
};

}  // namespace pillar
