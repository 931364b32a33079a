// LibTorch's operators on tensors of a device: those for CPUs, called on tensors of the CPU that share their
// memory.
#include "call.h"
#include "generator.h"

#include <set>
#include <string_view>

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/CPUAllocator.h>
#include <torch/library.h>

namespace gpu_on_cpu {
namespace {

void forget_storage(void* held) {
  delete static_cast<c10::Storage*>(held);
}

// A tensor of a CPU may be given with those of a device where it is one number, or indexes, which are copied.
bool may_mix(const c10::FunctionSchema& schema) {
  static const std::set<std::string_view> names = {"aten::index", "aten::index_put_",
                                                   "aten::_index_put_impl_"};
  return names.contains(schema.name());
}

// Of float32, a product under TF32 sees the first 10 bits of the mantissa.
bool is_in_tf32(const std::string& name) {
  static const std::set<std::string_view> by_cudnn = {"aten::convolution", "aten::convolution_backward"};
  static const std::set<std::string_view> by_cublas = {"aten::mm", "aten::addmm", "aten::bmm",
                                                       "aten::baddbmm"};
  return (by_cudnn.contains(name) && at::globalContext().allowTF32CuDNN()) ||
         (by_cublas.contains(name) && at::globalContext().allowTF32CuBLAS());
}

c10::IValue rounded_to_tf32(const c10::IValue& value) {
  if (!value.isTensor() || !value.toTensor().defined() || value.toTensor().scalar_type() != at::kFloat)
    return value;
  constexpr std::int64_t kHalf = 1 << 12, kKept = ~std::int64_t{(1 << 13) - 1};
  const at::Tensor bits = value.toTensor().contiguous().view(at::kInt);
  return bits.add(kHalf).bitwise_and(kKept).view(at::kFloat);
}

bool is_view(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    if (result.alias_info() != nullptr && !result.alias_info()->isWrite()) return true;
  }
  return false;
}

// On the same memory, and with results where the first ones are. `rounded`: to TF32, of the arguments.
void record_again(const c10::OperatorHandle& op, torch::jit::Stack arguments,
                  const std::vector<std::size_t>& rounded, torch::jit::Stack results) {
  record([op, rounded, given = std::move(arguments), wanted = std::move(results)] {
    torch::jit::Stack stack = given;
    for (const std::size_t i : rounded) stack[i] = rounded_to_tf32(stack[i]);
    op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &stack);
    const auto take = [](const at::Tensor& to, const at::Tensor& from) {
      if (to.defined() && !to.is_same(from)) at::Tensor(to).copy_(from);
    };
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].isTensor()) take(wanted[i].toTensor(), stack[i].toTensor());
      if (!wanted[i].isTensorList()) continue;
      const std::vector<at::Tensor> to = wanted[i].toTensorVector(), from = stack[i].toTensorVector();
      for (std::size_t k = 0; k < to.size(); ++k) take(to[k], from[k]);
    }
  });
}

void compute(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const c10::FunctionSchema& schema = op.schema();
  Call call(schema.name());
  const std::size_t count = schema.arguments().size(), first = stack->size() - count;
  std::vector<std::size_t> rounded;
  const bool in_tf32 = is_in_tf32(schema.name());
  for (std::size_t i = 0; i < count; ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    const bool writes = alias != nullptr && alias->isWrite();
    c10::IValue& argument = (*stack)[first + i];
    argument = call.argument(argument, writes);
    if (in_tf32 && !writes) rounded.push_back(i);
  }
  if (!may_mix(schema)) call.check_devices();
  if (!is_view(schema)) call.begin();
  torch::jit::Stack arguments(stack->begin() + static_cast<std::ptrdiff_t>(first), stack->end());
  for (const std::size_t i : rounded) (*stack)[first + i] = rounded_to_tf32((*stack)[first + i]);
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  call.take_resized();
  const std::size_t results = schema.returns().size();
  if (is_recording() && !is_view(schema)) {
    record_again(op, std::move(arguments), rounded,
                 {stack->end() - static_cast<std::ptrdiff_t>(results), stack->end()});
  }
  for (std::size_t i = stack->size() - results; i < stack->size(); ++i)
    (*stack)[i] = call.result((*stack)[i]);
}

}  // namespace

Call::Call(const std::string& name) : name_(name) {
  // What gives a number to the CPU, or sizes that depend on numbers, makes it wait.
  static const std::set<std::string_view> names = {"aten::_local_scalar_dense", "aten::nonzero",
                                                   "aten::masked_select", "aten::equal", "aten::is_nonzero"};
  waits_ = names.contains(name);
}

