// Operators that make memory, move it between CPU and device, or exist for GPUs alone.
#include "call.h"

#include <cmath>
#include <cstring>

#include <ATen/EmptyTensor.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

namespace gpu_on_cpu {
namespace {

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::CUDA);

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                 std::optional<at::Device> device, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  const c10::DeviceGuard guard(*device);
  return at::detail::empty_generic(size, c10::GetAllocator(c10::kCUDA), kKeys,
                                   type.value_or(at::get_default_dtype_as_scalartype()), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                         std::optional<at::Layout>, std::optional<at::Device> device, std::optional<bool>) {
  const c10::DeviceGuard guard(*device);
  return at::detail::empty_strided_generic(size, stride, c10::GetAllocator(c10::kCUDA), kKeys,
                                           type.value_or(at::get_default_dtype_as_scalartype()));
}

// Such copies are left to the device's copy engine, if the CPU's side is page-locked; others the CPU makes.
bool is_put_off(const at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  const at::Tensor& of_cpu = to.is_cuda() ? from : to;
  return non_blocking && of_cpu.is_cpu() && of_cpu.is_pinned() && to.scalar_type() == from.scalar_type() &&
         to.sizes() == from.sizes() && to.strides() == from.strides() &&
         (to.is_contiguous() || to.is_non_overlapping_and_dense()) && to.numel() > 0;
}

void copy_later(const at::Tensor& to, const at::Tensor& from) {
  const auto& of_gpu = to.is_cuda() ? to : from;
  const void* address = of_gpu.storage().data();
  const Queue queue = current_queue(of_gpu.device().index());
  void* destination = to.mutable_data_ptr();
  const void* source = from.const_data_ptr();
  const std::size_t bytes = to.nbytes();
  if (to.is_cpu()) std::memset(destination, 0xff, bytes);
  // The allocator of page-locked memory gives it to nobody else meanwhile; memory of the device is its
  // caller's to keep.
  const c10::Storage kept = (to.is_cuda() ? from : to).storage();
  put_off(queue, to.is_cuda() ? Work{{}, {address}} : Work{{address}, {}}, [=] {
    std::memcpy(destination, source, bytes);
    (void)kept;
  });
}

at::Tensor& copy_(at::Tensor& to, const at::Tensor& from, bool non_blocking) {
  static const std::string name = "aten::copy_";
  count_operator();
  if (is_put_off(to, from, non_blocking)) {
    copy_later(to, from);
    return to;
  }
  if (to.device() != from.device()) refuse_in_recording("a copy between CPU and GPU");
  const bool of_two = to.is_cuda() && from.is_cuda() && to.device() != from.device();
  if (of_two) wait_for_all(from.device().index());
  Call writing(name), reading(name);
  const at::Tensor cpu_to = writing.on_cpu(to, true), cpu_from = reading.on_cpu(from, false);
  if (to.is_cuda()) writing.begin();
  if (from.is_cuda()) reading.begin();
  cpu_to.copy_(cpu_from);
  record([=] { at::Tensor(cpu_to).copy_(cpu_from); });
  if (to.device() != from.device())
    wait_for(mark(current_queue((to.is_cuda() ? to : from).device().index())));
  return to;
}

void record_stream(at::Tensor& tensor, at::Stream stream) {
  record_use(tensor.storage().data(), {stream.device_index(), stream.id()});
}

using Attended = std::tuple<at::Tensor, at::Tensor>;

Attended attended(const std::string& name, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  TORCH_CHECK(q.stride(-1) == 1 && k.stride(-1) == 1 && v.stride(-1) == 1, "gpu_on_cpu: ", name,
              ": the last axis is not contiguous");
  Call call(name);
  const at::Tensor a = call.on_cpu(q, false), b = call.on_cpu(k, false), c = call.on_cpu(v, false);
  call.check_devices();
  call.begin();
  const auto [out, unordered] = at::_scaled_dot_product_flash_attention_for_cpu(a, b, c);
  const at::Tensor lse = unordered.contiguous();
  record([a, b, c, out = out, lse] {
    const auto [again, its_lse] = at::_scaled_dot_product_flash_attention_for_cpu(a, b, c);
    at::Tensor(out).copy_(again);
    at::Tensor(lse).copy_(its_lse);
  });
  return {call.on_gpu(out), call.on_gpu(lse)};
}

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Gradients gradients(const std::string& name, const at::Tensor& grad, const at::Tensor& q, const at::Tensor& k,
                    const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse) {
  Call call(name);
  const auto cpu = [&](const at::Tensor& t) { return call.on_cpu(t, false); };
  const at::Tensor g = cpu(grad), a = cpu(q), b = cpu(k), c = cpu(v), o = cpu(out), l = cpu(lse);
  call.check_devices();
  call.begin();
  const auto [dq, dk, dv] =
      at::_scaled_dot_product_flash_attention_for_cpu_backward(g, a, b, c, o, l, 0.0, false);
  return {call.on_gpu(dq), call.on_gpu(dk), call.on_gpu(dv)};
}

at::Tensor random_state(const at::Tensor& like) {
  return at::empty({2}, like.options().dtype(at::kLong));
}

using Flash = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor,
                         at::Tensor, at::Tensor>;

Flash flash(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double dropout, bool, bool,
            std::optional<double>) {
  static const std::string name = "flash attention";
  const bool half = q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf;
  TORCH_CHECK(half && q.size(-1) % 8 == 0 && dropout == 0, "gpu_on_cpu: no flash attention for these");
  auto [out, lse] = attended(name, q, k, v);
  return {out, lse, {}, {}, q.sym_size(2), k.sym_size(2), random_state(q), random_state(q), {}};
}

Gradients flash_backward(const at::Tensor& grad, const at::Tensor& q, const at::Tensor& k,
                         const at::Tensor& v, const at::Tensor& out, const at::Tensor& lse, const at::Tensor&,
                         const at::Tensor&, c10::SymInt, c10::SymInt, double, bool, const at::Tensor&,
                         const at::Tensor&, std::optional<double>) {
  static const std::string name = "flash attention's gradients";
  TORCH_CHECK(lse.is_contiguous() && lse.size(-1) == q.size(2), "gpu_on_cpu: log-sum-exps of another shape");
  return gradients(name, grad, q, k, v, out, lse);
}

// Its log-sum-exps have rows up to a multiple of 32.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> efficient(const at::Tensor& q, const at::Tensor& k,
                                                                     const at::Tensor& v,
                                                                     const std::optional<at::Tensor>&, bool,
                                                                     double dropout, bool,
                                                                     std::optional<double>) {
  static const std::string name = "memory-efficient attention";
  TORCH_CHECK(dropout == 0 && q.size(-1) % 4 == 0, "gpu_on_cpu: no memory-efficient attention for these");
  const auto [out, lse] = attended(name, q, k, v);
  const std::int64_t missing = (32 - lse.size(-1) % 32) % 32;
  return {out, at::constant_pad_nd(lse, {0, missing}, INFINITY), random_state(q), random_state(q)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> efficient_backward(
    const at::Tensor& grad, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor&,
    const at::Tensor& out, const at::Tensor& lse, const at::Tensor&, const at::Tensor&, double,
    std::array<bool, 4>, bool, std::optional<double>) {
  static const std::string name = "memory-efficient attention's gradients";
  TORCH_CHECK(lse.size(-1) % 32 == 0 && lse.is_contiguous(), "gpu_on_cpu: log-sum-exps are not padded");
  const auto [dq, dk, dv] = gradients(name, grad, q, k, v, out, lse.narrow(-1, 0, q.size(2)).contiguous());
  return {dq, dk, dv, {}};
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", TORCH_FN(empty));
  library.impl("empty_strided", TORCH_FN(empty_strided));
  library.impl("copy_", TORCH_FN(copy_));
  library.impl("record_stream", TORCH_FN(record_stream));
  library.impl("_scaled_dot_product_flash_attention", TORCH_FN(flash));
  library.impl("_scaled_dot_product_flash_attention_backward", TORCH_FN(flash_backward));
  library.impl("_scaled_dot_product_efficient_attention", TORCH_FN(efficient));
  library.impl("_scaled_dot_product_efficient_attention_backward", TORCH_FN(efficient_backward));
}

}  // namespace gpu_on_cpu
