#include "pillar/device/memory_fault.h"

#include "pillar/core/fail.h"

#include "core/shared/first_line.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include <c10/util/Exception.h>
#include <fmt/format.h>

namespace pillar {
namespace {

// Of LibTorch's faults that have no type of their own: its CPU allocator's, CUDA's outside of the caching
// allocator (a context, page-locked memory), and those of cuBLAS and cuDNN.
constexpr std::array<std::string_view, 4> kMemoryWords = {"can't allocate memory", "out of memory",
                                                          "STATUS_ALLOC_FAILED", "ALLOCATION_FAILED"};

// What c10's message goes on with: figures of its allocator and advice for Python programs.
constexpr std::array<std::string_view, 3> kMoreWords = {" Including non-PyTorch memory", " Process ",
                                                        " Of the allocated memory"};

bool has_memory_words(std::string_view text) {
  return std::any_of(kMemoryWords.begin(), kMemoryWords.end(),
                     [&](std::string_view words) { return text.find(words) != std::string_view::npos; });
}

std::string message_of(const MemoryAdvice& advice, const std::exception& error) {
  std::string text = fmt::format("out of memory while {}", advice.work);
  if (advice.needed_bytes > 0)
    text += fmt::format(", which needs about {:.1f} GB", static_cast<double>(advice.needed_bytes) / 1e9);
  if (!advice.lower.empty()) text += fmt::format(": {}", advice.lower);
  return text + fmt::format(" ({})", fault_in_words(error));
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  return of_torch != nullptr && has_memory_words(first_line(of_torch->msg()));
}

bool ends_all_work(const std::exception& error) {
  return is_out_of_memory(error) || dynamic_cast<const c10::AcceleratorError*>(&error) != nullptr;
}

std::string fault_in_words(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "the system gives the process no more";
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  std::string text = first_line(of_torch == nullptr ? std::string_view(error.what()) : of_torch->msg());
  if (!is_out_of_memory(error)) return text;
  for (const std::string_view more : kMoreWords) text.resize(std::min(text.find(more), text.size()));
  return text;
}

void with_memory_advice(const MemoryAdvice& advice, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) fail(ErrorCategory::io, "{}", message_of(advice, error));
    if (!ends_all_work(error)) throw;
    fail(ErrorCategory::io, "the GPU failed while {}: {}", advice.work, fault_in_words(error));
  }
}

}  // namespace pillar
