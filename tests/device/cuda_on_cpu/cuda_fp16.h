// float16 under CUDA's name, for a CPU: in place of NVIDIA's header of this name.
#pragma once

#include <c10/util/Half.h>

using __half = c10::Half;
inline float __half2float(__half x) {
  return x;
}
inline __half __float2half_rn(float x) {
  return x;
}
