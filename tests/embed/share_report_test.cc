#include "embed/share_report.h"

#include "support/expect_error.h"

namespace pillar {
namespace {

using ::testing::HasSubstr;

TEST(ShareReport, TravelsAsAText) {
  ShareReport report;
  report.summary.seconds = 1.0 / 3;
  report.summary.idle_seconds = 1e-17;
  report.summary.queued_seconds = 0.25;
  report.summary.outcomes = {{"/scans/a,\"b\"", "A,1", ScanStatus::written, ""},
                             {"/scans/\xff\xfe", "", ScanStatus::failed, "two\nlines\r\nand one"},
                             {"", "B", ScanStatus::skipped, " "},
                             {"c", "C", ScanStatus::left_out, ","}};
  report.sources["A,1"] = {"/scans/a", {"series 1.2", "3 images, sha256 12"}};
  const ShareReport read = parse_share_report(format_share_report(report));
  EXPECT_FALSE(read.fault.has_value());
  EXPECT_EQ(read.summary.seconds, report.summary.seconds);
  EXPECT_EQ(read.summary.idle_seconds, report.summary.idle_seconds);
  EXPECT_EQ(read.summary.queued_seconds, report.summary.queued_seconds);
  ASSERT_EQ(read.summary.outcomes.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const ScanOutcome &one = read.summary.outcomes[i], &told = report.summary.outcomes[i];
    EXPECT_EQ(one.path, told.path);
    EXPECT_EQ(one.accession, told.accession);
    EXPECT_EQ(one.status, told.status);
    EXPECT_EQ(one.reason, told.reason);
  }
  ASSERT_EQ(read.sources.size(), 1u);
  EXPECT_EQ(read.sources.at("A,1").path, "/scans/a");
  EXPECT_EQ(read.sources.at("A,1").identity.content, "3 images, sha256 12");
}

TEST(ShareReport, AFaultKeepsItsCategory) {
  ShareReport report;
  report.fault = Error(ErrorCategory::usage, "split \"test\" is, alas, another's");
  const ShareReport read = parse_share_report(format_share_report(report));
  EXPECT_EQ(read.fault->category(), ErrorCategory::usage);
  EXPECT_STREQ(read.fault->what(), report.fault->what());
}

TEST(ShareReport, OtherTextsAreRefused) {
  const std::string header = "row,first,second,third,fourth\n";
  for (const std::string text : {"", "a,b\n", "row,first\n"})
    EXPECT_THROW(parse_share_report(text), Error) << text;
  EXPECT_PILLAR_ERROR(parse_share_report(header + "outcome,A,a,9,\n"), ErrorCategory::input,
                      HasSubstr("9 means nothing"));
  EXPECT_PILLAR_ERROR(parse_share_report(header + "time,soon,1,,\n"), ErrorCategory::input,
                      HasSubstr("'soon' is no number"));
  EXPECT_PILLAR_ERROR(parse_share_report(header + "news,,,,\n"), ErrorCategory::input, HasSubstr("'news'"));
  EXPECT_PILLAR_ERROR(parse_share_report(header + "fault,7,x,,\n"), ErrorCategory::input,
                      HasSubstr("what another process reports"));
}

}  // namespace
}  // namespace pillar
