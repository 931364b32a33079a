// The allocators of a device's memory and of page-locked memory.
#include "blocks.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <ATen/core/CachingHostAllocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

namespace gpu_on_cpu {
namespace {

// By their first address.
std::map<std::uintptr_t, std::unique_ptr<Block>>& blocks() {
  static auto* all = new std::map<std::uintptr_t, std::unique_ptr<Block>>;
  return *all;
}

std::map<std::uintptr_t, std::size_t>& page_locked() {
  static auto* all = new std::map<std::uintptr_t, std::size_t>;
  return *all;
}

struct Usage {
  std::int64_t bytes = 0, peak = 0;
};

std::map<c10::DeviceIndex, Usage>& usage() {
  static auto* all = new std::map<c10::DeviceIndex, Usage>;
  return *all;
}

std::int64_t bytes_of_device() {
  static const char* text = std::getenv("FAKE_CUDA_MEMORY");
  return text == nullptr ? std::int64_t{16'000'000'000} : std::stoll(text);
}

std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

// The entry whose range the address lies in.
template <typename Map, typename Bytes>
typename Map::iterator entry_of(Map& map, const void* address, const Bytes& bytes_of) {
  auto next = map.upper_bound(number(address));
  if (next == map.begin()) return map.end();
  --next;
  return number(address) < next->first + bytes_of(next->second) ? next : map.end();
}

// Whoever frees memory on which another queue still works, without Tensor::record_stream(), has it given to
// the next one too early.
void free_block(void* address) {
  const std::lock_guard lock(machine_mutex());
  const auto found = blocks().find(number(address));
  std::unique_ptr<Block> block = std::move(found->second);
  for (const auto* steps : {&block->written, &block->read}) {
    std::map<Queue, Time> others = *steps;
    for (const Queue& queue : block->recorded) others.erase(queue);
    if (!was_waited_for(others, block->made_in)) {
      std::fprintf(stderr, "gpu_on_cpu: memory of queue %d was freed while another queue works on it\n",
                   static_cast<int>(block->made_in.id));
      std::abort();
    }
    finish(*steps);
  }
  if (is_recording()) {
    keep_for_recording(std::move(block->cpu));  // and it counts as used
  } else {
    usage()[block->made_in.device].bytes -= static_cast<std::int64_t>(block->bytes);
  }
  blocks().erase(found);
}

class Memory final : public c10::DeviceAllocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::DeviceIndex device = current_device();
    if (bytes == 0) return {nullptr, c10::Device(c10::kCUDA, device)};
    check_room(bytes, device);
    c10::DataPtr cpu = c10::GetCPUAllocator()->allocate(bytes);
    std::memset(cpu.get(), 0xff, bytes);  // NaN of every type
    return memory_of_device(std::move(cpu), bytes, device);
  }
  c10::DeleterFnPtr raw_deleter() const override { return free_block; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(to, from, count);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr& memory, c10::Stream stream) override {
    record_use(memory.get(), {stream.device_index(), stream.id()});
  }
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    const std::lock_guard lock(machine_mutex());
    c10::CachingDeviceAllocator::DeviceStats stats;
    stats.allocated_bytes[0].current = usage()[device].bytes;
    stats.allocated_bytes[0].peak = usage()[device].peak;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex device) override {
    const std::lock_guard lock(machine_mutex());
    usage()[device].peak = usage()[device].bytes;
  }
  std::pair<std::size_t, std::size_t> getMemoryInfo(c10::DeviceIndex device) override {
    const std::lock_guard lock(machine_mutex());
    const auto all = static_cast<std::size_t>(bytes_of_device());
    return {all - static_cast<std::size_t>(usage()[device].bytes), all};
  }
};

void free_page_locked(void* address) {
  const std::lock_guard lock(machine_mutex());
  page_locked().erase(number(address));
  std::free(address);
}

class PageLockedMemory final : public at::HostAllocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    constexpr std::size_t kPage = 4096;
    void* address = nullptr;
    if (bytes == 0) return {nullptr, c10::kCPU};
    if (posix_memalign(&address, kPage, bytes) != 0) throw std::bad_alloc();
    const std::lock_guard lock(machine_mutex());
    page_locked()[number(address)] = bytes;
    return {address, address, free_page_locked, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return free_page_locked; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(to, from, count);
  }
  bool record_event(void*, void*, c10::Stream) override { return true; }
  void empty_cache() override {}
  at::HostStats get_stats() override { return {}; }
  void reset_accumulated_stats() override {}
  void reset_peak_stats() override {}
};

Memory memory;
PageLockedMemory page_locked_memory;
REGISTER_ALLOCATOR(c10::kCUDA, &memory)
REGISTER_HOST_ALLOCATOR(at::kCUDA, &page_locked_memory)

}  // namespace

c10::DataPtr memory_of_device(c10::DataPtr cpu, std::size_t bytes, c10::DeviceIndex device) {
  check_room(bytes, device);
  const std::lock_guard lock(machine_mutex());
  Usage& used = usage()[device];
  used.bytes += static_cast<std::int64_t>(bytes);
  used.peak = std::max(used.peak, used.bytes);
  void* address = cpu.get();
  auto block = std::make_unique<Block>();
  block->cpu = std::move(cpu);
  block->bytes = bytes;
  block->made_in = current_queue(device);
  blocks()[number(address)] = std::move(block);
  return {address, address, free_block, c10::Device(c10::kCUDA, device)};
}

void check_room(std::size_t bytes, c10::DeviceIndex device) {
  const std::lock_guard lock(machine_mutex());
  const std::int64_t left = bytes_of_device() - usage()[device].bytes;
  TORCH_CHECK_WITH(OutOfMemoryError, static_cast<std::int64_t>(bytes) <= left,
                   "CUDA out of memory. Tried to allocate ", bytes, " bytes. GPU ", static_cast<int>(device),
                   " has a total capacity of ", bytes_of_device(), " bytes of which ", left,
                   " bytes is free. Of the allocated memory all is allocated by PyTorch");
}

Block& block_of(const void* address, c10::DeviceIndex device) {
  const auto found = entry_of(blocks(), address, [](const auto& block) { return block->bytes; });
  TORCH_CHECK(found != blocks().end() && found->second->made_in.device == device,
              "gpu_on_cpu: cuda:", static_cast<int>(device),
              " is given an address that is none of its memory");
  return *found->second;
}

bool is_page_locked(const void* address) {
  const std::lock_guard lock(machine_mutex());
  return entry_of(page_locked(), address, [](std::size_t bytes) { return bytes; }) != page_locked().end();
}

void record_use(const void* address, const Queue& queue) {
  const std::lock_guard lock(machine_mutex());
  if (address != nullptr) block_of(address, queue.device).recorded.insert(queue);
}

}  // namespace gpu_on_cpu
