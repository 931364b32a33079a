// Internal: whether a GPU multiplies float32 as float32.
#pragma once

namespace pillar {

// Says to LibTorch that float32 is to be multiplied as it is. Its convolutions would round factors to TF32
// (10 bits of mantissa) where nobody says so. Done when the CUDA module is loaded.
void forbid_tf32();

// While one that is `wanted` exists, products of float32 tensors on a GPU round their factors to TF32, which
// is several times as fast. The choice is the process's: fp32 is not exact while another thread wants TF32.
class Tf32Products {
 public:
  explicit Tf32Products(bool wanted);
  ~Tf32Products();
  Tf32Products(const Tf32Products&) = delete;
  Tf32Products& operator=(const Tf32Products&) = delete;

 private:
  bool wanted_;
};

}  // namespace pillar
