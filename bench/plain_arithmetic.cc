#include "plain_arithmetic.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

namespace pillar::bench {

at::ScalarType scalar_type_of(const std::string& dtype) {
  return dtype == "bf16" ? at::kBFloat16 : at::kFloat;
}

PlainProducts::PlainProducts(bool tf32)
    : matmul_(at::globalContext().allowTF32CuBLAS()), cudnn_(at::globalContext().allowTF32CuDNN()) {
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
}

PlainProducts::~PlainProducts() {
  at::globalContext().setAllowTF32CuBLAS(matmul_);
  at::globalContext().setAllowTF32CuDNN(cudnn_);
}

PlainAutocast::PlainAutocast(at::Device device, const std::string& dtype)
    : type_(device.type()), on_(dtype == "bf16") {
  if (!on_) return;
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::increment_nesting();
}

PlainAutocast::~PlainAutocast() {
  if (!on_) return;
  at::autocast::decrement_nesting();
  at::autocast::clear_cache();  // weights that it has cast
  at::autocast::set_autocast_enabled(type_, false);
}

}  // namespace pillar::bench
