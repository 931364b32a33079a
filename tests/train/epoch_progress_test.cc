#include "train/run/epoch_progress.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace pillar {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kSeed = 3;
constexpr std::int64_t kEpoch = 2;

std::vector<std::string> some_keys(int first, int end) {
  std::vector<std::string> keys;
  for (int i = first; i < end; ++i) keys.push_back(fmt::format("S{}", i));
  return keys;
}

// A pool of these studies, `position` of them seen in an epoch.
EpochStart start_of(const std::vector<std::string>& keys, std::int64_t position) {
  EpochStart start{17, kEpoch, position, {}};
  start.rest = epoch_permutation(static_cast<std::int64_t>(keys.size()), kSeed, kEpoch);
  start.rest.erase(start.rest.begin(), start.rest.begin() + position);
  return start;
}

std::vector<std::string> names_of_rest(const EpochStart& start, const std::vector<std::string>& keys) {
  std::vector<std::string> names;
  for (const std::int64_t study : start.rest) names.push_back(keys[static_cast<std::size_t>(study)]);
  return names;
}

TEST(EpochProgress, TheSameStudiesGoOnWhereTheyWere) {
  const std::vector<std::string> keys = some_keys(0, 47);
  for (const std::int64_t position : {0, 6, 42}) {
    const EpochStart start = start_of(keys, position);
    EpochChanges changes;
    const EpochStart again =
        resumed_start(progress_at(start, keys, {}), start.step, keys, kSeed, false, changes);
    EXPECT_EQ(again.epoch, kEpoch);
    EXPECT_EQ(again.position, position);
    EXPECT_EQ(again.rest, position == 0 ? std::vector<std::int64_t>() : start.rest);
    EXPECT_EQ(changes.lost + changes.added, 0);
  }
}

// Whatever is lost and added, whenever: each study that is there is seen once in the epoch.
TEST(EpochProgress, NoStudyIsSeenTwiceOrNeverWhereOthersAreLostOrAdded) {
  const std::vector<std::string> before = some_keys(0, 47);
  for (const std::int64_t position : {6, 12, 24, 42}) {
    const EpochStart start = start_of(before, position);
    const PoolProgress progress = progress_at(start, before, {});
    for (const auto& [first, end] :
         {std::pair{1, 47}, std::pair{20, 47}, std::pair{0, 48}, std::pair{5, 60}}) {
      const std::vector<std::string> now = some_keys(first, end);
      EpochChanges changes;
      const EpochStart again = resumed_start(progress, start.step, now, kSeed, false, changes);
      std::multiset<std::string> seen(progress.seen.begin(), progress.seen.end());
      for (const std::string& name : names_of_rest(again, now)) seen.insert(name);
      for (const std::string& name : now) EXPECT_EQ(seen.count(name), 1u) << name << " at " << position;
      EXPECT_EQ(changes.added, std::max(0, end - 47));
      // Those that were left come in the order that they had.
      std::vector<std::string> kept = names_of_rest(start, before);
      std::erase_if(kept,
                    [&](const std::string& name) { return std::count(now.begin(), now.end(), name) == 0; });
      std::vector<std::string> order = names_of_rest(again, now);
      order.resize(kept.size());
      EXPECT_EQ(order, kept);
    }
  }
}

// A study that was seen, lost and found again within one epoch is not new.
TEST(EpochProgress, RemembersWhatWasSeenAndIsGone) {
  const std::vector<std::string> keys = some_keys(0, 12);
  const EpochStart start = start_of(keys, 4);
  const PoolProgress first = progress_at(start, keys, {});
  std::vector<std::string> without = keys;
  std::erase(without, first.seen.front());
  EpochChanges changes;
  EpochStart next = resumed_start(first, start.step, without, kSeed, false, changes);
  next.position += 4;
  next.rest.erase(next.rest.begin(), next.rest.begin() + 4);
  const PoolProgress second = progress_at(next, without, first);
  const EpochStart last = resumed_start(second, next.step + 1, keys, kSeed, false, changes);
  EXPECT_EQ(names_of_rest(last, keys), names_of_rest(next, without));
  EXPECT_EQ(changes.added + changes.lost, 0);
}

TEST(EpochProgress, DrawsAreWhatIsLeftOfThem) {
  const std::vector<std::string> keys = some_keys(0, 4);
  const EpochStart start{5, 1, 1, {2, 2, 0}};
  const PoolProgress progress = progress_at(start, keys, {});
  EpochChanges changes;
  EXPECT_EQ(resumed_start(progress, 5, keys, kSeed, true, changes).rest, start.rest);
  const EpochStart fewer = resumed_start(progress, 5, some_keys(1, 4), kSeed, true, changes);
  EXPECT_THAT(fewer.rest, ElementsAre(1, 1)) << "S2 is the second of those that are left";
  EXPECT_EQ(changes.lost, 1);
}

TEST(EpochProgress, KeysAreOfNamesWhateverBytesTheyHave) {
  StudyPool pool;
  pool.studies = {{"a", "", ""}, {"\xff\xfe", "", ""}, {"b", "", ""}};
  const std::vector<std::string> keys = study_keys(pool);
  EXPECT_THAT(keys, testing::Each(testing::SizeIs(16)));
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 3u);
  EXPECT_THAT(study_keys(StudyPool()), IsEmpty());
}

}  // namespace
}  // namespace pillar
