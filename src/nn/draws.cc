#include "nn/shared/draws.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/CUDAHooksInterface.h>

namespace pillar {

at::Generator seeded_generator(const at::Device& device, std::uint64_t seed) {
  if (device.is_cpu()) return at::detail::createCPUGenerator(seed);
  at::Generator draws = at::detail::getCUDAHooks().getNewGenerator(device.index());
  draws.set_current_seed(seed);
  return draws;
}

}  // namespace pillar
