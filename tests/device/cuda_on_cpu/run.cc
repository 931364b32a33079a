#include "run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace cuda_on_cpu {
namespace {

constexpr unsigned kLanes = 32;
constexpr std::size_t kStackBytes = 128 << 10;

enum class At { start, warp_barrier, block_barrier, end };

struct Fiber {
  ucontext_t context = {};
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(kStackBytes);
  At at = At::start;
  bool may_run = true;
  // What it gives to its warp; two of them, since a fast lane gives the next before a slow one has taken
  // this.
  std::uint32_t given[2] = {};
  unsigned exchanges = 0;
};

struct Block {
  Here here;
  ucontext_t scheduler = {};
  std::vector<Fiber> fibers;
  Fiber* current = nullptr;
  std::vector<std::byte> shared;
  const std::function<void()>* kernel = nullptr;
#if defined(__SANITIZE_ADDRESS__)
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_stack_bytes = 0;
#endif
};

Block* running = nullptr;

// AddressSanitizer has to be told which stack comes next.
void switch_to_scheduler() {
  Fiber& own = *running->current;
#if defined(__SANITIZE_ADDRESS__)
  void* kept = nullptr;
  __sanitizer_start_switch_fiber(own.at == At::end ? nullptr : &kept, running->scheduler_stack,
                                 running->scheduler_stack_bytes);
#endif
  swapcontext(&own.context, &running->scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(kept, nullptr, nullptr);
#endif
}

void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &running->scheduler_stack, &running->scheduler_stack_bytes);
#endif
  (*running->kernel)();
  running->current->at = At::end;
  switch_to_scheduler();
}

void give_turn(Fiber& fiber) {
  running->current = &fiber;
  fiber.may_run = false;
#if defined(__SANITIZE_ADDRESS__)
  void* kept = nullptr;
  __sanitizer_start_switch_fiber(&kept, fiber.stack.get(), kStackBytes);
#endif
  swapcontext(&running->scheduler, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(kept, nullptr, nullptr);
#endif
}

void wait(At place) {
  running->current->at = place;
  switch_to_scheduler();
}

// Lets the fibers [first, last) go on if all of them wait at `place`.
bool release(std::size_t first, std::size_t last, At place) {
  std::vector<Fiber>& fibers = running->fibers;
  for (std::size_t i = first; i < last; ++i) {
    if (fibers[i].at != place || fibers[i].may_run) return false;
  }
  for (std::size_t i = first; i < last; ++i) fibers[i].may_run = true;
  return true;
}

bool all_ended() {
  for (const Fiber& fiber : running->fibers) {
    if (fiber.at != At::end) return false;
  }
  return true;
}

void run_block() {
  std::vector<Fiber>& fibers = running->fibers;
  while (!all_ended()) {
    for (std::size_t i = 0; i < fibers.size(); ++i) {
      running->here.thread.x = static_cast<unsigned>(i);
      if (fibers[i].may_run) give_turn(fibers[i]);
    }
    bool released = release(0, fibers.size(), At::block_barrier);
    for (std::size_t first = 0; first < fibers.size(); first += kLanes)
      released |= release(first, std::min<std::size_t>(first + kLanes, fibers.size()), At::warp_barrier);
    if (released || all_ended()) continue;
    std::fprintf(stderr, "cuda_on_cpu: threads of block %u wait at a barrier that others do not come to\n",
                 running->here.block.x);
    std::abort();
  }
}

void start(Fiber& fiber) {
  fiber.at = At::start;
  fiber.may_run = true;
  fiber.exchanges = 0;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
}

}  // namespace

const Here& here() {
  return running->here;
}

void wait_for_block() {
  wait(At::block_barrier);
}

std::uint32_t exchange(std::uint32_t value, int lane_mask) {
  Fiber& own = *running->current;
  const unsigned which = own.exchanges++ % 2;
  own.given[which] = value;
  wait(At::warp_barrier);
  const auto place = static_cast<std::size_t>(running->current - running->fibers.data());
  return running->fibers[place ^ static_cast<std::size_t>(lane_mask)].given[which];
}

void* dynamic_shared() {
  return running->shared.data();
}

void run(Dim3 grid, unsigned threads, std::size_t shared_bytes, const std::function<void()>& kernel) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  Block block;
  block.here.grid = grid;
  block.fibers = std::vector<Fiber>(threads);
  block.shared.resize(shared_bytes);
  block.kernel = &kernel;
  running = &block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        block.here.block = {x, y, z};
        std::fill(block.shared.begin(), block.shared.end(), std::byte{0xfb});
        for (Fiber& fiber : block.fibers) start(fiber);
        run_block();
      }
    }
  }
  running = nullptr;
}

}  // namespace cuda_on_cpu
