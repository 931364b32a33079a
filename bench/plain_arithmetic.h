// What LibTorch computes in, as a Python program would choose it.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace pillar::bench {

// Of "fp32", "tf32" (float32, of which products round) and "bf16".
at::ScalarType scalar_type_of(const std::string& dtype);

// For its life float32 products and convolutions on a GPU round to TF32, or do not.
class PlainProducts {
 public:
  explicit PlainProducts(bool tf32);
  ~PlainProducts();
  PlainProducts(const PlainProducts&) = delete;
  PlainProducts& operator=(const PlainProducts&) = delete;

 private:
  bool matmul_, cudnn_;  // before
};

// For its life, where `dtype` is bf16: torch.autocast of the device in bfloat16. Else nothing.
class PlainAutocast {
 public:
  PlainAutocast(at::Device device, const std::string& dtype);
  ~PlainAutocast();
  PlainAutocast(const PlainAutocast&) = delete;
  PlainAutocast& operator=(const PlainAutocast&) = delete;

 private:
  at::DeviceType type_;
  bool on_;
};

}  // namespace pillar::bench
