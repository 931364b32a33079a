// Which device a word names.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace pillar {

// cpu, cuda, cuda:N, or auto: cuda where there is one. Of cuda and auto the device is that of this process,
// `process` (from 0) among those of this host: the first one takes the first device that can be used. Where
// auto finds none, the log says once why. Throws Error(usage) for another word, Error(unsupported) saying
// what CUDA lacks here, which devices there are, or why that one cannot be used.
at::Device parse_device(const std::string& text, std::int64_t process = 0);

// Throws what parse_device() would, as far as words and the driver tell: nothing is loaded, which takes
// seconds. For a program that is to start others.
void check_device(const std::string& text, std::int64_t process);

}  // namespace pillar
