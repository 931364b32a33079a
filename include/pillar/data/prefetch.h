// Loading ahead of whoever consumes: in order, on several threads, under a memory bound.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace pillar {

struct PrefetchOptions {
  int threads = 1;
  std::uint64_t memory_bytes = UINT64_MAX;  // of all items that load or wait to be taken
};

// What one item holds of the bound, for the load function to say as it learns it.
class MemoryShare {
 public:
  // Blocks until there is room; the item that the consumer waits for gets its share at once, whatever the
  // bound.
  void set(std::uint64_t bytes);

 private:
  friend class PrefetchOrder;
  MemoryShare(class PrefetchOrder& order, std::int64_t index) : order_(order), index_(index) {}
  class PrefetchOrder& order_;
  std::int64_t index_;
  std::uint64_t bytes_ = 0;
};

// The threads and the order, without the items.
class PrefetchOrder {
 public:
  using Load = std::function<void(std::int64_t index, MemoryShare& share)>;  // must not throw
  PrefetchOrder(std::int64_t count, Load load, const PrefetchOptions& options);
  ~PrefetchOrder();  // what has not begun never will; waits for what has
  PrefetchOrder(const PrefetchOrder&) = delete;
  PrefetchOrder& operator=(const PrefetchOrder&) = delete;
  std::optional<std::int64_t>
  next();  // blocks until that item is loaded, and gives its share back; unset after the last
  // Whether next() would not block; waits for that no longer than this.
  bool wait_for(std::chrono::milliseconds patience);
  double waited_seconds() const noexcept;  // time spent in next() and wait_for()
  double held_seconds() const noexcept;    // time that the item to be taken next was loaded and not asked for

 private:
  friend class MemoryShare;
  struct State;
  std::unique_ptr<State> state_;
};

template <typename T>
struct Prefetched {
  std::int64_t index = 0;
  std::optional<T> value;    // unset where loading failed
  std::exception_ptr error;  // why
};

// Prefetch<at::Tensor> prefetch(paths.size(), [&](std::int64_t i, MemoryShare& share) { ... return tensor; },
// options); while (auto item = prefetch.next()) ...
template <typename T>
class Prefetch {
 public:
  template <typename Load>
  Prefetch(std::int64_t count, Load load, const PrefetchOptions& options)
      : order_(
            count,
            [this, load = std::move(load)](std::int64_t index, MemoryShare& share) {
              Prefetched<T> item{index, std::nullopt, nullptr};
              try {
                item.value = load(index, share);
              } catch (...) {
                item.error = std::current_exception();
              }
              const std::lock_guard lock(mutex_);
              loaded_.emplace(index, std::move(item));
            },
            options) {}

  std::optional<Prefetched<T>> next() {
    const std::optional<std::int64_t> index = order_.next();
    if (!index) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return std::move(loaded_.extract(*index).mapped());
  }
  bool wait_for(std::chrono::milliseconds patience) { return order_.wait_for(patience); }
  double waited_seconds() const noexcept { return order_.waited_seconds(); }
  double held_seconds() const noexcept { return order_.held_seconds(); }

 private:
  std::mutex mutex_;
  std::map<std::int64_t, Prefetched<T>> loaded_;
  PrefetchOrder order_;  // last, so that its threads end before what they write to
};

}  // namespace pillar
