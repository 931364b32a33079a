// Memory that ran out, on a GPU or of the process, told so that a user knows what to lower.
#pragma once

#include "pillar/core/error.h"

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

namespace pillar {

// Whether it says so: std::bad_alloc, LibTorch's c10::OutOfMemoryError, its CPU allocator's fault, and what
// CUDA, cuBLAS and cuDNN say where they get none.
bool is_out_of_memory(const std::exception& error);

// Whether nothing that follows can succeed: memory ran out, or a GPU is in a state of error, which stays for
// the life of the process. A batch of many inputs ends with it instead of failing them one by one.
bool ends_all_work(const std::exception& error);

// The message in one line, without the stack that LibTorch's errors go on with.
std::string fault_in_words(const std::exception& error);

struct MemoryAdvice {
  std::string work;                // "embedding 4 volumes at a time"
  std::uint64_t needed_bytes = 0;  // our estimate; 0: there is none
  std::string lower;               // "a smaller --batch-size needs less"
};

// Runs `work`. Where memory runs out in it, throws Error(io) that says what is needed and what to lower, and
// in the end what LibTorch says; where a GPU failed otherwise, Error(io) naming `advice.work`. Other
// exceptions pass.
void with_memory_advice(const MemoryAdvice& advice, const std::function<void()>& work);

}  // namespace pillar
