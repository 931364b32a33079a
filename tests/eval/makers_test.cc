#include "eval/makers.h"

#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/eval/compare.h"
#include "pillar/eval/probe_job.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MixedMakers : public ::testing::Test {
 protected:
  MixedMakers() {
    nlohmann::json labels;
    at::Generator generator = at::detail::createCPUGenerator(4);
    for (const std::string split : {"train", "test"}) {
      EmbeddingCache cache(dir_ / "cache", split, EmbeddingFormat::csv);
      for (int i = 0; i < 20; ++i) {
        const std::string accession = fmt::format("{}{:02}", split, i);
        cache.put(accession, at::randn({6}, generator));
        labels[accession]["qa_results"]["Lungs"] = {{{"Large?", i % 2 == 0 ? "Yes" : "No"}}};
      }
      cache.flush();
      write_maker(split, {{"weights", "one"}, {"dtype", "fp32"}, {"format", "csv"}, {"model", split}});
    }
    write_file_atomic(dir_ / "labels.json", labels.dump());
    job_.cache = dir_ / "cache";
    job_.labels = dir_ / "labels.json";
    job_.out = dir_ / "run";
    job_.adam.epochs = 5;
    job_.bootstrap.replicates = 10;
    job_.quiet = true;
  }
  void write_maker(const std::string& split, const SplitMaker& maker) const {
    write_file_atomic(dir_ / fmt::format("cache/embeddings/{}.json", split), nlohmann::json(maker).dump());
  }

  TempDir dir_;
  ProbeJob job_;
};

TEST_F(MixedMakers, SplitsOfDifferentMakersAreRefusedOrSaid) {
  run_probe(job_);  // another file format and another name of the model make no other numbers
  write_maker("test", {{"weights", "two"}, {"dtype", "fp32"}});
  EXPECT_PILLAR_ERROR(
      run_probe(job_), ErrorCategory::input,
      AllOf(HasSubstr("weights: 'one' of split train, 'two' of split test"), HasSubstr("--allow-mixed")));
  job_.allow_mixed = true;
  run_probe(job_);
  const auto settings = nlohmann::json::parse(read_text_file(job_.out / "metrics.json"))["settings"];
  EXPECT_THAT(settings["embeddings: mixed"].get<std::string>(), HasSubstr("'two' of split test"));
  EXPECT_EQ(settings["embeddings: dtype"], "fp32");
}

TEST_F(MixedMakers, AProbeAnswersForEmbeddingsOfItsOwnMaker) {
  run_probe(job_);
  PredictJob job{job_.cache, "test", job_.out / "probe.safetensors", dir_ / "answers.csv"};
  run_predict(job);
  write_maker("test", {{"weights", "one"}, {"dtype", "bf16"}});
  EXPECT_PILLAR_ERROR(run_predict(job), ErrorCategory::input,
                      AllOf(HasSubstr("dtype: 'fp32'"), HasSubstr("'bf16' of split test")));
  job.allow_mixed = true;
  EXPECT_EQ(run_predict(job), 20);
}

TEST_F(MixedMakers, WhatNothingIsKnownOfIsNotRefused) {
  fs::remove(dir_ / "cache/embeddings/train.json");
  run_probe(job_);
  fs::remove(dir_ / "cache/embeddings/test.json");
  EXPECT_FALSE(named_maker(job_.cache, "test").maker);
  run_probe(job_);
}

RunScores run_made(const std::string& name, std::map<std::string, std::string> settings) {
  RunScores run;
  run.name = name;
  run.settings = std::move(settings);
  return run;
}

TEST(ComparedMakers, ModelsMayDifferAndNothingElse) {
  const RunScores a = run_made("a", {{"embeddings: weights", "1"}, {"embeddings: dtype", "fp32"}});
  const RunScores b = run_made("b", {{"embeddings: weights", "2"}, {"embeddings: dtype", "fp32"}});
  EXPECT_THAT(check_compared_makers({a, b, run_made("public", {})}, false), IsEmpty());
  const RunScores half = run_made("half", {{"embeddings: weights", "2"}, {"embeddings: dtype", "bf16"}});
  EXPECT_PILLAR_ERROR(check_compared_makers({a, half}, false), ErrorCategory::input,
                      AllOf(HasSubstr("dtype: 'fp32' of a, 'bf16' of half"), HasSubstr("--allow-mixed")));
  EXPECT_THAT(check_compared_makers({a, half}, true), HasSubstr("'bf16' of half"));
  const RunScores mixed =
      run_made("m", {{"embeddings: dtype", "fp32"}, {"embeddings: mixed", "two weights"}});
  EXPECT_PILLAR_ERROR(check_compared_makers({a, mixed}, false), ErrorCategory::input,
                      HasSubstr("in m, two weights"));
}

TEST(MadeWith, AModelOfOtherWeightsIsRefused) {
  const TempDir dir;
  fs::create_directories(dir / "cache/embeddings");
  write_file_atomic(dir / "cache/embeddings/test.json", std::string_view("{\"weights\": \"abc\"}"));
  write_file_atomic(dir / "model.safetensors", std::string_view("weights"));
  EXPECT_PILLAR_ERROR(made_with(dir / "cache", "test", dir / "model.safetensors", false),
                      ErrorCategory::input,
                      AllOf(HasSubstr("split test is of the weights abc"), HasSubstr("--allow-mixed")));
  const MadeWith made = made_with(dir / "cache", "test", dir / "model.safetensors", true);
  EXPECT_THAT(made.mixed, HasSubstr(made.fingerprint));
}

}  // namespace
}  // namespace pillar
