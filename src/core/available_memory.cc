#include "pillar/core/available_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// Of a file that holds one number; unset for "max", for no such file, and for anything else.
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  return in >> value ? std::optional(value) : std::nullopt;
}

// The number after a word at the beginning of a line: "MemAvailable: 123 kB", "inactive_file 456".
std::optional<std::uint64_t> number_after(const fs::path& file, std::string_view word) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(word)) continue;
    const std::string rest = line.substr(word.size());
    char* end = nullptr;
    value = std::strtoull(rest.c_str(), &end, 10);
    if (end != rest.c_str()) return value;
  }
  return std::nullopt;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* reclaimable;  // in memory.stat
};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file "};

std::uint64_t left_in(const fs::path& group, const GroupFiles& names) {
  const auto limit = number_in(group / names.limit), usage = number_in(group / names.usage);
  if (!limit || !usage) return UINT64_MAX;
  const std::uint64_t cache =
      std::min(*usage, number_after(group / "memory.stat", names.reclaimable).value_or(0));
  const std::uint64_t used = *usage - cache;
  return *limit > used ? *limit - used : 0;
}

// A limit of any group above binds too.
std::uint64_t left_up_from(const fs::path& top, const fs::path& group, const GroupFiles& names) {
  std::uint64_t least = left_in(top, names);
  fs::path below = top;
  for (const fs::path& part : group.relative_path()) least = std::min(least, left_in(below /= part, names));
  return least;
}

}  // namespace

std::uint64_t available_memory_bytes(const fs::path& root) {
  std::uint64_t least = UINT64_MAX;
  if (const auto kilobytes = number_after(root / "proc/meminfo", "MemAvailable:")) least = *kilobytes * 1024;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/job", or "0::/job" for version 2
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) least = std::min(least, left_up_from(root / "sys/fs/cgroup", group, kVersion2));
    if (controllers == "memory")
      least = std::min(least, left_up_from(root / "sys/fs/cgroup/memory", group, kVersion1));
  }
  return least;
}

}  // namespace pillar
