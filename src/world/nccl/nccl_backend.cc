#include "world/shared/nccl_abi.h"

#include <cstdlib>

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

extern "C" void pillar_nccl_backend(const pillar::NcclJob& job, c10::intrusive_ptr<c10d::Backend>& backend) {
  // Liveness ends a process whose peers are gone, with their names; NCCL's own watchdog would be faster, end
  // it with a stack trace, and name nobody. The variable still goes before.
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = job.timeout;
  backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(job.store, job.rank, job.size, options);
}
