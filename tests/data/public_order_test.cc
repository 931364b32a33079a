#include "pillar/data/public_order.h"

#include "support/expect_error.h"
#include "support/goldens.h"

#include <fstream>

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(PublicOrder, IsTheOfficialSamplers) {
  PILLAR_NEEDS_GOLDEN("finetune/misc_a.json");
  std::ifstream file(test::golden("finetune/misc_a.json"));
  const nlohmann::json sampler = nlohmann::json::parse(file).at("weighted_sampler");
  for (const nlohmann::json& run : sampler.at("runs")) {
    EXPECT_EQ(public_weighted_order(sampler.at("weights"), sampler.at("seed"), run.at("epoch"),
                                    run.at("num_replicas"), run.at("drop_last")),
              run.at("rank0").get<std::vector<std::int64_t>>())
        << run.dump();
  }
}

TEST(PublicOrder, DrawsFewerForMoreProcesses) {
  const std::vector<double> weights(10, 1);
  EXPECT_THAT(public_weighted_order(weights, 0, 0, 3, false), SizeIs(4));
  EXPECT_THAT(public_weighted_order(weights, 0, 0, 3, true), SizeIs(3));
  EXPECT_THAT(public_weighted_order(weights, 0, 0, 5, true), SizeIs(2));
  EXPECT_THAT(public_weighted_order(weights, 0, 0, 11, true), IsEmpty());
}

TEST(PublicOrder, WeightsThatMakeNoSenseAreRefused) {
  EXPECT_PILLAR_ERROR(public_weighted_order({1}, 0, 0, 0, false), ErrorCategory::usage,
                      HasSubstr("0 processes"));
  EXPECT_PILLAR_ERROR(public_weighted_order({}, 0, 0, 1, false), ErrorCategory::usage,
                      HasSubstr("0 studies"));
  EXPECT_PILLAR_ERROR(public_weighted_order({1, -1}, 0, 0, 1, false), ErrorCategory::usage,
                      HasSubstr("negative"));
}

}  // namespace
}  // namespace pillar
