#include "pillar/viz/training_report.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "viz/report/training_rows.h"

#include <cmath>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string row(const char* phase, int step, double epoch, const std::string& values) {
  return fmt::format("{{\"phase\":\"{}\",\"step\":{},\"epoch\":{},\"wall_time\":{}{}{}}}\n", phase, step,
                     epoch, 1'700'000'000 + step, values.empty() ? "" : ",", values);
}

viz::TrainingRows rows_of(const std::string& text) {
  TempDir dir;
  write_file_atomic(dir / "metrics.jsonl", text);
  return viz::read_training_rows(dir / "metrics.jsonl");
}

std::string report_of(const std::string& text, const std::string& name = "a run") {
  TempDir dir;
  std::filesystem::create_directories(dir / name);
  write_file_atomic(dir / name / "metrics.jsonl", text);
  write_training_report(dir / name);
  return read_text_file(dir / name / "report.html");
}

TEST(TrainingRows, CurvesBySteps) {
  const viz::TrainingRows rows =
      rows_of(row("train", 1, 0.5, "\"loss\":3,\"lr\":1e-5") + row("train", 2, 1, "\"loss\":null") +
              row("validation", 2, 1, "\"loss\":2.5") + row("test", 9, 9, ""));
  EXPECT_THAT(rows.train.at("loss").x, ElementsAre(1, 2));
  EXPECT_EQ(rows.train.at("loss").y[0], 3);
  EXPECT_TRUE(std::isnan(rows.train.at("loss").y[1]));
  EXPECT_THAT(rows.train.at("lr").x, ElementsAre(1));
  EXPECT_THAT(rows.validation.at("loss").x, ElementsAre(1));
  EXPECT_EQ(rows.validation.size(), 1u);
  EXPECT_EQ(rows.rows, 4);
  EXPECT_EQ(rows.last_step, 9);
}

TEST(TrainingRows, TheLaterOfTwoRowsCounts) {
  const viz::TrainingRows rows =
      rows_of(row("train", 3, 1, "\"loss\":30") + row("train", 1, 1, "\"loss\":10") +
              row("train", 3, 1, "\"loss\":31") + row("train", 2, 1, "\"loss\":20"));
  EXPECT_THAT(rows.train.at("loss").x, ElementsAre(1, 2, 3));
  EXPECT_THAT(rows.train.at("loss").y, ElementsAre(10, 20, 31));
}

TEST(TrainingRows, ARunMayBeWritingTheLastLine) {
  EXPECT_EQ(rows_of(row("train", 1, 0, "\"loss\":3") + "{\"phase\":\"train\",\"st").rows, 1);
  EXPECT_EQ(rows_of("").rows, 0);
}

TEST(TrainingRows, ABadLineIsNamed) {
  const std::string good = row("train", 1, 0, "\"loss\":3");
  for (const auto& [bad, fault] : std::vector<std::pair<std::string, std::string>>{
           {"not json\n", "not a JSON object"},
           {row("train", 2, 0, "\"loss\":NaN"), "not a JSON object"},
           {row("train", -2, 0, ""), "\"step\""},
           {row("train", 2, -1, ""), "\"epoch\""},
           {row("train", 2, 0, "\"loss\":\"3\""), "\"loss\""},
           {row("validation", 2, 0, "\"loss\":[1]"), "\"loss\""},
           {"{\"step\":2,\"epoch\":0,\"wall_time\":1}\n", "\"phase\""},
           {"{\"phase\":1,\"step\":2,\"epoch\":0,\"wall_time\":1}\n", "\"phase\""},
           {"{\"phase\":\"train\",\"step\":2,\"epoch\":0,\"wall_time\":1e999}\n", "line 2"},
           {"{\"phase\":\"train\",\"step\":2,\"epoch\":null,\"wall_time\":1}\n", "\"epoch\""}}) {
    EXPECT_PILLAR_ERROR(rows_of(good + bad), ErrorCategory::input,
                        AllOf(HasSubstr("metrics.jsonl: line 2"), HasSubstr(fault)));
  }
  EXPECT_PILLAR_ERROR(viz::read_training_rows("/nowhere/metrics.jsonl"), ErrorCategory::io,
                      HasSubstr("/nowhere/metrics.jsonl"));
}

TEST(TrainingReport, PlotsWhatIsThereAndNothingElse) {
  std::string text;
  for (int step = 1; step <= 40; ++step) {
    text += row("train", step, step / 10.0,
                fmt::format("\"loss\":{},\"loss.chest_ct\":{},\"lr\":null,\"lossy\":1", 5 - step * 0.1, 4));
    if (step % 10 == 0) {
      text +=
          row("validation", step, step / 10,
              fmt::format("\"t2i_recall_at_5\":{},\"t2i_recall_at_5.chest_ct\":0.25", 0.3 - step * 0.001));
    }
  }
  const std::string page = report_of(text);
  EXPECT_THAT(page, AllOf(HasSubstr("<title>a run</title>"), HasSubstr("step 40, epoch 4.00"),
                          HasSubstr("2023-11-14 22:14 UTC")));
  EXPECT_THAT(page, AllOf(HasSubstr(">loss chest_ct</text>"), HasSubstr(">R@5 chest_ct</text>")));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">loss</th><td>1</td><td>1</td><td>step 40</td>"));
  EXPECT_THAT(page,
              HasSubstr("Recall, scan for a report: R@5</th><td>0.26</td><td>0.29</td><td>epoch 1</td>"));
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("Learning rate")), Not(HasSubstr("Median")), Not(HasSubstr("lossy"))));
}

TEST(TrainingReport, LoadsNothingAndRunsNothing) {
  const std::string page =
      report_of(row("train", 1, 0, "\"loss\":1,\"loss.<script>x</script>\":2"), "a <b> & c");
  EXPECT_THAT(page, HasSubstr("<title>a &lt;b&gt; &amp; c</title>"));
  EXPECT_THAT(page, AllOf(HasSubstr("default-src 'none'; style-src 'sha256-"), Not(HasSubstr("<script")),
                          Not(HasSubstr("style=\"")), Not(HasSubstr("src=\"")), Not(HasSubstr("href"))));
}

TEST(TrainingReport, OfNoRowsItSaysSo) {
  EXPECT_THAT(report_of(""), AllOf(HasSubstr("No rows yet."), Not(HasSubstr("<svg"))));
  EXPECT_THAT(report_of(row("train", 1, 0, "\"loss\":null")), Not(HasSubstr("<svg")));
}

TEST(TrainingReport, ABadFileLeavesTheReportAsItWas) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_training_report(dir.path()), ErrorCategory::io, HasSubstr("metrics.jsonl"));
  write_file_atomic(dir / "report.html", "before");
  write_file_atomic(dir / "metrics.jsonl", "nonsense\n");
  EXPECT_PILLAR_ERROR(write_training_report(dir.path()), ErrorCategory::input, HasSubstr("metrics.jsonl"));
  EXPECT_EQ(read_text_file(dir / "report.html"), "before");
}

}  // namespace
}  // namespace pillar
