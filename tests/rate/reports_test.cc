#include "pillar/rate/reports.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RateReportFiles : public ::testing::Test {
 protected:
  RateReports read(const std::string& text, const std::string& name = "reports.csv",
                   const ReportColumns& columns = {}) {
    write_file_atomic(dir_ / name, text);
    return read_rate_reports({dir_ / name}, columns);
  }
  TempDir dir_;
};

TEST_F(RateReportFiles, CsvWithAByteOrderMarkQuotesAndLineEnds) {
  const RateReports reports = read(
      "\xEF\xBB\xBF"
      "Accession,Age,Report Text\r\n007,61,\"First line.\nSays \"\"clear\"\", no more.\"\r\n"
      "A/1,5,Plain\r\n");
  ASSERT_EQ(reports.reports.size(), 2u);
  EXPECT_EQ(reports.reports[0].accession, "007");
  EXPECT_EQ(reports.reports[0].text, "First line.\nSays \"clear\", no more.");
  EXPECT_EQ(reports.reports[1].accession, "A/1");
  EXPECT_TRUE(reports.notes.empty());
}

TEST_F(RateReportFiles, JsonLinesOfACohortOrWithThePublicNames) {
  EXPECT_EQ(read("{\"sample_name\":\"S1\",\"report_metadata\":\"Clear.\"}", "a.jsonl").reports[0].text,
            "Clear.");
  EXPECT_EQ(read("{\"Accession\":\"S1\",\"Report Text\":\"Clear.\"}\n", "b.jsonl").reports[0].accession,
            "S1");
  EXPECT_EQ(read("{\"id\":\"S1\",\"words\":\"Clear.\"}\n", "c.jsonl", {"id", "words"}).reports[0].text,
            "Clear.");
  EXPECT_PILLAR_ERROR(read("{\"sample_name\":\"S1\"}\n", "d.jsonl"), ErrorCategory::input,
                      AllOf(HasSubstr("d.jsonl:1"), HasSubstr("report_metadata")));
  EXPECT_PILLAR_ERROR(read("{\"sample_name\":1,\"report_metadata\":\"x\"}\n", "e.jsonl"),
                      ErrorCategory::input, HasSubstr("e.jsonl:1"));
}

TEST_F(RateReportFiles, AnEmptyReportIsSetAside) {
  const RateReports reports = read("Accession,Report Text\nA,\nB,\" \n\"\nC,Clear\n");
  ASSERT_EQ(reports.empty.size(), 2u);
  EXPECT_EQ(reports.empty[0].accession, "A");
  EXPECT_EQ(reports.reports.size(), 1u);
}

TEST_F(RateReportFiles, AnAccessionAgainCountsOnceOrIsRefusedByRow) {
  const RateReports reports = read("Accession,Report Text\nA,Clear\nA,Clear\n");
  EXPECT_EQ(reports.reports.size(), 1u);
  ASSERT_EQ(reports.notes.size(), 1u);
  EXPECT_THAT(reports.notes[0], AllOf(HasSubstr("row 2"), HasSubstr("counts once")));
  EXPECT_PILLAR_ERROR(read("Accession,Report Text\nA,Secret one\nA,Secret two\n"), ErrorCategory::input,
                      AllOf(HasSubstr("row 2"), HasSubstr("accession A again"), HasSubstr("row 1"),
                            Not(HasSubstr("Secret"))));
}

TEST_F(RateReportFiles, BytesThatAreNoUtf8AreReplacedInReportsAndRefusedInAccessions) {
  const RateReports reports = read("Accession,Report Text\nA,Nodule \xFF left\n");
  EXPECT_EQ(reports.reports[0].text, "Nodule \xEF\xBF\xBD left");
  ASSERT_EQ(reports.notes.size(), 1u);
  EXPECT_THAT(reports.notes[0], AllOf(HasSubstr("accession A"), Not(HasSubstr("Nodule"))));
  EXPECT_PILLAR_ERROR(read("Accession,Report Text\n\xFF,Clear\n"), ErrorCategory::input, HasSubstr("row 1"));
  EXPECT_PILLAR_ERROR(read("Accession,Report Text\n,Clear\n"), ErrorCategory::input,
                      AllOf(HasSubstr("row 1"), HasSubstr("empty")));
}

TEST_F(RateReportFiles, AFileWithoutAHeaderShowsNoReport) {
  EXPECT_PILLAR_ERROR(
      read("A,Secret one\nB,Secret two\n"), ErrorCategory::input,
      AllOf(HasSubstr("'Accession'"), HasSubstr("--accession-col"), Not(HasSubstr("Secret"))));
  EXPECT_PILLAR_ERROR(read("Secret one,Secret one\nA,Secret two\n"), ErrorCategory::input,
                      AllOf(HasSubstr("columns 1 and 2"), Not(HasSubstr("Secret"))));
  EXPECT_PILLAR_ERROR(read("Accession,Report text\nA,Clear\n"), ErrorCategory::input,
                      AllOf(HasSubstr("did you mean 'Report text'?"), HasSubstr("--report-col")));
}

TEST_F(RateReportFiles, ALongReportIsReadWhole) {
  const std::string text(200'000, 'x');
  EXPECT_EQ(read("Accession,Report Text\nA," + text + "\n").reports[0].text, text);
}

TEST_F(RateReportFiles, AFileWithoutReportsIsRefused) {
  EXPECT_PILLAR_ERROR(read("Accession,Report Text\n"), ErrorCategory::input, HasSubstr("no report"));
  EXPECT_PILLAR_ERROR(read_rate_reports({dir_ / "absent.csv"}, {}), ErrorCategory::io,
                      HasSubstr("absent.csv"));
}

}  // namespace
}  // namespace pillar
