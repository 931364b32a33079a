// Worker threads for jobs that each hold a known amount of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace pillar {

// Tasks start in the order of submission. The bytes of tasks that run or wait stay under `memory_bytes`:
// submit() blocks until there is room (one task larger than the bound runs alone).
class ThreadPool {
 public:
  explicit ThreadPool(int threads, std::uint64_t memory_bytes = UINT64_MAX);
  ~ThreadPool();  // finishes what was submitted
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Not from inside a task: it could wait for room that only it can make. The task must not throw; a batch
  // catches per input. What escapes anyway is rethrown by wait().
  void submit(std::function<void()> task, std::uint64_t bytes = 0);
  void wait();  // until all is done; rethrows the first exception that escaped a task
  int threads() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Number of processors this process may use (its affinity mask), at least 1.
int usable_processors();

// Calls body(i) for i in [0, count) on `threads` threads (1: inline). Rethrows the exception of the lowest i
// that threw.
void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body);

}  // namespace pillar
