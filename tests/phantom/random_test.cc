#include "phantom/random.h"

#include "phantom/vec3.h"

#include <cmath>

#include <gtest/gtest.h>

namespace pillar::phantom {
namespace {

TEST(PhantomRandom, IsTheSameOnEveryMachine) {
  // SplitMix64's published first output for seed 0.
  EXPECT_EQ(hash64(0), 0xE220A8397B1DCDAFu);
  Random random(7, 3);
  EXPECT_EQ(random.bits(), hash64(hash64(7, 3), 0));
  EXPECT_EQ(random.bits(), hash64(hash64(7, 3), 1));
}

TEST(PhantomRandom, StreamsDoNotMoveOneAnother) {
  Random a(1, 0), b(1, 1), again(1, 0);
  const double first = a.uniform();
  b.uniform();
  EXPECT_EQ(again.uniform(), first);
  EXPECT_EQ(again.uniform(), a.uniform());
  EXPECT_NE(a.uniform(), b.uniform());
}

TEST(PhantomRandom, MomentsAreAsStated) {
  Random random(5, 0);
  double sum = 0, squares = 0, noise_sum = 0, noise_squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double bell = random.bell();
    EXPECT_LT(std::abs(bell), 3.5);
    sum += bell;
    squares += bell * bell;
    const double noise = noise_of(random.bits());
    noise_sum += noise;
    noise_squares += noise * noise;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(noise_sum / kCount, 0, 0.02);
  EXPECT_NEAR(noise_squares / kCount, 1, 0.02);
}

TEST(PhantomVec3, SineNeedsNoLibrary) {
  for (double x = -9; x < 9; x += 0.01) {
    EXPECT_NEAR(portable_sin(x), std::sin(x), 1e-8);
    EXPECT_NEAR(portable_cos(x), std::cos(x), 1e-8);
  }
}

}  // namespace
}  // namespace pillar::phantom
