// Internal: the interface of libpillar_nccl.so, which is opened at run time where there is a CUDA device: it
// needs the CUDA half of LibTorch, which no program links.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pillar {

struct NcclJob {
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0;
  int size = 1;
  std::chrono::milliseconds timeout{0};
};

}  // namespace pillar

// Throws what LibTorch throws.
extern "C" void pillar_nccl_backend(const pillar::NcclJob& job, c10::intrusive_ptr<c10d::Backend>& backend);
