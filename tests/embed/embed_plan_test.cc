#include "pillar/embed/embed_plan.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A scan of 8 MB while it loads; a batch of one is 4 MB.
PreprocessSpec spec() {
  return default_preprocess_spec("chest_ct", {100, 100, 100});
}

EmbedMemory memory(std::uint64_t model_mb, std::uint64_t available_mb, int batch, int jobs) {
  return {model_mb * 1'000'000, available_mb * 1'000'000, batch, jobs};
}

TEST(EmbedPlan, EnoughForTheThreadsAndNoMore) {
  EXPECT_EQ(plan_loader_bytes(spec(), memory(100, 10'000, 1, 4)), 64'000'000u);
}

TEST(EmbedPlan, AtMostHalfOfWhatIsLeft) {
  EXPECT_EQ(plan_loader_bytes(spec(), memory(100, 132, 1, 16)), 8'000'000u + 10'000'000u);
  EXPECT_EQ(plan_loader_bytes(spec(), memory(100, 112, 1, 16)), 8'000'000u) << "one scan always";
}

TEST(EmbedPlan, TooLittleIsRefusedWithTheFigures) {
  EXPECT_PILLAR_ERROR(
      plan_loader_bytes(spec(), memory(5000, 5011, 1, 1)), ErrorCategory::io,
      AllOf(HasSubstr("needs about 5.0 GB"), HasSubstr("5.0 GB are available"), HasSubstr("larger machine")));
  EXPECT_PILLAR_ERROR(
      plan_loader_bytes(spec(), memory(5000, 5100, 100, 1)), ErrorCategory::io,
      AllOf(HasSubstr("needs about 5.4 GB"), HasSubstr("a batch of 100 0.4"), HasSubstr("--batch-size")));
}

TEST(EmbedPlan, ProcessesOfOneHostShareItsMemory) {
  EmbedMemory shared = memory(100, 264, 1, 16);
  shared.processes = 2;
  EXPECT_EQ(plan_loader_bytes(spec(), shared), 8'000'000u + 10'000'000u);
  shared.processes = 3;
  EXPECT_PILLAR_ERROR(plan_loader_bytes(spec(), shared), ErrorCategory::io,
                      AllOf(HasSubstr("0.1 GB are available to each of 3 processes"),
                            HasSubstr("fewer processes on this host")));
}

}  // namespace
}  // namespace pillar
