// What LibTorch asks of a device beside operators: devices, queues, events, generators.
#include "generator.h"
#include "machine.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace gpu_on_cpu {
namespace {

Queue queue_of(const c10::Stream& stream) {
  return {stream.device_index(), stream.id()};
}
c10::Stream stream_of(const Queue& queue) {
  return c10::Stream(c10::Stream::UNSAFE, c10::Device(c10::kCUDA, queue.device), queue.id);
}

struct Guard final : public c10::impl::DeviceGuardImplInterface {
  static constexpr c10::DeviceType static_type = c10::kCUDA;
  Guard() = default;
  explicit Guard(c10::DeviceType) {}
  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {c10::kCUDA, current_device()}; }
  void setDevice(c10::Device device) const override {
    if (device.has_index()) set_current_device(device.index());
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override { setDevice(device); }
  c10::Stream getStream(c10::Device device) const override { return stream_of(current_queue(known(device))); }
  c10::Stream getDefaultStream(c10::Device device) const override { return stream_of({known(device), 0}); }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool) const override {
    return stream_of(next_queue(known(device)));
  }
  c10::Stream getNewStream(c10::Device device, int) const override {
    return stream_of(next_queue(known(device)));
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    const Queue before = current_queue(stream.device_index());
    set_current_queue(queue_of(stream));
    return stream_of(before);
  }
  void* getStreamNativeHandle(const c10::Stream stream) const override {
    return reinterpret_cast<void*>(stream.id());
  }
  c10::DeviceIndex deviceCount() const noexcept override { return device_count(); }

  void record(void** event, const c10::Stream& stream, c10::DeviceIndex, c10::EventFlag) const override {
    if (*event == nullptr) *event = new Mark;
    *static_cast<Mark*>(*event) = mark(queue_of(stream));
  }
  void block(void* event, const c10::Stream& stream) const override {
    if (event != nullptr) let_wait(queue_of(stream), *static_cast<Mark*>(event));
  }
  bool queryEvent(void* event) const override {
    synchronizeEvent(event);
    return true;
  }
  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<Mark*>(event);
  }
  bool queryStream(const c10::Stream& stream) const override {
    synchronizeStream(stream);
    return true;
  }
  void synchronizeStream(const c10::Stream& stream) const override { wait_for(mark(queue_of(stream))); }
  void synchronizeEvent(void* event) const override {
    if (event != nullptr) wait_for(*static_cast<Mark*>(event));
  }
  void synchronizeDevice(c10::DeviceIndex device) const override { wait_for_all(device); }
  void recordDataPtrOnStream(const c10::DataPtr& memory, const c10::Stream& stream) const override {
    record_use(memory.get(), queue_of(stream));
  }
  double elapsedTime(void* from, void* to, c10::DeviceIndex) const override {
    constexpr double kMilliseconds = 1e3;
    return kMilliseconds * (static_cast<Mark*>(to)->seconds - static_cast<Mark*>(from)->seconds);
  }

 private:
  static c10::DeviceIndex known(c10::Device device) {
    return device.has_index() ? device.index() : current_device();
  }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard)

at::Generator new_generator(c10::DeviceIndex device) {
  return at::make_generator<Generator>(device < 0 ? gpu_on_cpu::current_device() : device,
                                       at::detail::createCPUGenerator());
}

struct Hooks final : public at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    static const at::Generator generator = new_generator(0);
    return generator;
  }
  at::Generator getNewGenerator(c10::DeviceIndex device) const override { return new_generator(device); }
  c10::Device getDeviceFromPtr(void*) const override { return {c10::kCUDA, current_device()}; }
  bool isPinnedPtr(const void* address) const override { return is_page_locked(address); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return at::getHostAllocator(at::kCUDA); }
  c10::Allocator* getCUDADeviceAllocator() const override { return c10::GetAllocator(c10::kCUDA); }
  int getNumGPUs() const override { return device_count(); }
  c10::DeviceIndex deviceCount() const override { return device_count(); }
  c10::DeviceIndex current_device() const override { return gpu_on_cpu::current_device(); }
  c10::DeviceIndex getCurrentDevice() const override { return gpu_on_cpu::current_device(); }
  void setCurrentDevice(c10::DeviceIndex device) const override { set_current_device(device); }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex device) const override {
    const c10::DeviceIndex before = gpu_on_cpu::current_device();
    set_current_device(device);
    return before;
  }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex device) const override {
    return device < 0 ? gpu_on_cpu::current_device() : exchangeDevice(device);
  }
  void deviceSynchronize(c10::DeviceIndex device) const override { wait_for_all(device); }
};

}  // namespace
}  // namespace gpu_on_cpu

namespace at {
using CUDAHooks = gpu_on_cpu::Hooks;  // the name by which LibTorch asks for it
REGISTER_CUDA_HOOKS(CUDAHooks)
}  // namespace at
