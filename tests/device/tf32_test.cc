#include "device/shared/tf32.h"

#include "device/shared/cuda_module.h"

#include <memory>

#include <ATen/Context.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

bool convolutions_round() {
  return at::globalContext().allowTF32CuDNN();
}
bool products_round() {
  return at::globalContext().allowTF32CuBLAS();
}

TEST(Tf32, IsForbiddenOnceTheModuleWasAskedFor) {
  at::globalContext().setAllowTF32CuDNN(true);  // as LibTorch starts
  forbid_tf32();
  EXPECT_FALSE(convolutions_round());
  EXPECT_FALSE(products_round());
}

TEST(Tf32, IsOnWhileAnyoneWantsIt) {
  forbid_tf32();
  auto first = std::make_unique<Tf32Products>(true);
  auto second = std::make_unique<Tf32Products>(true);
  first.reset();
  EXPECT_TRUE(convolutions_round());
  EXPECT_TRUE(products_round());
  second.reset();
  EXPECT_FALSE(convolutions_round());
  EXPECT_FALSE(products_round());
}

TEST(Tf32, IsLeftAloneByWhoDoesNotWantIt) {
  forbid_tf32();
  const Tf32Products none(false);
  EXPECT_FALSE(convolutions_round());
}

}  // namespace
}  // namespace pillar
