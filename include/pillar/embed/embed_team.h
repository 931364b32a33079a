// One list of scans and several processes that embed it: which scans are whose, and how they hear of each
// other.
#pragma once

#include "pillar/data/scan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pillar {

// One process among those that embed a list together; alone unless it says otherwise.
struct EmbedTeam {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  // Collective: the text that the process `from` gives, on every process. Throws where one of them is gone.
  std::function<std::string(const std::string& text, std::int64_t from)> broadcast = {};
};

// The places in `scans`, rising, of those that the process `rank` embeds: those of the list's names number
// rank, rank + size and so on. All scans of one name go to one process, which settles whose the name is as a
// single process would. Throws Error(usage) where `size` is above 1 and a scan's name is not known before it
// is opened.
std::vector<std::size_t> scans_of_process(std::span<const ScanEntry> scans, std::int64_t rank,
                                          std::int64_t size);

}  // namespace pillar
