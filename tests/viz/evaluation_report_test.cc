#include "pillar/viz/evaluation_report.h"

#include "pillar/core/file.h"
#include "pillar/core/sha256.h"
#include "pillar/viz/png.h"

#include "support/expect_error.h"
#include "support/sample_metrics.h"
#include "support/temp_dir.h"
#include "viz/unpack.h"
#include "viz/viewer/text_encoding.h"

#include <chrono>

namespace pillar {
namespace {

using test::Json;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

std::string page_of(const Json& metrics) {
  TempDir dir;
  test::write_run(dir / "a run", metrics);
  write_evaluation_report(dir / "a run", dir / "page.html");
  return read_text_file(dir / "page.html");
}

TEST(EvaluationReport, AProbeHasItsNumbersCurvesAndErrors) {
  const std::string page = page_of(test::probe_metrics(9));
  EXPECT_THAT(page, AllOf(HasSubstr("<title>a run</title>"),
                          HasSubstr("Linear probe, 9 questions on 5,000 test studies"),
                          HasSubstr("2026-01-31T12:00:00Z")));
  EXPECT_THAT(page, AllOf(HasSubstr("<dt>Macro AUROC</dt><dd><b>0.831</b><span>0.819–0.844</span>"),
                          HasSubstr("<dt>Questions</dt><dd><b>8</b><span>of 9 with both classes</span>"),
                          HasSubstr("20,000 train, 2,500 valid")));
  EXPECT_THAT(
      page, HasSubstr("95 % percentile intervals of 1,000 bootstrap replicates over 5,000 studies (seed 0)"));
  EXPECT_EQ(count(page, "<tr><td><a href=\"#q"), 9u);
  EXPECT_EQ(count(page, ">Reliability</text>"), 8u);
  EXPECT_EQ(count(page, "<h3>Most confident errors</h3>"), 8u);
  EXPECT_THAT(page, HasSubstr("No ROC curve: one class only."));
  EXPECT_THAT(page, HasSubstr(" Training: "));
  EXPECT_THAT(page, HasSubstr("data-v=\"\">–</td>")) << "the question with one class";
  EXPECT_THAT(
      page,
      AllOf(HasSubstr("<pre>pillar-eval probe --embeddings cache --labels &quot;all labels.json&quot;"),
            HasSubstr("labels/&lt;all&gt;.json"), HasSubstr(std::string(64, 'a')), HasSubstr("LibTorch")));
}

TEST(EvaluationReport, EveryTextStaysText) {
  for (const Json& metrics : {test::probe_metrics(3), test::compare_metrics(3), test::retrieve_metrics(9),
                              test::zero_shot_without_labels(3)}) {
    const std::string page = page_of(metrics);
    EXPECT_THAT(page, AllOf(Not(HasSubstr("<script>alert")), Not(HasSubstr("<b>or</b>")),
                            Not(HasSubstr("<i>No</i>")), Not(HasSubstr(" style=\""))));
  }
  const Json probe = test::probe_metrics(3), compare = test::compare_metrics(3);
  const std::string escaped = viz::escape_html(probe["questions"][0]["question"].get<std::string>());
  EXPECT_THAT(escaped, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page_of(probe), HasSubstr(escaped));
  EXPECT_THAT(page_of(compare), HasSubstr(escaped));
}

// A browser runs and applies nothing whose hash is not in the policy, and loads nothing at all.
TEST(EvaluationReport, PolicyAdmitsThePagesOwnScriptAndStyleOnly) {
  const std::string page = page_of(test::probe_metrics(3));
  const std::string policy = test::between(page, "Content-Security-Policy\"\n      content=\"", "\"");
  EXPECT_THAT(policy,
              AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("unsafe")), Not(HasSubstr("img-src"))));
  for (const char* element : {"script", "style"}) {
    const std::string text = test::between(page, fmt::format("<{}>", element), fmt::format("</{}>", element));
    EXPECT_THAT(policy,
                HasSubstr(fmt::format("{}-src 'sha256-{}'", element, viz::base64(sha256(as_bytes(text))))));
  }
  for (const char* remote : {"https://", "src=\"", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(remote)));
}

