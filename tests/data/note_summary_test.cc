#include "data/loader/note_summary.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> texts_of_kinds(const NoteSummary& notes) {
  std::vector<std::string> texts;
  for (const NoteKind& kind : notes.kinds()) texts.push_back(to_text(kind));
  return texts;
}

TEST(NoteSummary, NamesAndNumbersDoNotMakeAKind) {
  NoteSummary notes;
  notes.add(0, "A1", "A1: voxels of 0.8x0.8x2.5 mm");
  notes.add(1, "B-7", "B-7: voxels of 0.75x0.8x3 mm");
  notes.add(1, "B-7", "B-7: slices run from head to feet: not flipped");
  notes.add(2, "C", "C: voxels of 1x1x1 mm");
  EXPECT_THAT(texts_of_kinds(notes), ElementsAre("A1: voxels of 0.8x0.8x2.5 mm (and 2 more studies)",
                                                 "B-7: slices run from head to feet: not flipped"));
}

TEST(NoteSummary, TellsTheFirstOfAKindAndThoseThatCameAgain) {
  NoteSummary notes;
  EXPECT_TRUE(notes.add(0, "A1", "A1: not flipped"));
  EXPECT_TRUE(notes.add(0, "A1", "A1: no spacing"));
  EXPECT_FALSE(notes.add(1, "A2", "A2: not flipped"));
  EXPECT_THAT(notes.repeated(), ElementsAre("A1: not flipped (and 1 more study)"));
}

TEST(NoteSummary, AStudyCountsOnceHoweverOftenItIsLoaded) {
  NoteSummary notes;
  EXPECT_THAT(texts_of_kinds(notes), ElementsAre());
  for (int epoch = 0; epoch < 3; ++epoch) notes.add(4, "A1", "A1: not flipped");
  EXPECT_THAT(texts_of_kinds(notes), ElementsAre("A1: not flipped"));
  notes.add(5, "A2", "A2: not flipped");
  EXPECT_THAT(texts_of_kinds(notes), ElementsAre("A1: not flipped (and 1 more study)"));
}

}  // namespace
}  // namespace pillar
