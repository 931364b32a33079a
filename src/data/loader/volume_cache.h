// Internal: decoded volumes kept in memory for later epochs, first come first kept, never more than a bound.
#pragma once

#include "pillar/data/scan.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pillar {

struct KeptVolume {
  std::optional<Scan> scan;  // to be fitted anew each time
  at::Tensor fitted_cdhw;    // where that would always give the same
  at::Tensor mask_dhw = {};  // uint8, of the scan's volume or fitted as that is; not defined: not annotated
};

// Calls may come from several threads.
class VolumeCache {
 public:
  explicit VolumeCache(std::uint64_t bytes) : left_(bytes) {}

  std::shared_ptr<const KeptVolume> find(std::int64_t study) const;  // nullptr: not kept
  // `make` is called where there is room for `bytes`, the memory that its result holds.
  void offer(std::int64_t study, std::uint64_t bytes, const std::function<KeptVolume()>& make);
  std::uint64_t left() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t left_;
  std::map<std::int64_t, std::shared_ptr<const KeptVolume>> kept_;  // nullptr: being made
};

}  // namespace pillar
