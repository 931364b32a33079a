#include "pillar/core/thread_pool.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <sched.h>

namespace pillar {

struct ThreadPool::State {
  struct Task {
    std::function<void()> work;
    std::uint64_t bytes = 0;
  };

  std::uint64_t memory_bytes = 0;
  std::mutex mutex;
  std::condition_variable work_ready, room_made;
  std::deque<Task> queue;
  std::size_t unfinished = 0;      // tasks that wait or run
  std::uint64_t bytes_in_use = 0;  // of those tasks
  std::uint64_t next_ticket = 0;   // submissions that wait for room are served in the order they came
  std::uint64_t serving = 0;
  bool closing = false;
  std::exception_ptr first_error;
  std::vector<std::thread> workers;

  bool has_room(std::uint64_t bytes) const {
    return unfinished == 0 || (bytes_in_use <= memory_bytes && bytes <= memory_bytes - bytes_in_use);
  }

  void finish_one(std::uint64_t bytes, std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    if (error && !first_error) first_error = std::move(error);
    bytes_in_use -= bytes;
    --unfinished;
    room_made.notify_all();
  }

  void work() {
    while (true) {
      Task task;
      {
        std::unique_lock lock(mutex);
        work_ready.wait(lock, [this] { return closing || !queue.empty(); });
        if (queue.empty()) return;
        task = std::move(queue.front());
        queue.pop_front();
      }
      std::exception_ptr error;
      try {
        task.work();
      } catch (...) {
        error = std::current_exception();
      }
      task.work = nullptr;  // what it captured must be gone before its bytes are given to another
      finish_one(task.bytes, std::move(error));
    }
  }

  void close() {
    {
      const std::lock_guard lock(mutex);
      closing = true;
    }
    work_ready.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

ThreadPool::ThreadPool(int threads, std::uint64_t memory_bytes) : state_(std::make_unique<State>()) {
  if (threads < 1) fail(ErrorCategory::usage, "a thread pool needs at least one thread, not {}", threads);
  state_->memory_bytes = memory_bytes;
  try {
    for (int i = 0; i < threads; ++i) state_->workers.emplace_back([state = state_.get()] { state->work(); });
  } catch (const std::system_error& error) {
    state_->close();
    fail(ErrorCategory::io, "cannot start {} threads: {}", threads, error.what());
  }
}

ThreadPool::~ThreadPool() {
  state_->close();
}

void ThreadPool::submit(std::function<void()> task, std::uint64_t bytes) {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t ticket = state_->next_ticket++;
  state_->room_made.wait(lock, [&] { return state_->serving == ticket && state_->has_room(bytes); });
  ++state_->serving;
  state_->bytes_in_use += bytes;
  ++state_->unfinished;
  state_->queue.push_back({std::move(task), bytes});
  state_->work_ready.notify_one();
  state_->room_made.notify_all();  // the next in line may fit too
}

void ThreadPool::wait() {
  std::unique_lock lock(state_->mutex);
  state_->room_made.wait(lock, [this] { return state_->unfinished == 0; });
  if (state_->first_error) std::rethrow_exception(std::exchange(state_->first_error, nullptr));
}

int ThreadPool::threads() const noexcept {
  return static_cast<int>(state_->workers.size());
}

int usable_processors() {
  // The mask of the kernel may be wider than cpu_set_t's 1024 processors: then the call says EINVAL.
  for (int processors = 1024; processors <= 1 << 20; processors *= 4) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(processors),
                                                               [](cpu_set_t* mask) { CPU_FREE(mask); });
    const std::size_t size = CPU_ALLOC_SIZE(processors);
    CPU_ZERO_S(size, set.get());
    if (::sched_getaffinity(0, size, set.get()) == 0) return std::max(CPU_COUNT_S(size, set.get()), 1);
  }
  return 1;
}

void parallel_for(std::int64_t count, int threads, const std::function<void(std::int64_t)>& body) {
  if (threads < 1) fail(ErrorCategory::usage, "cannot run on {} threads", threads);
  if (threads == 1 || count <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::int64_t failed_at = count;
  std::exception_ptr error;
  auto run = [&] {
    for (std::int64_t i = next++; i < count; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        next = count;  // indices are handed out in order, so every lower one has been started already
        if (i < failed_at) {
          failed_at = i;
          error = std::current_exception();
        }
      }
    }
  };
  {
    ThreadPool pool(static_cast<int>(std::min<std::int64_t>(threads, count)));
    for (int i = 0; i < pool.threads(); ++i) pool.submit(run);
    pool.wait();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace pillar
