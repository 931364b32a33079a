#include "pillar/eval/scan_predict_job.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/write_lock.h"
#include "pillar/rave/sample.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>
#include <limits>

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

fs::path predicted_sample(const TempDir& dir, const std::string& accession, std::uint32_t seed) {
  SampleMetadata metadata;
  metadata.accession = accession;
  const fs::path target = dir / fmt::format("{}.1.0", accession);
  write_sample(target, test::smooth_volume(10, 20, 24, seed), metadata, {});
  return target;
}

// Stands for a model: two numbers of the voxels, and a place it always looks at.
ScanAnswers stand_in(const at::Tensor& voxels_bcdhw) {
  const at::Tensor values = voxels_bcdhw.to(at::kFloat).flatten(1).div(1000);
  ScanAnswers answers;
  answers.logits_bn = at::empty({values.size(0), 2}, at::kFloat);
  answers.logits_bn.select(1, 0).copy_(values.mean(1));
  answers.logits_bn.select(1, 1).copy_(values.select(1, 7));
  answers.probabilities_bn = at::sigmoid(answers.logits_bn);
  answers.attention_bdhw = {at::ones({values.size(0), 2, 2, 2})};
  return answers;
}

ScanPredictJob predict_job(const fs::path& out, const std::vector<fs::path>& scans) {
  ScanPredictJob job;
  for (const fs::path& scan : scans) job.scans.push_back({scan, ""});
  job.spec = default_preprocess_spec("chest_ct", {12, 16, 16});
  job.spec.target_spacing_xyz_mm.reset();
  job.out = out;
  job.outputs = {"nodule", "effusion"};
  job.settings = {{"weights", "a"}};
  job.jobs = 2;
  job.quiet = true;
  return job;
}

TEST(ScanPredictJob, ATableByAccessionWhateverTheBatch) {
  const TempDir dir;
  const std::vector<fs::path> scans = {predicted_sample(dir, "B,1", 1), predicted_sample(dir, "A1", 2),
                                       predicted_sample(dir, "C1", 3)};
  std::string first;
  for (const int batch : {1, 2, 8}) {
    ScanPredictJob job = predict_job(dir / fmt::format("out{}/answers.csv", batch), scans);
    job.batch_size = batch;
    EXPECT_THAT(run_scan_predict(job, stand_in).brief("predicted"), StartsWith("3 predicted; "));
    const CsvTable table = read_csv(job.out);
    EXPECT_THAT(table.header,
                ElementsAre("accession", "nodule", "nodule:logit", "effusion", "effusion:logit"));
    ASSERT_EQ(table.rows.size(), 3u);
    EXPECT_EQ(table.rows[0][0], "A1");
    EXPECT_EQ(table.rows[1][0], "B,1");
    EXPECT_NEAR(std::stod(table.rows[0][1]), 1 / (1 + std::exp(-std::stod(table.rows[0][2]))), 1e-6);
    if (first.empty()) first = read_text_file(job.out);
    EXPECT_EQ(read_text_file(job.out), first) << "batch " << batch;
    EXPECT_EQ(read_csv(job.out.parent_path() / "failures.csv").rows.size(), 0u);
  }
}

TEST(ScanPredictJob, ASecondRunAsksForWhatIsNotThere) {
  const TempDir dir;
  ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  run_scan_predict(job, stand_in);
  job.scans.push_back({predicted_sample(dir, "B1", 2), ""});
  std::int64_t asked = 0;
  const auto counted = [&](const at::Tensor& voxels) {
    asked += voxels.size(0);
    return stand_in(voxels);
  };
  EXPECT_THAT(run_scan_predict(job, counted).brief("predicted"), StartsWith("1 predicted, 1 there already"));
  EXPECT_EQ(asked, 1);
  job.overwrite = true;
  EXPECT_THAT(run_scan_predict(job, counted).brief("predicted"), StartsWith("2 predicted"));
  EXPECT_EQ(asked, 3);
}

