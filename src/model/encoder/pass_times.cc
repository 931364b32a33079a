#include "model/encoder/pass_times.h"

#include <algorithm>

namespace pillar {

PassTimes::PassTimes(at::Device device, ReadoutTimes* times) : times_(times) {
  if (times_ == nullptr) return;
  clock_.emplace(device);
  clock_->mark();
}

void PassTimes::mark() {
  if (clock_) clock_->mark();
}

void PassTimes::watch(AtlasPass& pass) {
  if (!clock_) return;
  pass.observe = [this, asked = std::move(pass.observe)](const AtlasPlace& place, const at::Tensor& tokens) {
    stages_.push_back(static_cast<std::size_t>(place.stage));
    clock_->mark();
    if (asked) asked(place, tokens);
  };
}

void PassTimes::finish() {
  if (!clock_) return;
  constexpr std::size_t kBeforeStages = 2;
  const std::vector<double> laps = clock_->laps();
  times_->windows_s += laps.at(0);
  times_->stem_s += laps.at(1);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    times_->stages_s.resize(std::max(times_->stages_s.size(), stages_[i] + 1));
    times_->stages_s[stages_[i]] += laps.at(kBeforeStages + i);
  }
  stages_.clear();
}

}  // namespace pillar
