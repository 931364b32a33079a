#include "pillar/rave/hu_map.h"

#include "pillar/core/safetensors.h"

#include "support/goldens.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

std::vector<std::int64_t> golden_table(const std::string& name) {
  at::Tensor table = SafetensorsFile(test::golden("rave/luts.safetensors")).tensor(name).to(at::kLong);
  return {table.data_ptr<std::int64_t>(), table.data_ptr<std::int64_t>() + table.numel()};
}

template <typename Table>
std::vector<std::int64_t> widened(const Table& table) {
  return {table.begin(), table.end()};
}

TEST(HuMap, EncoderTableIsThePublicOne) {
  PILLAR_NEEDS_GOLDEN("rave/luts.safetensors");
  EXPECT_EQ(widened(hu_to_y10_table()), golden_table("hu_to_y10"));
}

TEST(HuMap, DecoderTablesAreThePublicOnes) {
  PILLAR_NEEDS_GOLDEN("rave/luts.safetensors");
  EXPECT_EQ(widened(y10_to_gray16_table()), golden_table("y10_to_gray16"));
  EXPECT_EQ(widened(y10_to_hu_table()), golden_table("y10_to_hu"));
}

TEST(HuMap, LimitedRangeIsKept) {
  // The quirk that the released weights were trained on: air comes back brighter than it went in.
  EXPECT_EQ(hu_to_y10_table().front(), 64);
  EXPECT_EQ(hu_to_y10_table().back(), 943);
  EXPECT_EQ(y10_to_hu_table()[hu_to_y10_table()[0]], -767);
}

}  // namespace
}  // namespace pillar
