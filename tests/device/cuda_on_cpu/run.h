// Runs a kernel's grid on one thread of a CPU: blocks one after the other, the threads of a block as fibers
// that change at barriers. A kernel whose threads do not all come to a barrier, which would hang a GPU, ends
// the program with a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace cuda_on_cpu {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

// Of the fiber whose turn it is.
struct Here {
  Dim3 thread, block, grid;
};
const Here& here();

// Called by kernels: until all threads of the block are here; a number given to, and taken from, the thread
// of the same warp whose place differs by these bits.
void wait_for_block();
std::uint32_t exchange(std::uint32_t value, int lane_mask);
// The block's dynamic shared memory, which holds rubbish when the block begins.
void* dynamic_shared();

// Calls kernel() once for each thread of each block. Only one grid runs at a time.
void run(Dim3 grid, unsigned threads, std::size_t shared_bytes, const std::function<void()>& kernel);

}  // namespace cuda_on_cpu