TEST(ScanPredictJob, AScanThatHasChangedIsPredictedAgain) {
  const TempDir dir;
  fs::create_directories(dir / "other");
  ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  run_scan_predict(job, stand_in);
  const std::string before = read_text_file(job.out);
  fs::rename(dir / "A1.1.0", dir / "other/first");
  job.scans = {{dir / "other/first", ""}};
  EXPECT_EQ(run_scan_predict(job, stand_in).brief("predicted"), "1 there already") << "wherever it lies";
  job.scans = {{predicted_sample(dir, "A1", 9), ""}};
  EXPECT_THAT(run_scan_predict(job, stand_in).brief("predicted"), StartsWith("1 predicted"));
  EXPECT_NE(read_text_file(job.out), before);
  EXPECT_EQ(run_scan_predict(job, stand_in).brief("predicted"), "1 there already");
  fs::remove(dir / "answers.csv.sources.csv");
  EXPECT_THAT(run_scan_predict(job, stand_in).brief("predicted"), StartsWith("1 predicted"));
}

TEST(ScanPredictJob, TwoProcessesNeverWriteOneTable) {
  const TempDir dir;
  const ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  const WriteLock lock = WriteLock::beside(job.out);
  EXPECT_PILLAR_ERROR(run_scan_predict(job, stand_in), ErrorCategory::usage,
                      AllOf(HasSubstr("answers.csv: another run is writing here"), HasSubstr("process ")));
}

TEST(ScanPredictJob, AnotherModelsTableIsNotGoneOnWith) {
  const TempDir dir;
  ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  run_scan_predict(job, stand_in);
  const std::string before = read_text_file(job.out);
  job.settings["weights"] = "b";
  EXPECT_PILLAR_ERROR(
      run_scan_predict(job, stand_in), ErrorCategory::usage,
      AllOf(HasSubstr("answers.csv"), HasSubstr("weights: 'a' then, 'b' now"), HasSubstr("--overwrite")));
  EXPECT_EQ(read_text_file(job.out), before);
  job.overwrite = true;
  EXPECT_THAT(run_scan_predict(job, stand_in).brief("predicted"), StartsWith("1 predicted"));
  job.overwrite = false;
  EXPECT_EQ(run_scan_predict(job, stand_in).brief("predicted"), "1 there already");

  fs::remove(dir / "answers.csv.json");
  EXPECT_PILLAR_ERROR(run_scan_predict(job, stand_in), ErrorCategory::usage, HasSubstr("without a record"));
}

TEST(ScanPredictJob, ADamagedTableIsNotGoneOnWith) {
  const TempDir dir;
  const ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  run_scan_predict(job, stand_in);
  const std::string header = "accession,nodule,nodule:logit,effusion,effusion:logit\n";
  const auto expect_refused = [&](const std::string& text, const std::string& fault) {
    write_file_atomic(job.out, text);
    EXPECT_PILLAR_ERROR(run_scan_predict(job, stand_in), ErrorCategory::input,
                        AllOf(HasSubstr("answers.csv"), HasSubstr(fault)));
  };
  expect_refused("accession,nodule\nA1,1\n", "nodule:logit");
  expect_refused("accession,fracture,fracture:logit\nA1,0.5,0\n",
                 "its outputs are fracture; the model answers nodule, effusion");
  expect_refused(header + "A1,0.5,0,nan,0\n", "row 1, column effusion: nan is no finite number");
  expect_refused(header + "A1,0.5,0,0.5,0\nB1,1.5,0,0,0\n", "1.5 is no probability");
  expect_refused(header + "A1,0.5,0,0.5,0\nA1,0.5,0,0,0\n", "A1 stands in row 1 already");
}

TEST(ScanPredictJob, OneBrokenScanOrAnswerDoesNotStopTheOthers) {
  const TempDir dir;
  std::ofstream(dir / "no.tar") << "no archive";
  ScanPredictJob job =
      predict_job(dir / "answers.csv", {dir / "no.tar", predicted_sample(dir, "A1", 1), dir / "absent.nii.gz",
                                        predicted_sample(dir, "B1", 2)});
  job.batch_size = 4;
  const ScanSummary summary = run_scan_predict(job, [](const at::Tensor& voxels) {
    ScanAnswers answers = stand_in(voxels);
    answers.logits_bn[0][1] = std::numeric_limits<float>::quiet_NaN();
    return answers;
  });
  EXPECT_THAT(summary.brief("predicted"), StartsWith("1 predicted, 3 failed"));
  const CsvTable failures = read_csv(dir / "failures.csv");
  ASSERT_EQ(failures.rows.size(), 3u);
  EXPECT_THAT(failures.rows[1][2], AllOf(HasSubstr("A1.1.0"), HasSubstr("the answer to effusion is nan")));
  EXPECT_THAT(failures.rows[2][2], HasSubstr("no such file"));
}

