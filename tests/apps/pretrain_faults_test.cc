#include "pillar/core/csv.h"
#include "pillar/core/file.h"

#include "support/pretrain_cohort.h"
#include "support/tiny_disk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::PretrainCohort;
using test::ProgramResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void expect_refused(const ProgramResult& result, int exit_code,
                    const ::testing::Matcher<std::string>& words) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_THAT(result.err, words);
}

void flip_a_byte(const fs::path& file) {
  Bytes bytes = read_file(file);
  bytes.at(bytes.size() / 2) ^= 1;
  write_file_atomic(file, ByteView(bytes));
}

bool have_same_bytes(const fs::path& a, const fs::path& b) {
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    if (read_file(a / name) != read_file(b / name)) return false;
  }
  return true;
}

TEST(PretrainFaults, NothingToTrainOn) {
  const PretrainCohort cohort(2);
  cohort.write_manifest({});
  expect_refused(cohort.run(), 1, AllOf(HasSubstr("samples.csv"), HasSubstr("no samples")));
  fs::remove(cohort / "samples.csv");
  expect_refused(cohort.run(), 1, HasSubstr("samples.csv"));
  expect_refused(cohort.run({"data.train=[]"}), 1, HasSubstr("data.train"));
}

TEST(PretrainFaults, StudiesWithoutTextAreListedOrLeftOut) {
  const PretrainCohort cohort;
  cohort.write_text({0, 1, 2, 3, 4, 5, 6, 7});
  const ProgramResult refused = cohort.run();
  expect_refused(refused, 1, AllOf(HasSubstr("4 studies cannot be trained on"), HasSubstr("--skip-missing")));
  for (const char* name : {"S08", "S09", "S10", "S11"}) EXPECT_THAT(refused.err, HasSubstr(name));
  EXPECT_THAT(refused.err, Not(HasSubstr("S07")));
  const ProgramResult done = cohort.run({"--skip-missing"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("6 steps done"));
  EXPECT_THAT(done.err, AllOf(HasSubstr("8 studies to train on"), HasSubstr("left out: S08")));
}

TEST(PretrainFaults, ASampleThatBreaksInMidEpochIsSkippedAndCounted) {
  const PretrainCohort cohort;
  cohort.spoil(7);
  cohort.put_nan(3);
  const ProgramResult done = cohort.run({"data.max_bad_fraction=0.2"});
  EXPECT_EQ(done.exit_code, 3) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("9 steps done"), HasSubstr("2 studies failed")));
  const CsvTable table = read_csv(cohort.output() / "failures.csv");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][1], "S03");
  EXPECT_THAT(table.rows[0][3], HasSubstr("NaN"));
  EXPECT_EQ(table.rows[1][1], "S07");
  EXPECT_THAT(table.rows[1][3], HasSubstr("volume.mp4"));
  // Said again by a run that goes on when all is done.
  EXPECT_EQ(cohort.run({"data.max_bad_fraction=0.2"}).exit_code, 3);
}

TEST(PretrainFaults, TooManyBrokenSamplesEndTheRun) {
  const PretrainCohort cohort;
  cohort.spoil(7);
  cohort.spoil(2);
  expect_refused(cohort.run({"data.max_bad_fraction=0.1"}), 1,
                 AllOf(HasSubstr("2 of 12 studies of abdomen_ct failed in this epoch"),
                       HasSubstr("data.max_bad_fraction 0.1"), HasSubstr("volume.mp4")));
  EXPECT_EQ(read_csv(cohort.output() / "failures.csv").rows.size(), 2u);
}

TEST(PretrainFaults, AStepWithoutAnyStudyEndsTheRun) {
  const PretrainCohort cohort(4);
  for (int study = 0; study < 4; ++study) cohort.spoil(study);
  expect_refused(
      cohort.run({"data.max_bad_fraction=1"}), 1,
      AllOf(HasSubstr("step 0: none of its studies of abdomen_ct could be loaded"), HasSubstr("volume.mp4")));
}

TEST(PretrainFaults, TextsOfTwoWidthsAreRefused) {
  const PretrainCohort cohort(4);
  fs::rename(cohort / "text", cohort / "narrow");
  cohort.write_text({0, 1, 2, 3}, 12);
  const std::string source = "{modality: abdomen_ct, manifest: samples.csv, text: ";
  expect_refused(cohort.run({fmt::format("data.train=[{0}narrow}}, {0}text, name: other}}]", source)}), 1,
                 AllOf(HasSubstr("12 wide"), HasSubstr("narrow"), HasSubstr("one width")));
  expect_refused(cohort.run({fmt::format("data.train=[{}narrow}}]", source),
                             fmt::format("data.validation=[{}text}}]", source)}),
                 1, AllOf(HasSubstr("12 wide"), HasSubstr("one width")));
}

