// Named stretches of work in the timeline of a GPU's profiler (NVTX, as Nsight Systems shows it).
#pragma once

#include <string>

#include <c10/core/Device.h>

namespace pillar {

// Open from its construction to its end, and nested as they are. Nothing for work that is not on a GPU. The
// name is copied.
class ProfiledRange {
 public:
  ProfiledRange(const std::string& name, const at::Device& device);
  ~ProfiledRange();
  ProfiledRange(const ProfiledRange&) = delete;
  ProfiledRange& operator=(const ProfiledRange&) = delete;

 private:
  bool open_;
};

}  // namespace pillar
