#include "train/run/epoch_progress.h"

#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include <unordered_map>
#include <unordered_set>

namespace pillar {

std::vector<std::string> study_keys(const StudyPool& pool) {
  constexpr std::size_t kDigits = 16;
  std::vector<std::string> keys;
  keys.reserve(pool.studies.size());
  for (const PoolStudy& study : pool.studies)
    keys.push_back(sha256_hex(as_bytes(study.name)).substr(0, kDigits));
  return keys;
}

PoolProgress progress_at(const EpochStart& start, const std::vector<std::string>& keys,
                         const PoolProgress& before) {
  PoolProgress progress{start.epoch, start.position, {}, {}};
  if (start.position == 0) return progress;
  std::vector<char> is_left(keys.size(), 0);
  for (const std::int64_t study : start.rest) {
    is_left[static_cast<std::size_t>(study)] = 1;
    progress.rest.push_back(keys[static_cast<std::size_t>(study)]);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (is_left[i] == 0) progress.seen.push_back(keys[i]);
  }
  if (before.epoch != start.epoch) return progress;
  const std::unordered_set<std::string_view> known(keys.begin(), keys.end());
  for (const std::string& key : before.seen) {
    if (!known.contains(key)) progress.seen.push_back(key);
  }
  return progress;
}

EpochStart resumed_start(const PoolProgress& progress, std::int64_t step,
                         const std::vector<std::string>& keys, std::uint64_t seed, bool draws,
                         EpochChanges& changes) {
  EpochStart start{step, progress.epoch, progress.position, {}};
  if (progress.position == 0) return start;
  std::unordered_map<std::string_view, std::int64_t> place;
  for (std::size_t i = 0; i < keys.size(); ++i) place.emplace(keys[i], static_cast<std::int64_t>(i));
  for (const std::string& key : progress.rest) {
    const auto found = place.find(key);
    if (found != place.end())
      start.rest.push_back(found->second);
    else
      ++changes.lost;
  }
  if (draws) return start;
  std::unordered_set<std::string_view> known(progress.rest.begin(), progress.rest.end());
  known.insert(progress.seen.begin(), progress.seen.end());
  for (const std::int64_t study :
       epoch_permutation(static_cast<std::int64_t>(keys.size()), seed, start.epoch)) {
    if (known.contains(keys[static_cast<std::size_t>(study)])) continue;
    start.rest.push_back(study);
    ++changes.added;
  }
  return start;
}

}  // namespace pillar
