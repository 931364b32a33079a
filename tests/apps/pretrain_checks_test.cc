// What is checked and said of a pretraining's studies before and while it runs.
#include "pillar/core/file.h"

#include "support/pretrain_cohort.h"

#include <chrono>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::PretrainCohort;
using test::ProgramResult;
using test::RunningProgram;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void replace_text(const fs::path& file, const std::string& old_text, const std::string& new_text) {
  std::string text = read_text_file(file);
  text.replace(text.find(old_text), old_text.size(), new_text);
  write_file_atomic(file, text);
}

std::int64_t times(const std::string& text, const std::string& words) {
  std::int64_t found = 0;
  for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++found;
  return found;
}

// Studies first..end-1 of the cohort as a list of their own.
void write_list(const PretrainCohort& cohort, const char* file, int first, int end) {
  std::string text = "sample_name,image_cache_path\n";
  for (int study = first; study < end; ++study) text += fmt::format("S{0:02},samples/S{0:02}\n", study);
  write_file_atomic(cohort / file, text);
}

std::string lists(const char* key, const char* file) {
  return fmt::format("data.{}=[{{modality: abdomen_ct, manifest: {}, text: text}}]", key, file);
}

TEST(PretrainChecks, SamplesOfAnotherSpacingAreRefusedOrSaidOnce) {
  const PretrainCohort cohort;
  replace_text(cohort / "arch.json", "[0.75, 0.8, 2.5]", "[7.5, 7.5, 7.5]");
  const auto words =
      AllOf(HasSubstr("data.train of abdomen_ct: 12 of 12 studies are not what the model expects"),
            HasSubstr("S00: voxels of 0.75x0.8x2.5 mm, the model expects 7.5x7.5x7.5 mm"),
            HasSubstr("and 11 more studies"));
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--dry-run"}}) {
    const ProgramResult refused = cohort.run(more);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, words);
  }
  const ProgramResult plan = cohort.run({"--dry-run", "data.max_mismatch_fraction=1"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_EQ(times(plan.out, "note             S00: voxels of 0.75x0.8x2.5 mm"), 1) << plan.out;
  const ProgramResult done = cohort.run({"data.max_mismatch_fraction=1"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(times(read_text_file(cohort.output() / "log.txt"), "voxels of 0.75x0.8x2.5 mm"), 1);
}

TEST(PretrainChecks, APatientIsTrainedOnOrValidated) {
  const PretrainCohort cohort;
  write_list(cohort, "valid.csv", 8, 12);
  write_list(cohort, "train.csv", 0, 8);
  const std::vector<std::string> split = {lists("train", "train.csv"), lists("validation", "valid.csv")};
  ASSERT_EQ(cohort.run({split[0], split[1], "train.epochs=1"}).exit_code, 0);
  std::string patients = "accession,patient\n";
  for (int study = 0; study < 12; ++study) patients += fmt::format("S{:02},P{}\n", study, study % 9);
  write_file_atomic(cohort / "patients.csv", patients);
  const auto words = AllOf(HasSubstr("data.validation: 3 studies are of a patient who is trained on"),
                           HasSubstr("patient P0 (S00 is trained on, S09 validated)"));
  const ProgramResult by_file = cohort.run({split[0], split[1], "data.patients=patients.csv", "--dry-run"});
  EXPECT_EQ(by_file.exit_code, 1);
  EXPECT_THAT(by_file.err, words);
  for (const char* file : {"train.csv", "valid.csv"}) {
    std::string text = read_text_file(cohort / file),
                with_patient = "sample_name,image_cache_path,patient_id\n";
    for (int study = 0; study < 12; ++study) {
      const std::string row = fmt::format("S{0:02},samples/S{0:02}\n", study);
      if (text.find(row) != std::string::npos)
        with_patient += row.substr(0, row.size() - 1) + fmt::format(",P{}\n", study % 9);
    }
    write_file_atomic(cohort / file, with_patient);
  }
  const ProgramResult by_column = cohort.run({split[0], split[1], "--dry-run"});
  EXPECT_EQ(by_column.exit_code, 1);
  EXPECT_THAT(by_column.err, words);
  write_file_atomic(cohort / "patients.csv", std::string_view("accession,patient\nS00,P0\n"));
  EXPECT_THAT(cohort.run({split[0], split[1], "data.patients=patients.csv", "--dry-run"}).err,
              AllOf(HasSubstr("patients.csv"), HasSubstr("does not say whose study S01 is")));
}

TEST(PretrainChecks, WhatComesTooLateAtTheEndIsSaidBefore) {
  const PretrainCohort cohort(13);
  write_list(cohort, "train.csv", 0, 9);
  write_list(cohort, "valid.csv", 9, 13);
  const std::vector<std::string> words = {lists("train", "train.csv"), lists("validation", "valid.csv"),
                                          "optimizer.warmup_steps=300"};
  const ProgramResult plan = cohort.run({words[0], words[1], words[2], "--dry-run"});
  ASSERT_EQ(plan.exit_code, 0) << plan.err;
  const ProgramResult done = cohort.run({words[0], words[1], words[2]});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("disk  "), HasSubstr("6 (2 an epoch, 3 epochs)")));
  for (const std::string& text : {plan.out, read_text_file(cohort.output() / "log.txt")}) {
    EXPECT_THAT(text, AllOf(HasSubstr("optimizer.warmup_steps: a warm-up of 300 steps in a run of 6"),
                            HasSubstr("abdomen_ct: 9 studies in batches of 4 leave one alone"),
                            HasSubstr("recall at 10 among 4 studies of abdomen_ct"),
                            HasSubstr("train.batch_size 4: below 32")));
  }
  // The batch that the ninth study has joined has no loss of 0.
  std::istringstream rows(read_text_file(cohort.output() / "metrics.jsonl"));
  std::int64_t steps = 0;
  for (std::string line; std::getline(rows, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["phase"] != "train") continue;
    ++steps;
    EXPECT_GT(row["loss"], 0.1);
  }
  EXPECT_EQ(steps, 6);
}

TEST(PretrainChecks, PairsAndReportsThatAreTheSame) {
  const PretrainCohort cohort;
  cohort.write_text({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3);  // four studies to a report
  for (const char* kind : {"clip", "siglip"}) {
    for (const char* same : {"negative", "positive", "leave_out"}) {
      const std::string output = (cohort / fmt::format("{}-{}", kind, same)).string();
      const ProgramResult done =
          cohort.run({"output=" + output, fmt::format("loss.kind={}", kind),
                      fmt::format("loss.same_report={}", same), "train.batch_size=12"});
      ASSERT_EQ(done.exit_code, 0) << done.err;
      std::istringstream rows(read_text_file(fs::path(output) / "metrics.jsonl"));
      std::string line;
      std::getline(rows, line);
      const auto row = nlohmann::json::parse(line);
      EXPECT_EQ(row["same_report"], 1.0);
      EXPECT_EQ(row.contains("logit_bias"), std::string(kind) == "siglip");
    }
  }
  EXPECT_THAT(cohort.run({"loss.kind=sigmoid"}).err, AllOf(HasSubstr("loss.kind"), HasSubstr("siglip")));
}

// The run was killed in the middle of an epoch; when it goes on, a study is gone and another has come.
TEST(PretrainChecks, AnEpochThatLosesAStudyEndsWithTheOthers) {
  const PretrainCohort cohort(14);
  cohort.write_manifest({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  ASSERT_EQ(cohort.run({"--max-steps", "4"}).exit_code, 0);
  const auto pool_of = [&](int step) {
    return nlohmann::json::parse(
        read_text_file(cohort.checkpoint(step) / "state.json"))["pools"]["abdomen_ct"];
  };
  const auto before = pool_of(4);
  EXPECT_EQ(before["epoch"], 1);
  EXPECT_EQ(before["seen"].size(), 4u);
  EXPECT_EQ(before["rest"].size(), 8u);
  cohort.write_manifest({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
  EXPECT_THAT(cohort.run().err, AllOf(HasSubstr("made of something else"), HasSubstr("--allow-changes")));
  const ProgramResult on = cohort.run({"--allow-changes"});
  ASSERT_EQ(on.exit_code, 0) << on.err;
  EXPECT_THAT(on.err,
              AllOf(HasSubstr("0 of the studies that epoch 2 had left are gone"), HasSubstr("2 came new")))
      << "the lost one had been seen";
  // Ten are left, three steps; then the last epoch, of thirteen in three steps of which the last has one
  // more.
  EXPECT_THAT(on.out, HasSubstr("10 steps done"));
  const auto after = pool_of(5);
  std::set<std::string> known;
  for (const char* part : {"seen", "rest"}) {
    for (const auto& key : after[part]) EXPECT_TRUE(known.insert(key).second) << "twice";
  }
  EXPECT_EQ(known.size(), 14u) << "the thirteen that are there, and the one that is gone";
  EXPECT_EQ(pool_of(7)["epoch"], 2) << "where the epoch that has changed ends";
  EXPECT_EQ(pool_of(10)["epoch"], 3);
}

// A disk that answers no more: whoever opens a pipe waits until somebody writes to it.
TEST(PretrainChecks, AStudyThatIsNeverReadEndsEveryProcessWithItsRank) {
  const PretrainCohort cohort;
  RunningProgram run(cohort.command({"--nproc", "2", "train.epochs=100000", "checkpoint.every_steps=1000000",
                                     "train.max_wait_minutes=0.1"}),
                     {{"OMP_NUM_THREADS", "1"}});
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(4);
  const auto has_rows = [&] {
    return fs::exists(cohort.output() / "metrics.jsonl") &&
           fs::file_size(cohort.output() / "metrics.jsonl") > 0;
  };
  while (!has_rows() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ASSERT_EQ(::mkfifo((cohort / "pipe").c_str(), 0600), 0);
  fs::rename(cohort / "pipe", cohort.sample(5) / "volume.mp4");
  const ProgramResult ended = run.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("S05: "), HasSubstr("not read after 0.09 minutes"), HasSubstr("rank ")));
}

}  // namespace
}  // namespace pillar
