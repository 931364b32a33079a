#include "rave/volumes.h"

#include <cmath>
#include <random>

#include <ATen/Functions.h>

namespace pillar::test {
namespace {

template <typename Value>
at::Tensor make(const SizeDhw& size, Value value) {
  at::Tensor codes = at::empty({size[0], size[1], size[2]}, at::kUInt16);
  auto* out = static_cast<std::uint16_t*>(codes.data_ptr());
  for (std::int64_t d = 0; d < size[0]; ++d) {
    for (std::int64_t h = 0; h < size[1]; ++h) {
      for (std::int64_t w = 0; w < size[2]; ++w) *out++ = value(d, h, w);
    }
  }
  return codes;
}

}  // namespace

at::Tensor smooth_codes(const SizeDhw& size, int max_code) {
  return make(size, [max_code](std::int64_t d, std::int64_t h, std::int64_t w) {
    double wave =
        std::sin(0.11 * static_cast<double>(h + 2 * d)) * std::cos(0.07 * static_cast<double>(w - d));
    return static_cast<std::uint16_t>(std::lround((0.5 + 0.5 * wave) * max_code));
  });
}

at::Tensor noise_codes(const SizeDhw& size, int max_code) {
  std::mt19937 random(7);
  return make(size, [&](std::int64_t, std::int64_t, std::int64_t) {
    return static_cast<std::uint16_t>(random() % static_cast<unsigned>(max_code + 1));
  });
}

}  // namespace pillar::test
