#include "pillar/core/random.h"

#include <set>

#include <gtest/gtest.h>

namespace pillar {
namespace {

TEST(Random, DrawsWhatSplitMix64IsPublishedToDraw) {
  SplitMix64 random{1234567};  // the first five of the reference implementation for this seed
  for (const std::uint64_t word : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                   4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(random.next(), word);
  EXPECT_EQ(hash64(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(hash64(7), SplitMix64{7}.next());
  EXPECT_EQ(split_mix(0), 0u);
}

TEST(Random, ASeedIsTheSameOnEveryMachine) {
  static_assert(mix_seed({1, 2, 3}) == 14986807719678709643u);
  EXPECT_EQ(mix_seed({1, 2, 3}), 14986807719678709643u);
}

TEST(Random, ASeedDependsOnEveryWordAndTheirOrder) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t a = 0; a < 10; ++a) {
    for (std::uint64_t b = 0; b < 10; ++b) seeds.insert(mix_seed({a, b}));
    seeds.insert(mix_seed({a}));
    seeds.insert(mix_seed({a, 0, 0}));
  }
  EXPECT_EQ(seeds.size(), 120u);
}

TEST(Random, TheUnitIntervalHasNoUpperEnd) {
  EXPECT_EQ(unit_interval(0), 0);
  EXPECT_EQ(unit_interval(std::uint64_t{1} << 11), 0x1p-53);
  EXPECT_EQ(unit_interval(std::uint64_t{1} << 63), 0.5);
  EXPECT_LT(unit_interval(UINT64_MAX), 1);
}

}  // namespace
}  // namespace pillar
