#include "pillar/data/prefetch.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

namespace pillar {
namespace {

struct Stopped {};  // ends a load whose result nobody will take

}  // namespace

struct PrefetchOrder::State {
  using Clock = std::chrono::steady_clock;
  struct LoadedItem {
    std::uint64_t bytes;  // its share of the bound
    Clock::time_point since;
  };

  std::int64_t count = 0;
  Load load;
  std::uint64_t memory_bytes = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t to_start = 0;
  std::int64_t to_take = 0;
  std::map<std::int64_t, LoadedItem> loaded;  // not taken yet
  std::uint64_t bytes_in_use = 0;
  bool stopping = false;
  double waited_seconds = 0, held_seconds = 0;
  Clock::time_point last_taken = Clock::now();
  std::vector<std::thread> workers;

  bool has_room(std::int64_t index, std::uint64_t bytes) const {
    return index == to_take || (bytes_in_use <= memory_bytes && bytes <= memory_bytes - bytes_in_use);
  }
};

void MemoryShare::set(std::uint64_t bytes) {
  PrefetchOrder::State& state = *order_.state_;
  std::unique_lock lock(state.mutex);
  state.bytes_in_use -= bytes_;
  const bool grows = bytes > bytes_;
  bytes_ = 0;
  state.changed.notify_all();
  if (grows) {
    state.changed.wait(lock, [&] { return state.stopping || state.has_room(index_, bytes); });
    if (state.stopping) throw Stopped();
  }
  state.bytes_in_use += bytes;
  bytes_ = bytes;
}

PrefetchOrder::PrefetchOrder(std::int64_t count, Load load, const PrefetchOptions& options)
    : state_(std::make_unique<State>()) {
  if (options.threads < 1) fail(ErrorCategory::usage, "cannot load on {} threads", options.threads);
  state_->count = count;
  state_->load = std::move(load);
  state_->memory_bytes = options.memory_bytes;
  const auto work = [this] {
    State& state = *state_;
    std::unique_lock lock(state.mutex);
    while (!state.stopping && state.to_start < state.count) {
      const std::int64_t index = state.to_start++;
      MemoryShare share(*this, index);
      lock.unlock();
      state.load(index, share);
      lock.lock();
      state.loaded.emplace(index, State::LoadedItem{share.bytes_, State::Clock::now()});
      state.changed.notify_all();
    }
  };
  try {
    for (int i = 0; i < std::min<std::int64_t>(options.threads, count); ++i)
      state_->workers.emplace_back(work);
  } catch (const std::system_error& error) {
    if (state_->workers.empty()) fail(ErrorCategory::io, "cannot start a loader thread: {}", error.what());
  }
}

PrefetchOrder::~PrefetchOrder() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

std::optional<std::int64_t> PrefetchOrder::next() {
  const auto start = std::chrono::steady_clock::now();
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (state.to_take >= state.count) return std::nullopt;
  state.changed.wait(lock, [&] { return state.loaded.count(state.to_take) != 0; });
  const auto taken = state.loaded.extract(state.to_take);
  state.bytes_in_use -= taken.mapped().bytes;
  const std::chrono::duration<double> held = start - std::max(taken.mapped().since, state.last_taken);
  state.held_seconds += std::max(held.count(), 0.0);
  ++state.to_take;
  state.changed.notify_all();
  state.last_taken = State::Clock::now();
  state.waited_seconds += std::chrono::duration<double>(state.last_taken - start).count();
  return taken.key();
}

bool PrefetchOrder::wait_for(std::chrono::milliseconds patience) {
  const auto start = std::chrono::steady_clock::now();
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const bool there = state.changed.wait_for(
      lock, patience, [&] { return state.to_take >= state.count || state.loaded.count(state.to_take) != 0; });
  state.waited_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return there;
}

double PrefetchOrder::held_seconds() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->held_seconds;
}

double PrefetchOrder::waited_seconds() const noexcept {
  const std::lock_guard lock(state_->mutex);
  return state_->waited_seconds;
}

}  // namespace pillar
