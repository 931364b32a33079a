#include "pillar/windows/window.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> names(std::string_view text, WindowFamily family) {
  std::vector<std::string> result;
  for (const Window& window : parse_windows(text, family)) result.push_back(window.name);
  return result;
}

TEST(Windows, AllAndDefaultOfEachFamily) {
  EXPECT_THAT(names("all", WindowFamily::ct),
              ElementsAre("lung", "mediastinum", "abdomen", "liver", "bone", "brain", "subdural", "stroke",
                          "temporal_bone", "soft_tissue", "minmax"));
  EXPECT_THAT(names("default", WindowFamily::ct), ElementsAre("lung", "mediastinum", "bone"));
  EXPECT_THAT(names("all", WindowFamily::mr), ElementsAre("high_contrast", "minmax", "znorm"));
  EXPECT_EQ(parse_windows("default", WindowFamily::mr), parse_windows("all", WindowFamily::mr));
  EXPECT_THAT(names("all", WindowFamily::xray), ElementsAre("lung", "mediastinum", "bone"));
  EXPECT_EQ(parse_windows("default", WindowFamily::xray), parse_windows("all", WindowFamily::xray));
  EXPECT_EQ(known_windows(WindowFamily::ct), parse_windows("all", WindowFamily::ct));
}

TEST(Windows, NumbersOfTheNamedOnes) {
  const auto lung = parse_windows("lung", WindowFamily::ct).at(0);
  EXPECT_EQ(lung, (Window{"lung", WindowKind::level, -600, 1500}));
  EXPECT_EQ(parse_windows("temporal_bone", WindowFamily::ct).at(0).width, 2800);
  const auto contrast = parse_windows("high_contrast", WindowFamily::mr).at(0);
  EXPECT_EQ(contrast.kind, WindowKind::percentile);
  EXPECT_EQ(contrast.lower_percent, 20);
  EXPECT_EQ(contrast.upper_percent, 99);
  const auto bone = parse_windows("bone", WindowFamily::xray).at(0);
  EXPECT_EQ(bone.lower_percent, 70);
  EXPECT_EQ(bone.upper_percent, 98);
}

TEST(Windows, OwnOnesAmongNamedOnes) {
  const auto windows = parse_windows("lung, bone ,kidney: 60 , 300,minmax,cold:-80.5,1e1", WindowFamily::ct);
  ASSERT_EQ(windows.size(), 5u);
  EXPECT_EQ(windows[2], (Window{"kidney", WindowKind::level, 60, 300}));
  EXPECT_EQ(windows[3].kind, WindowKind::minmax);
  EXPECT_EQ(windows[4], (Window{"cold", WindowKind::level, -80.5, 10}));
  EXPECT_THAT(names("default,kidney:60,300", WindowFamily::ct),
              ElementsAre("lung", "mediastinum", "bone", "kidney"));
  EXPECT_THAT(names("own:500,1000", WindowFamily::mr), ElementsAre("own"));
}

TEST(Windows, UnknownNameSaysTheNearest) {
  const auto parse = [](const char* text) { return parse_windows(text, WindowFamily::ct); };
  EXPECT_PILLAR_ERROR(parse("lung,mediastinium"), ErrorCategory::usage,
                      AllOf(HasSubstr("'mediastinium'"), HasSubstr("did you mean 'mediastinum'?")));
  EXPECT_PILLAR_ERROR(parse("al"), ErrorCategory::usage, HasSubstr("did you mean 'all'?"));
  EXPECT_PILLAR_ERROR(parse("xyzzy"), ErrorCategory::usage,
                      AllOf(Not(HasSubstr("did you mean")), HasSubstr("lung, ")));
  EXPECT_PILLAR_ERROR(parse("znorm"), ErrorCategory::usage, HasSubstr("no CT window 'znorm'"));
  EXPECT_PILLAR_ERROR(parse_windows("brain", WindowFamily::mr), ErrorCategory::usage,
                      HasSubstr("no MR window 'brain'"));
  EXPECT_PILLAR_ERROR(parse("a\nb"), ErrorCategory::usage, HasSubstr("a\\x0Ab"));
  EXPECT_PILLAR_ERROR(parse(""), ErrorCategory::usage, HasSubstr("''"));
  EXPECT_PILLAR_ERROR(parse("lung,"), ErrorCategory::usage, HasSubstr("''"));
  EXPECT_PILLAR_ERROR(parse("LUNG"), ErrorCategory::usage, HasSubstr("LUNG"));
}

TEST(Windows, BadOwnWindowsAreRefused) {
  const auto parse = [](const char* text) { return parse_windows(text, WindowFamily::ct); };
  for (const char* text :
       {"k:60,0", "k:60,-5", "k:60,nan", "k:inf,100", "k:60,inf", "k:60,1e-300", "k:1e300,100"}) {
    EXPECT_PILLAR_ERROR(parse(text), ErrorCategory::usage, HasSubstr("the width above 0"));
  }
  for (const char* text : {"k:,100", "k:60,", "k:60x,100", "k:60,1 0", "k:60:70,100"}) {
    EXPECT_PILLAR_ERROR(parse(text), ErrorCategory::usage, HasSubstr("no number"));
  }
  EXPECT_PILLAR_ERROR(parse("lung,k:60"), ErrorCategory::usage, HasSubstr("no width"));
  EXPECT_PILLAR_ERROR(parse(":60,100"), ErrorCategory::usage, HasSubstr("no name"));
}

TEST(Windows, ANameTwiceIsRefused) {
  for (const char* text : {"lung,bone,lung", "all,lung", "k:1,2,k:3,4", "lung:1,2,lung"}) {
    EXPECT_PILLAR_ERROR(parse_windows(text, WindowFamily::ct), ErrorCategory::usage,
                        HasSubstr("named twice"));
  }
}

TEST(Windows, Families) {
  EXPECT_EQ(parse_window_family("ct"), WindowFamily::ct);
  EXPECT_EQ(parse_window_family("MRI"), WindowFamily::mr);
  EXPECT_EQ(parse_window_family("x-ray"), WindowFamily::xray);
  EXPECT_EQ(parse_window_family("DX"), WindowFamily::xray);
  EXPECT_PILLAR_ERROR(parse_window_family("PET"), ErrorCategory::usage, HasSubstr("'PET'"));
}

}  // namespace
}  // namespace pillar