TEST(ScanPredictJob, MapsComeBeforeTheRowAndAreMadeWhereTheyAreMissing) {
  const TempDir dir;
  ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  run_scan_predict(job, stand_in);
  int maps = 0;
  job.has_maps = [&](const std::string&) { return maps > 0; };
  job.write_maps = [&](const BatchedScan& scan, const ScanAttention& attention) {
    ++maps;
    EXPECT_EQ(scan.accession, "A1");
    EXPECT_EQ(size_dhw(attention.map.voxels_dhw), (SizeDhw{10, 20, 24}));
  };
  EXPECT_THAT(run_scan_predict(job, stand_in).brief("predicted"), StartsWith("1 predicted"));
  EXPECT_EQ(run_scan_predict(job, stand_in).brief("predicted"), "1 there already");
  EXPECT_EQ(maps, 1);
  job.has_maps = nullptr;
  job.overwrite = true;
  job.write_maps = [](const BatchedScan&, const ScanAttention&) { throw std::runtime_error("disk full"); };
  const ScanSummary failed = run_scan_predict(job, stand_in);
  EXPECT_THAT(failed.outcomes[0].reason, HasSubstr("disk full"));
  EXPECT_EQ(read_csv(job.out).rows.size(), 0u);
}

TEST(ScanPredictJob, AnswersOfAnotherShapeAreAMistakeOfTheProgram) {
  const TempDir dir;
  const ScanPredictJob job = predict_job(dir / "answers.csv", {predicted_sample(dir, "A1", 1)});
  const auto narrow = [](const at::Tensor& voxels) {
    ScanAnswers answers = stand_in(voxels);
    answers.logits_bn = answers.logits_bn.narrow(1, 0, 1);
    return answers;
  };
  EXPECT_THROW(run_scan_predict(job, narrow), std::logic_error);
  EXPECT_PILLAR_ERROR(run_scan_predict(predict_job(dir / "none.csv", {}), stand_in), ErrorCategory::usage,
                      HasSubstr("no scans"));
  EXPECT_FALSE(fs::exists(dir / "none.csv.json"));
}

std::vector<ScanEntry> table_of(const TempDir& dir, const std::string& text) {
  write_file_atomic(dir / "table.csv", text);
  return scans_of_table(dir / "table.csv");
}

TEST(ScanTable, TakesEitherNamesOfItsColumns) {
  const TempDir dir;
  const auto public_names =
      table_of(dir, "accession,split,image_paths\n007,test,\"[\"\"a b.nii\"\"]\"\nB,dev,/x/b.tar\n");
  ASSERT_EQ(public_names.size(), 2u);
  EXPECT_EQ(public_names[0].name, "007");
  EXPECT_EQ(public_names[0].path, dir / "a b.nii");
  EXPECT_EQ(public_names[1].path, "/x/b.tar");
  const auto cache_names = table_of(dir, "sample_name,image_cache_path\nA,\"a,b|c.tar\"\n");
  EXPECT_EQ(cache_names[0].path, dir / "a,b|c.tar");
}

TEST(ScanTable, WrongTablesAreRefusedByRowAndColumn) {
  const TempDir dir;
  const auto expect_refused = [&](const std::string& text, const std::string& fault) {
    EXPECT_PILLAR_ERROR(table_of(dir, text), ErrorCategory::input,
                        AllOf(HasSubstr("table.csv"), HasSubstr(fault)));
  };
  expect_refused("name,image_paths\nA,a\n", "neither a column accession nor sample_name");
  expect_refused("accession,path\nA,a\n", "neither a column image_paths nor image_cache_path");
  expect_refused("accession,image_paths\n", "no scans");
  expect_refused("accession,image_paths\nA,a\n,b\n", "row 2: column accession is empty");
  expect_refused("accession,image_paths\nA,a\nA,b\n", "row 2: column accession: A stands in row 1 already");
  expect_refused("accession,image_paths\nA,a|b\n", "row 1: column image_paths has 2 images");
  expect_refused("accession,image_cache_path\nA,\n", "row 1: column image_cache_path has 0 images");
}

}  // namespace
}  // namespace pillar