at::Tensor Call::on_cpu(const at::Tensor& tensor, bool writes) {
  if (!tensor.defined()) return tensor;
  if (!tensor.is_cuda()) {
    if (tensor.dim() > 0) of_cpu_ = true;
    return tensor;
  }
  TORCH_CHECK(!device_ || *device_ == tensor.device().index(), "gpu_on_cpu: ", name_,
              ": all tensors must be on the same device, and are on two GPUs");
  device_ = tensor.device().index();
  if (const void* address = tensor.storage().data(); address != nullptr) {
    work_.reads.push_back(address);
    if (writes) work_.writes.push_back(address);
  }
  const c10::Storage& storage = tensor.storage();
  c10::Storage& twin = twins_[storage.unsafeGetStorageImpl()];
  if (!twin) {
    twin = c10::Storage(
        c10::Storage::use_byte_size_t(), storage.nbytes(),
        c10::DataPtr(storage.mutable_data(), new c10::Storage(storage), forget_storage, c10::kCPU),
        c10::GetCPUAllocator(), /*resizable=*/true);
    originals_.emplace(twin.unsafeGetStorageImpl(), storage);
  }
  auto impl = c10::make_intrusive<c10::TensorImpl>(
      c10::Storage(twin), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor.dtype());
  impl->set_storage_offset(tensor.storage_offset());
  impl->set_sizes_and_strides(tensor.sizes(), tensor.strides());
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  at::Tensor result(std::move(impl));
  given_.emplace(result.unsafeGetTensorImpl(), std::pair(result, tensor));
  return result;
}

c10::IValue Call::argument(const c10::IValue& value, bool writes) {
  if (value.isTensor()) return on_cpu(value.toTensor(), writes);
  if (value.isTensorList()) {
    std::vector<at::Tensor> all;
    for (const at::Tensor& one : value.toTensorVector()) all.push_back(on_cpu(one, writes));
    return all;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> all;
    for (const std::optional<at::Tensor>& one : value.toOptionalTensorVector())
      all.push_back(one ? std::optional(on_cpu(*one, writes)) : std::nullopt);
    return all;
  }
  if (value.isGenerator()) {
    const auto* generator = dynamic_cast<Generator*>(value.toGenerator().unsafeGetGeneratorImpl());
    TORCH_CHECK(generator != nullptr, "gpu_on_cpu: ", name_, " is given a generator of the CPU");
    return generator->cpu();
  }
  if (value.isDevice() && value.toDevice().is_cuda()) {
    device_ = Call::index_of(value.toDevice());
    return c10::Device(c10::kCPU);
  }
  return value;
}

void Call::check_devices() const {
  TORCH_CHECK(!of_cpu_ || !device_, "gpu_on_cpu: ", name_,
              ": all tensors must be on the same device, and one is on the CPU");
}

void Call::begin() {
  const c10::DeviceIndex device = device_.value_or(current_device());
  const Queue queue = current_queue(device);
  count_operator();
  begin_work(queue, work_);
  if (waits_ || (of_cpu_ && device_)) wait_for(mark(queue));
}

// Of what was given, in place of a result of that place; of its memory, a view; anything else is new.
at::Tensor Call::on_gpu(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.is_cuda()) return tensor;
  if (const auto found = given_.find(tensor.unsafeGetTensorImpl()); found != given_.end())
    return found->second.second;
  const c10::Storage& storage = tensor.storage();
  c10::Storage& original = originals_[storage.unsafeGetStorageImpl()];
  if (!original) {
    original = storage_of_device(storage);
    kept_.push_back(storage);
  }
  auto impl = c10::make_intrusive<c10::TensorImpl>(
      c10::Storage(original), c10::DispatchKeySet(c10::DispatchKey::CUDA), tensor.dtype());
  impl->set_storage_offset(tensor.storage_offset());
  impl->set_sizes_and_strides(tensor.sizes(), tensor.strides());
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  return at::Tensor(std::move(impl));
}

c10::Storage Call::storage_of_device(const c10::Storage& cpu) const {
  const c10::DeviceIndex device = device_.value_or(current_device());
  c10::DataPtr memory(nullptr, c10::Device(c10::kCUDA, device));
  if (cpu.nbytes() > 0 && cpu.data() != nullptr) {
    memory =
        memory_of_device(c10::DataPtr(cpu.mutable_data(), new c10::Storage(cpu), forget_storage, c10::kCPU),
                         cpu.nbytes(), device);
    begin_work(current_queue(device), {{}, {memory.get()}});
  }
  return c10::Storage(c10::Storage::use_byte_size_t(), cpu.nbytes(), std::move(memory),
                      c10::GetAllocator(c10::kCUDA), /*resizable=*/true);
}

c10::IValue Call::result(const c10::IValue& value) {
  if (value.isTensor()) return on_gpu(value.toTensor());
  if (!value.isTensorList()) return value;
  std::vector<at::Tensor> all;
  for (const at::Tensor& one : value.toTensorVector()) all.push_back(on_gpu(one));
  return all;
}

// Outputs that were given empty have their size, and perhaps their memory, now.
void Call::take_resized() {
  for (auto& [impl, pair] : given_) {
    auto& [cpu, gpu] = pair;
    if (cpu.sizes() == gpu.sizes() && cpu.strides() == gpu.strides() &&
        cpu.storage().data() == gpu.storage().data())
      continue;
    c10::TensorImpl* to = gpu.unsafeGetTensorImpl();
    if (cpu.storage().data() != gpu.storage().data())
      to->set_storage_keep_dtype(storage_of_device(cpu.storage()));
    to->set_storage_offset(cpu.storage_offset());
    to->set_sizes_and_strides(cpu.sizes(), cpu.strides());
  }
}

c10::DeviceIndex Call::index_of(c10::Device device) {
  return device.has_index() ? device.index() : current_device();
}

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&compute>());
}

// Made of operators that ask for the device's own libraries.
TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  for (const char* name : {"convolution", "convolution_backward"})
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&compute>());
}

}  // namespace gpu_on_cpu