TEST(PretrainFaults, ALossThatIsNotFiniteNamesStepAndStudies) {
  const PretrainCohort cohort;
  const ProgramResult result = cohort.run({"optimizer.lr=1.0e+30", "optimizer.warmup_steps=0"});
  expect_refused(result, 1, AllOf(HasSubstr("step 1: "), HasSubstr("studies of this step: S")));
  EXPECT_THAT(result.err, ::testing::ContainsRegex("S[0-9]+, S[0-9]+, S[0-9]+, S[0-9]+"));
  EXPECT_TRUE(fs::exists(cohort.checkpoint(1)));
  EXPECT_FALSE(fs::exists(cohort.checkpoint(2)));
  // What stands is loadable: the next run begins there.
  EXPECT_THAT(cohort.run({"optimizer.lr=1.0e+30", "optimizer.warmup_steps=0"}).err,
              AllOf(HasSubstr("resumed from"), HasSubstr("1 of 9 steps done")));
}

// The run goes on to its end, in case there is room again, and does not end as if all were there.
TEST(PretrainFaults, AFullDiskCostsTheCheckpointAndIsSaidAtTheEnd) {
  const PretrainCohort cohort;
  fs::create_directories(cohort.output());
  ASSERT_EQ(cohort.run({"--max-steps", "1", "output=" + (cohort / "probe").string()}).exit_code, 0);
  std::uintmax_t size = 0;
  for (const auto& entry : fs::directory_iterator(cohort / "probe" / "checkpoints" / "step-0000000001"))
    size += entry.file_size();
  // Room for one checkpoint and all small files, not for two.
  const int answer = test::on_tiny_disk(cohort.output(), static_cast<int>(size * 8 / 5 / 1024) + 48, [&] {
    const ProgramResult run = cohort.run({"checkpoint.keep=2"});
    if (run.err.find("NO CHECKPOINT WRITTEN") == std::string::npos) return 1;
    if (run.exit_code != 1) return 2;
    if (run.err.find("9 steps are done, but") == std::string::npos) return 3;
    if (!have_same_bytes(cohort.checkpoint(1), cohort / "probe/checkpoints/step-0000000001")) return 4;
    int folders = 0;
    for (const auto& entry : fs::directory_iterator(cohort.output() / "checkpoints"))
      folders += entry.is_directory() ? 1 : 0;
    // The model is small: it is there if it found room, and then it is that of the last step.
    const fs::path exported = cohort.output() / "export" / "config.json";
    if (fs::exists(exported) && read_text_file(exported).find("\"trained_steps\": 9") == std::string::npos)
      return 6;
    return folders == 1 ? 0 : 5;
  });
  if (answer < 0) GTEST_SKIP() << "no mount namespace here";
  EXPECT_EQ(answer, 0);
}

TEST(PretrainFaults, AnOutputThatCannotBeWrittenIsNamed) {
  const PretrainCohort cohort(4);
  write_file_atomic(cohort / "file", std::string_view("mine"));
  expect_refused(cohort.run({"output=" + (cohort / "file").string()}), 1, HasSubstr("a cohort/file"));
  expect_refused(cohort.run({"output=" + (cohort / "file/run").string()}), 1, HasSubstr("file/run"));
  expect_refused(cohort.run({"output=/proc/self/run"}), 1, HasSubstr("/proc/self/run"));
  EXPECT_EQ(read_text_file(cohort / "file"), "mine");
}

TEST(PretrainFaults, ADamagedCheckpointIsPassedOver) {
  const PretrainCohort cohort;
  ASSERT_EQ(cohort.run({"--max-steps", "3"}).exit_code, 0);
  fs::copy(cohort.checkpoint(3), cohort / "kept", fs::copy_options::recursive);
  flip_a_byte(cohort.checkpoint(3) / "model.safetensors");
  const ProgramResult on = cohort.run({"--max-steps", "4"});
  EXPECT_EQ(on.exit_code, 0) << on.err;
  EXPECT_THAT(on.err, AllOf(HasSubstr("checkpoint passed over"), HasSubstr("model.safetensors: damaged"),
                            HasSubstr("going on from the one before"), HasSubstr("2 of 9 steps done")));
  EXPECT_TRUE(have_same_bytes(cohort.checkpoint(3), cohort / "kept")) << "step 3 again, to the same bits";

  for (int step = 1; step <= 4; ++step) flip_a_byte(cohort.checkpoint(step) / "optimizer.safetensors");
  expect_refused(cohort.run(), 1,
                 AllOf(HasSubstr("every checkpoint is damaged"), HasSubstr("step-0000000004")));
  expect_refused(cohort.run({"--resume", cohort.checkpoint(2).string()}), 1,
                 AllOf(HasSubstr("step-0000000002"), HasSubstr("damaged")));
  const ProgramResult chosen = cohort.run({"--resume", (cohort / "kept").string(), "--max-steps", "4"});
  EXPECT_EQ(chosen.exit_code, 0) << chosen.err;
}

TEST(PretrainFaults, ACheckpointOfAnotherModelIsRefused) {
  const PretrainCohort cohort;
  ASSERT_EQ(cohort.run({"--max-steps", "1"}).exit_code, 0);
  std::string text = read_text_file(cohort / "arch.json");
  text.replace(text.find("[1, 1]"), 6, "[1, 2]");
  write_file_atomic(cohort / "arch.json", text);
  expect_refused(cohort.run(), 1,
                 AllOf(HasSubstr("step-0000000001"), HasSubstr("was the architecture changed?")));
}

}  // namespace
}  // namespace pillar
