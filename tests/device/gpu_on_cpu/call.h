// One call of an operator: its tensors on the CPU, and what comes back.
#pragma once

#include "machine.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

namespace gpu_on_cpu {

class Call {
 public:
  explicit Call(const std::string& name);
  // A tensor of the CPU with the memory of this one.
  at::Tensor on_cpu(const at::Tensor& tensor, bool writes);
  c10::IValue argument(const c10::IValue& value, bool writes);
  void check_devices() const;  // throws where a GPU would be given memory of the CPU
  void begin();                // as a step of the current queue
  at::Tensor on_gpu(const at::Tensor& tensor);
  c10::IValue result(const c10::IValue& value);
  void take_resized();

  static c10::DeviceIndex index_of(c10::Device device);

 private:
  c10::Storage storage_of_device(const c10::Storage& cpu) const;

  const std::string& name_;
  bool waits_ = false, of_cpu_ = false;
  std::optional<c10::DeviceIndex> device_;
  Work work_;
  std::unordered_map<c10::StorageImpl*, c10::Storage> twins_;      // of the device's
  std::unordered_map<c10::StorageImpl*, c10::Storage> originals_;  // of the CPU's
  std::unordered_map<c10::TensorImpl*, std::pair<at::Tensor, at::Tensor>> given_;
  std::vector<c10::Storage> kept_;  // whose addresses are keys
};

}  // namespace gpu_on_cpu
