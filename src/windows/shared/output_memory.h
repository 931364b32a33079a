// Internal: where windows are written to.
#pragma once

#include <ATen/core/Tensor.h>

namespace pillar::windows {

// A new tensor, contiguous, not initialized. Large ones ask the system for large pages: fetching memory in
// pieces of 4 KB takes several times as long as filling it with windows.
at::Tensor new_output(at::IntArrayRef shape, at::ScalarType dtype);

// Large pages for memory that is about to be written for the first time. Only advice.
void advise_large_pages(void* data, std::size_t bytes);

}  // namespace pillar::windows
