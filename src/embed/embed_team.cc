#include "pillar/embed/embed_team.h"

#include "pillar/core/fail.h"

#include "core/shared/path_format.h"

#include <string_view>
#include <unordered_map>

namespace pillar {

std::vector<std::size_t> scans_of_process(std::span<const ScanEntry> scans, std::int64_t rank,
                                          std::int64_t size) {
  if (size < 1 || rank < 0 || rank >= size)
    fail(ErrorCategory::usage, "process {} of {} that embed together", rank, size);
  std::vector<std::size_t> places;
  std::unordered_map<std::string_view, std::int64_t> owners;  // by name: which process has it
  for (std::size_t i = 0; i < scans.size(); ++i) {
    if (size > 1 && scans[i].name.empty()) {
      fail(ErrorCategory::usage,
           "{}: what it is called is only known once it is opened; several processes need a manifest, which "
           "names every scan",
           scans[i].path);
    }
    const std::int64_t next = std::ssize(owners) % size;
    const std::int64_t owner = size == 1 ? 0 : owners.emplace(scans[i].name, next).first->second;
    if (owner == rank) places.push_back(i);
  }
  return places;
}

}  // namespace pillar