TEST(EvaluationReport, ErrorsLinkToTheViewerPagesThatAreThere) {
  TempDir dir;
  Json metrics = test::probe_metrics(2);
  metrics["questions"][0]["errors"][0]["accession"] = "CT/7 ü#1";
  test::write_run(dir / "run", metrics);
  std::filesystem::create_directories(dir / "run/view");
  write_file_atomic(dir / "run/view/CT%2F7 ü#1.html", "a viewer");
  write_evaluation_report(dir / "run", dir / "run/report.html");
  std::string page = read_text_file(dir / "run/report.html");
  EXPECT_THAT(page, HasSubstr("<a href=\"view/CT%252F7%20%C3%BC%231.html\">CT/7 ü#1</a>"));
  EXPECT_THAT(page, HasSubstr("<td>S0002</td>"));
  std::filesystem::create_directories(dir / "pages here");
  write_evaluation_report(dir / "run", dir / "pages here/probe.html");
  EXPECT_THAT(read_text_file(dir / "pages here/probe.html"), HasSubstr("href=\"../run/view/CT%252F7"));
}

TEST(EvaluationReport, WithoutLabelsThereAreQuestionsOnly) {
  const std::string page = page_of(test::zero_shot_without_labels(4));
  EXPECT_THAT(page, AllOf(HasSubstr("Zero-shot, 4 questions"), HasSubstr("Scores without labels"),
                          Not(HasSubstr("AUROC</"))));
  Json labelled = test::probe_metrics(4);
  labelled["kind"] = "zero-shot";
  for (Json& question : labelled["questions"]) {
    question["brier"] = question["expected_calibration_error"] = nullptr;
    question["train_positive"] = question["train_negative"] = nullptr;
  }
  EXPECT_THAT(page_of(labelled), AllOf(HasSubstr("Zero-shot, 4 questions"), HasSubstr("Macro AUROC"),
                                       Not(HasSubstr("Training:")), Not(HasSubstr(">ECE</th>"))));
}

TEST(EvaluationReport, AComparisonHasDifferencesAndVerdicts) {
  Json metrics = test::compare_metrics(12);
  metrics["comparisons"][0]["questions"][3].update(
      {{"difference", -0.2}, {"low", -0.31}, {"high", -0.09}, {"verdict", "loss"}});
  const std::string page = page_of(metrics);
  EXPECT_THAT(page,
              AllOf(HasSubstr("<h2>trained against untrained</h2>"),
                    HasSubstr("<b>+0.129</b><span>+0.112 to +0.146</span>"), HasSubstr(">−0.200</td>"),
                    HasSubstr("−0.310 to −0.090"), HasSubstr("<i>−0.5</i><i>0</i><i>+0.5</i>"),
                    HasSubstr("<td class=\"loss\">loss</td>"), HasSubstr(">AUROC of each question</text>")));
}

TEST(EvaluationReport, RetrievalStandsAgainstChanceAndShowsTheNearest) {
  TempDir dir;
  test::write_run(dir / "run", test::retrieve_metrics(500));
  std::filesystem::create_directories(dir / "run/thumbnails");
  Image8 image{2, 2, 1, {0, 90, 180, 255}};
  write_png(dir / "run/thumbnails/S0001.png", image);
  write_file_atomic(dir / "run/thumbnails/S0002.png", "no picture");
  write_evaluation_report(dir / "run", dir / "run/report.html");
  const std::string page = read_text_file(dir / "run/report.html");
  EXPECT_THAT(page, AllOf(HasSubstr("img-src data:; "), HasSubstr("Retrieval among 500 pairs"),
                          HasSubstr(">105.0 ×</td>"), HasSubstr("Large right pleural effusion.\n&lt;i&gt;No"),
                          HasSubstr("250.5")));
  EXPECT_THAT(page,
              HasSubstr(fmt::format("src=\"data:image/png;base64,{}\"", viz::base64(encode_png(image)))));
  EXPECT_EQ(count(page, "<img "), 1u);
  EXPECT_EQ(count(page, "class=\"blank\""), 7u);
}

TEST(EvaluationReport, ASurvivalModelHasItsYearsAndConcordance) {
  const std::string page = page_of(test::survival_metrics(6));
  EXPECT_THAT(page, AllOf(HasSubstr("Risk over 6 years, of 2,000 studies with 120 events"),
                          HasSubstr("<dt>C-index</dt><dd><b>0.750</b><span>0.710–0.790</span>"),
                          HasSubstr("<td>6</td>"), Not(HasSubstr("<td>7</td>")), HasSubstr("0.800")));
}

