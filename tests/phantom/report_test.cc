#include "phantom/scene.h"
#include "phantom/vocabulary.h"

#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace pillar {
namespace {

using phantom::make_scene;
using phantom::report_text;
using phantom::vocabulary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<FindingKind> kinds_of(const std::vector<Finding>& findings) {
  std::vector<FindingKind> kinds;
  for (const Finding& finding : findings) kinds.push_back(finding.kind);
  return kinds;
}

TEST(PhantomReport, StatesExactlyTheTruth) {
  for (std::uint64_t seed = 0; seed < 250; ++seed) {
    const PhantomOptions options{.size = 48, .finding_probability = 0.35};
    const std::vector<Finding> findings = make_scene(seed, options).findings;
    const Modality modality = seed % 2 == 0 ? Modality::ct : Modality::mr;
    const std::string report = report_text(seed, findings, modality, 3.75);
    ASSERT_EQ(findings_in_report(report), kinds_of(findings)) << "seed " << seed << "\n" << report;
  }
}

TEST(PhantomReport, EverySentenceOfTheVocabularyIsReadAsMeant) {
  for (FindingKind kind : all_findings()) {
    for (const auto* list : {&vocabulary(kind).statements, &vocabulary(kind).conclusions}) {
      for (std::string sentence : *list) {
        // The cue "rib" is in the site.
        const std::size_t at =
            kind == FindingKind::rib_fracture ? sentence.find("{site}") : std::string::npos;
        if (at != std::string::npos) sentence.replace(at, 6, "7th rib");
        EXPECT_THAT(findings_in_report(sentence), ElementsAre(kind)) << sentence;
      }
    }
    for (const char* sentence : vocabulary(kind).denials)
      EXPECT_THAT(findings_in_report(sentence), IsEmpty()) << sentence;
  }
  for (const auto& section : phantom::report_sections()) {
    for (const char* sentence : section.normal)
      EXPECT_THAT(findings_in_report(sentence), IsEmpty()) << sentence;
  }
}

TEST(PhantomReport, SaysSideSiteAndSize) {
  Finding finding{FindingKind::rib_fracture, {0, 0, 0}, 9.4, "left", "rib 7"};
  const std::string report = report_text(1, {finding}, Modality::ct, 3.75);
  EXPECT_THAT(report, HasSubstr("left 7th rib"));
  finding = {FindingKind::lung_nodule, {0, 0, 0}, 14.3, "right", "upper lobe"};
  std::set<std::string> sizes;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const std::string text = report_text(seed, {finding}, Modality::ct, 3.75);
    EXPECT_THAT(text, ::testing::ContainsRegex("[Rr]ight upper lobe"));
    sizes.insert(text.find("1.4 cm") != std::string::npos  ? "cm"
                 : text.find("14 mm") != std::string::npos ? "mm"
                                                           : "neither");
  }
  EXPECT_THAT(sizes, ElementsAre("cm", "mm"));
}

TEST(PhantomReport, ArticlesFitTheSize) {
  for (double size : {6.0, 8.0, 10.0, 11.0, 18.0, 81.0}) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const std::string text =
          report_text(seed, {{FindingKind::kidney_stone, {0, 0, 0}, size, "left", ""}}, Modality::ct, 3.75);
      EXPECT_THAT(text, Not(::testing::ContainsRegex("[Aa] (8|11 |18 )|[Aa]n (6|1\\.|10)"))) << text;
    }
  }
}

TEST(PhantomReport, WordingVaries) {
  std::set<std::string> reports;
  for (std::uint64_t seed = 0; seed < 50; ++seed) reports.insert(report_text(seed, {}, Modality::ct, 3.75));
  EXPECT_GT(reports.size(), 45u);
  for (const std::string& report : reports) EXPECT_THAT(report, Not(HasSubstr("{")));
}

TEST(PhantomReport, IsTheReportOfItsPhantom) {
  const Phantom sick = make_phantom(4, {.size = 24, .finding_probability = 1});
  const std::string report = make_report(4, sick);
  EXPECT_EQ(findings_in_report(report), all_findings());
  EXPECT_EQ(report, make_report(4, sick));
  EXPECT_NE(report, make_report(5, sick));
}

TEST(PhantomReport, ReadingForeignTextIsSafe) {
  EXPECT_THAT(findings_in_report(""), IsEmpty());
  EXPECT_THAT(findings_in_report("\n\n...\n"), IsEmpty());
  EXPECT_THAT(findings_in_report(std::string(100000, 'x')), IsEmpty());
}

}  // namespace
}  // namespace pillar
