#include "pillar/viz/label_pages.h"

#include "pillar/core/file.h"

#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LabelPages, AReviewHoldsItsItemsAndNothingThatCouldEndThem) {
  const TempDir dir;
  write_label_review("Labels <1>",
                     {{"Q0001", "human_label", "question", "Q?", "</script><img>", "", {"x"}, "Yes"}},
                     dir / "review.html");
  EXPECT_THAT(read_text_file(dir / "review.html"),
              AllOf(HasSubstr("Labels &lt;1&gt;"), HasSubstr("\\u003c/script>\\u003cimg>"),
                    Not(HasSubstr("<img>")), HasSubstr("default-src 'none'")));
}

TEST(LabelPages, AScoreShowsBothWeightings) {
  const TempDir dir;
  LabelScore score;
  score.labeller = "rules: x & y";
  const std::vector<ReviewedLabel> labels = {{true, true, 1}, {false, false, 3}, {false, true, 3}};
  score.overall = label_quality(labels, {.replicates = 10});
  score.questions = {{"Is there \"x\" <y>?", "Chest", score.overall}};
  score.categories = {{"Chest", "", score.overall}};
  score.texts = {{"findings", 4, 3, wilson_interval(3, 4, 0.95)}};
  score.reviewers = {{"Anna", "Ben", 3, 2, 0.4}};
  write_label_score_page("Labels", score, dir / "score.html");
  const std::string page = read_text_file(dir / "score.html");
  EXPECT_THAT(page,
              AllOf(HasSubstr("rules: x &amp; y"), HasSubstr("&lt;y&gt;?"), HasSubstr(">Weighted<"),
                    HasSubstr(">Unweighted<"), HasSubstr("Reviewer against reviewer"), HasSubstr("0.571")));
}

}  // namespace
}  // namespace pillar
