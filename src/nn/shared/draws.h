// Random draws of a pass, on the device that it runs on.
#pragma once

#include <cstdint>

#include <ATen/Generator.h>
#include <c10/core/Device.h>

namespace pillar {

// Of its own, so that whoever computes a layer again from the same seed draws the same. The same seed draws
// something else on a CPU than on a GPU.
at::Generator seeded_generator(const at::Device& device, std::uint64_t seed);

}  // namespace pillar
