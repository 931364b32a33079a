#include "model/encoder/device_memory.h"

#include "support/atlas_configs.h"

#include <gtest/gtest.h>

namespace pillar {
namespace {

// atlas-small-abdomen-ct, 384^3: what has been measured on an H200 (plain: 6.6 GB, ours before: 6 GB, with
// the stem's maps) is more than its tokens.
TEST(DeviceMemory, OfAReleasedModelIsBelowWhatWasMeasured) {
  AtlasConfig config;
  config.dim = 384;
  const TokenMemory memory = token_memory(config, {64, 64, 64}, 1, at::kBFloat16);
  EXPECT_EQ(memory.rows, 262'144);
  const std::uint64_t all = memory.kept_bytes + memory.row_bytes * 262'144;
  EXPECT_GT(all, std::uint64_t{1} << 30);
  EXPECT_LT(all, std::uint64_t{5} << 30);
  EXPECT_GT(token_memory(config, {64, 64, 64}, 1, at::kFloat).row_bytes, memory.row_bytes);
  EXPECT_EQ(token_memory(config, {64, 64, 64}, 3, at::kBFloat16).rows, 3 * memory.rows);
}

TEST(DeviceMemory, AllTokensGoAtOnceWhereTheyFit) {
  const TokenMemory memory{1000, 10, 100'000};
  EXPECT_EQ(tokens_that_fit(memory, 1'001'000), 0);
  EXPECT_EQ(tokens_that_fit(memory, 1'000'999), 99'999);
  EXPECT_EQ(tokens_that_fit(memory, 51'000), 5'000);
  EXPECT_EQ(tokens_that_fit(memory, 500), 2'048);
  EXPECT_EQ(tokens_that_fit(memory, 0), 2'048);
}

}  // namespace
}  // namespace pillar
