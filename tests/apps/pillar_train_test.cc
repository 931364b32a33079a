#include "pillar/core/file.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/weights.h"

#include "support/program.h"
#include "support/temp_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::run_program;
using test::TempDir;
using ::testing::HasSubstr;

test::ProgramResult init(const std::string& arch, const fs::path& out, std::vector<std::string> more = {}) {
  std::vector<std::string> command = {"pillar-train", "init", "--arch", arch, "--out", out.string()};
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command);
}

TEST(PillarTrainInit, WritesAModelThatLoads) {
  TempDir dir;
  const auto made = init("atlas-tiny-abdomen-ct", dir / "model", {"--seed", "3"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("visual.patch_embeds.abdomen_ct"));
  EXPECT_THAT(made.out, HasSubstr("visual.atlas_models.2"));
  EXPECT_THAT(read_text_file(dir / "model/config.json"), HasSubstr("\"preprocess\""));
  const AtlasConfig config = load_atlas_config(dir / "model/config.json");
  const WeightMap weights = load_weights(dir / "model");
  const TowerConfig& tower = config.tower("");
  const auto expected = expected_weights(config, tower, infer_patch_embed(tower, weights));
  EXPECT_NO_THROW(check_weights(weights, expected, "model"));
}

TEST(PillarTrainInit, SeedDecidesTheBytes) {
  TempDir dir;
  const std::string tiny = "atlas-tiny-abdomen-ct";
  ASSERT_EQ(init(tiny, dir / "a", {"--quiet"}).exit_code, 0);
  ASSERT_EQ(init(tiny, dir / "b", {"--seed", "0"}).exit_code, 0);
  ASSERT_EQ(init(tiny, dir / "c", {"--seed", "1"}).exit_code, 0);
  const auto bytes = [&](const char* name) { return read_file(dir / name / "model.safetensors"); };
  EXPECT_TRUE(bytes("a") == bytes("b"));
  EXPECT_FALSE(bytes("a") == bytes("c"));
}

TEST(PillarTrainInit, ReplacesOnlyAModelAndOnlyWhenAsked) {
  TempDir dir;
  const std::string tiny = "atlas-tiny-abdomen-ct";
  ASSERT_EQ(init(tiny, dir / "a").exit_code, 0);
  const auto again = init(tiny, dir / "a");
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("--overwrite"));
  EXPECT_EQ(init(tiny, dir / "a", {"--overwrite", "--seed", "9"}).exit_code, 0);
  write_file_atomic(dir / "a/notes.txt", std::string_view("mine"));
  const auto foreign = init(tiny, dir / "a", {"--overwrite"});
  EXPECT_EQ(foreign.exit_code, 2);
  EXPECT_THAT(foreign.err, HasSubstr("notes.txt"));
  EXPECT_TRUE(fs::exists(dir / "a/notes.txt"));
}

TEST(Programs, WordsThatTheyDoNotKnowAreNamedWithTheNearest) {
  struct Unknown {
    std::vector<std::string> command;
    const char* words;
  };
  const std::vector<Unknown> all = {
      {{"pillar-train", "pretrian"},
       "pillar-train: there is no subcommand 'pretrian'; did you mean 'pretrain'?"},
      {{"pillar-train", "quux"}, "there is no subcommand 'quux': init, pretrain, finetune, convert"},
      {{"pillar-train", "pretrain", "--confg", "x"},
       "pillar-train pretrain: there is no flag '--confg'; did you mean '--config'?"},
      {{"pillar-train", "pretrain", "--config", "x", "--nprocs=2"}, "'--nprocs'; did you mean '--nproc'?"},
      {{"pillar-train", "init", "--arch", "a", "--out", "b", "more"},
       "pillar-train init: 'more' is one word more than it takes"},
      {{"pillar-eval", "embde"}, "did you mean 'embed'?"},
      {{"pillar-eval", "embed", "--modle", "m"}, "did you mean '--model'?"},
      {{"pillar-rave", "encdoe"}, "did you mean 'encode'?"},
      {{"pillar-text", "embd"}, "did you mean 'embed'?"},
      {{"pillar-phantom", "--studys", "3"}, "did you mean '--studies'?"},
      {{"pillar-bench", "trian"}, "did you mean 'train'?"}};
  for (const auto& [command, words] : all) {
    const test::ProgramResult result = run_program(command);
    EXPECT_EQ(result.exit_code, 2) << words;
    EXPECT_THAT(result.err, HasSubstr(words));
  }
}

TEST(PillarTrainInit, WhatIsWrongIsNamed) {
  TempDir dir;
  EXPECT_EQ(run_program({"pillar-train"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-train", "init", "--arch", "x"}).exit_code, 2);
  const auto unknown = init("atlas-tiny-abdomen", dir / "m");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'atlas-tiny-abdomen-ct'"));
  EXPECT_EQ(init("atlas-tiny-abdomen-ct", dir / "m", {"--seed", "-1"}).exit_code, 2);
  write_file_atomic(dir / "bad.json", std::string_view("{\"model\": {\"stages\": []}}"));
  const auto bad = init((dir / "bad.json").string(), dir / "m");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.err, HasSubstr("bad.json:1: model.stages"));
  EXPECT_FALSE(fs::exists(dir / "m"));
  write_file_atomic(dir / "file", std::string_view("x"));
  EXPECT_EQ(init("atlas-tiny-abdomen-ct", dir / "file/m").exit_code, 1);
}

TEST(PillarTrainConvert, TakesTheTowerAndItsHeads) {
  TempDir dir;
  ASSERT_EQ(init("atlas-tiny-abdomen-ct", dir / "start", {"--quiet"}).exit_code, 0);
  const AtlasConfig config = load_atlas_config(dir / "start/config.json");
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs = {"year 1", "year 2"};
  heads.features = HeadFeatures::attention;
  WeightMap weights = load_weights(dir / "start");
  weights.merge(initial_head_weights(config.readout_width(), heads, 1));
  write_checkpoint(dir / "trained", read_text_file(dir / "start/config.json"), weights);
  const std::vector<std::string> command = {"pillar-train",
                                            "convert",
                                            (dir / "trained").string(),
                                            "--arch",
                                            "atlas-tiny-abdomen-ct",
                                            "--out",
                                            (dir / "model").string(),
                                            "--pad-value",
                                            "0",
                                            "--flip-depth",
                                            "off"};
  const auto made = run_program(command);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("heads   survival: year 1, year 2\n"));
  EXPECT_THAT(made.out, HasSubstr("pad 0, "));
  EXPECT_EQ(load_weights(dir / "model").count("logit_scale"), 0u);
  const auto again = run_program(command);
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("--overwrite"));
}

}  // namespace
}  // namespace pillar
