#include "data/loader/volume_cache.h"

namespace pillar {

std::shared_ptr<const KeptVolume> VolumeCache::find(std::int64_t study) const {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(study);
  return found == kept_.end() ? nullptr : found->second;
}

void VolumeCache::offer(std::int64_t study, std::uint64_t bytes, const std::function<KeptVolume()>& make) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes > left_ || !kept_.emplace(study, nullptr).second) return;
    left_ -= bytes;
  }
  std::shared_ptr<const KeptVolume> made;
  try {
    made = std::make_shared<const KeptVolume>(make());
  } catch (...) {  // no memory after all: the study is loaded each time
    const std::lock_guard lock(mutex_);
    kept_.erase(study);
    left_ += bytes;
    return;
  }
  const std::lock_guard lock(mutex_);
  kept_[study] = std::move(made);
}

std::uint64_t VolumeCache::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

}  // namespace pillar
