#include "pillar/rate/stage.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RateStages, AreNamedAndRunInTheirOrder) {
  EXPECT_EQ(parse_rate_stages("all").size(), 4u);
  EXPECT_THAT(parse_rate_stages("process-questions,remove-comparisons,process-questions"),
              ElementsAre(RateStage::remove_comparisons, RateStage::process_questions));
}

TEST(RateStages, AnUnknownOneIsNamedWithTheNearest) {
  EXPECT_PILLAR_ERROR(parse_rate_stages("map-category"), ErrorCategory::usage,
                      AllOf(HasSubstr("'map-category'"), HasSubstr("did you mean 'map-categories'?")));
  EXPECT_PILLAR_ERROR(parse_rate_stages(""), ErrorCategory::usage, HasSubstr("is no stage"));
  EXPECT_PILLAR_ERROR(parse_rate_stages("process-questions,"), ErrorCategory::usage,
                      HasSubstr("is no stage"));
}

}  // namespace
}  // namespace pillar