TEST(EvaluationReport, APageOfAllQuestionsIsLight) {
  TempDir dir;
  test::write_run(dir / "run", test::probe_metrics(366));
  const auto start = std::chrono::steady_clock::now();
  write_evaluation_report(dir / "run", dir / "report.html");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(std::filesystem::file_size(dir / "report.html"), 4'000'000u);
  EXPECT_LT(took.count(), 2);
}

struct Fault {
  const char* pointer;  // RFC 6901
  Json value;
  const char* message;
};

void expect_fault(Json metrics, const Fault& fault) {
  TempDir dir;
  metrics[Json::json_pointer(fault.pointer)] = fault.value;
  test::write_run(dir / "run", metrics);
  write_file_atomic(dir / "report.html", "before");
  EXPECT_PILLAR_ERROR(write_evaluation_report(dir / "run", dir / "report.html"), ErrorCategory::input,
                      AllOf(HasSubstr("run/metrics.json: "), HasSubstr(fault.message)));
  EXPECT_EQ(read_text_file(dir / "report.html"), "before");
}

TEST(EvaluationReport, AFaultIsNamedByFileAndKey) {
  for (const Fault& fault : std::vector<Fault>{
           {"/format", 2, "format must be 1"},
           {"/kind", "dance",
            "kind must be probe, zero-shot, finetune, finetune-survival, retrieve, compare or localize"},
           {"/kind", nullptr, "kind must be text"},
           {"/questions", 3, "questions must be a list"},
           {"/questions/1", "x", "questions[1] must be an object"},
           {"/questions/1/auroc/value", "0.8", "questions[1].auroc.value must be a number or null"},
           {"/questions/0/auroc/low", 0.999, "questions[0].auroc must be an interval"},
           {"/questions/0/num_positive", -1, "questions[0].num_positive must be a whole number"},
           {"/questions/0/num_positive", 1e30, "questions[0].num_positive must be a whole number"},
           {"/questions/0/roc/5", Json::array({0.1, 2}), "questions[0].roc must be a list of pairs"},
           {"/questions/0/roc", Json::array({0.1}), "questions[0].roc must be a list of pairs"},
           {"/questions/0/reliability/0/observed", 1.5, "questions[0].reliability[0].observed must be"},
           {"/questions/0/errors/0/answer", 2, "questions[0].errors[0].answer must be 0 or 1"},
           {"/macro/auroc", Json::object(), "macro.auroc.value is missing"},
           {"/macro", nullptr, "macro must be an object"},
           {"/bootstrap/unit", "slice", "bootstrap.unit must be study or patient"},
           {"/inputs/0/sha256", nullptr, "inputs[0].sha256 must be text"},
           {"/command", nullptr, "command must be text"}}) {
    expect_fault(test::probe_metrics(3), fault);
  }
  expect_fault(test::compare_metrics(3),
               {"/comparisons/0/questions/1/verdict", "draw", "verdict must be win, tie or loss"});
  expect_fault(test::retrieve_metrics(9), {"/query/kind", "song", "query.kind must be accession or report"});
  expect_fault(test::retrieve_metrics(9),
               {"/chance/recall_at_5", "x", "chance.recall_at_5 must be a number or null"});
  expect_fault(test::survival_metrics(3), {"/years/1/year", 3, "years[1].year must be the next year"});
  expect_fault(test::survival_metrics(3), {"/pairs/all", "x", "pairs.all must be a number or null"});
}

TEST(EvaluationReport, WhatIsNoMetricsFileIsRefused) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(write_evaluation_report(dir / "nowhere", dir / "r.html"), ErrorCategory::io,
                      HasSubstr("nowhere/metrics.json"));
  std::filesystem::create_directories(dir / "run");
  for (const char* text :
       {"", "no json", "[1]", "{\"format\": 1", "{\"format\": 1e999}", "{\"a\": \"\xFF\"}"}) {
    write_file_atomic(dir / "run/metrics.json", text);
    EXPECT_PILLAR_ERROR(write_evaluation_report(dir / "run", dir / "r.html"), ErrorCategory::input,
                        HasSubstr("not a JSON object"));
  }
  const std::string open(200'000, '['), close(200'000, ']');
  write_file_atomic(dir / "run/metrics.json", fmt::format("{{\"format\":{}{}}}", open, close));
  EXPECT_PILLAR_ERROR(write_evaluation_report(dir / "run", dir / "r.html"), ErrorCategory::input,
                      HasSubstr("format must be"));
  EXPECT_FALSE(std::filesystem::exists(dir / "r.html"));
}

}  // namespace
}  // namespace pillar
