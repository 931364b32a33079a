#include "windows/shared/output_memory.h"

#include <ATen/ops/empty.h>
#include <sys/mman.h>

namespace pillar::windows {
namespace {

constexpr std::size_t kLargePage = 2u << 20;
constexpr std::size_t kLargeOutput = 64u << 20;  // smaller ones the allocator keeps and gives out again

}  // namespace

// Where the system has none of these pages, nothing changes.
void advise_large_pages(void* data, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t first = (begin + kLargePage - 1) / kLargePage * kLargePage;
  const std::uintptr_t last = (begin + bytes) / kLargePage * kLargePage;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  static_cast<void>(data);
  static_cast<void>(bytes);
#endif
}

at::Tensor new_output(at::IntArrayRef shape, at::ScalarType dtype) {
  at::Tensor out = at::empty(shape, at::TensorOptions(dtype));
  if (out.nbytes() >= kLargeOutput) advise_large_pages(out.mutable_data_ptr(), out.nbytes());
  return out;
}

}  // namespace pillar::windows
