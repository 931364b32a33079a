#include "pillar/core/file.h"

#include "support/program.h"
#include "support/temp_dir.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::run_program;
using test::TempDir;

TEST(PillarBench, WritesEveryCaseWithBothSides) {
  TempDir dir;
  const std::string cohort = (dir / "cohort").string();
  ASSERT_EQ(
      run_program({"pillar-phantom", "--out", cohort, "--studies", "1", "--size", "96", "--quiet"}).exit_code,
      0);
  ASSERT_EQ(run_program({"pillar-rave", "encode", cohort + "/scans", "--out", (dir / "out").string(),
                         "--mode", "rave10"})
                .exit_code,
            0);
  const auto result =
      run_program({"pillar-bench", "rave", "--sample", (dir / "out/PH000001.1.0").string(), "--repeats", "1",
                   "--batch", "2", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  std::set<std::string> names;
  for (const auto& entry : json) {
    names.insert(entry["name"]);
    for (const char* side : {"ours", "baseline"}) {
      EXPECT_GT(entry[side]["seconds"].get<double>(), 0) << entry["name"];
      EXPECT_GT(entry[side]["peak_rss_mb"].get<double>(), 0) << entry["name"];
    }
    EXPECT_FALSE(entry["baseline"]["what"].get<std::string>().empty());
    EXPECT_GT(entry["ratio_time"].get<double>(), 0);
    EXPECT_FALSE(entry["machine"].get<std::string>().empty());
  }
  for (const char* name :
       {"decode", "decode_public", "decode_two_jobs", "encode_public", "resample", "startup",
        "encode_2_series", "mode.lossless12.ultrafast", "mode.lossless16.ffv1"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
  for (const auto& entry : json) {
    if (entry["name"] == "mode.lossless12.ultrafast" || entry["name"] == "mode.lossless16.ffv1") {
      EXPECT_EQ(entry["ours"]["max_abs_error"], 0);
    }
  }
}

TEST(PillarBench, AnIndexAgainstItksScanOfTheSameFiles) {
  TempDir dir;
  const auto result = run_program({"pillar-bench", "index", "--series", "2", "--slices", "12", "--size", "16",
                                   "--repeats", "1", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["name"], "index");
  for (const char* side : {"ours", "baseline"}) {
    EXPECT_EQ(json[0][side]["files"], 24) << side;
    EXPECT_EQ(json[0][side]["series"], 2) << side;
  }
  EXPECT_EQ(json[2]["name"], "encode_folder");
}

TEST(PillarBench, WindowsSayWhatTheMachineCould) {
  TempDir dir;
  const auto result = run_program({"pillar-bench", "windows", "--size", "48", "--repeats", "1", "--threads",
                                   "2", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  std::set<std::string> names;
  for (const auto& entry : json) {
    names.insert(entry["name"]);
    const auto& ours = entry["ours"];
    EXPECT_EQ(ours["bytes_written"], 48 * 48 * 48 * 11 * 2) << entry["name"];
    EXPECT_EQ(entry["baseline"]["bytes_written"], ours["bytes_written"]);
    EXPECT_GT(ours["peak_rss_mb"].get<double>(), 0);
    EXPECT_GT(ours["machine_gb_per_s"].get<double>(), 0);
    EXPECT_NEAR(ours["ratio_to_machine"].get<double>(),
                ours["gb_per_s"].get<double>() / ours["machine_gb_per_s"].get<double>(), 1e-9);
    EXPECT_EQ(entry["threads"], 2);
  }
  EXPECT_EQ(names, (std::set<std::string>{"windows_reused", "windows_fresh", "windows_slabs"}));
  EXPECT_EQ(run_program({"pillar-bench", "windows", "--size", "7"}).exit_code, 2);
}

// Both cohorts that it makes, then one of them as a folder that is given.
TEST(PillarBench, TheLoaderIsHeldAgainstDecodingAlone) {
  TempDir dir;
  const auto bench = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"pillar-bench", "loader", "--json", (dir / "bench.json").string()});
    const auto result = run_program(options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(read_text_file(dir / "bench.json"));
  };
  std::set<std::string> names;
  for (const auto& entry : bench({"--studies", "3", "--size", "40", "--passes", "2", "--repeats", "1",
                                  "--threads", "1", "--scratch", (dir / "made").string()})) {
    const auto name = entry["name"].get<std::string>();
    names.insert(name);
    EXPECT_EQ(entry["threads"], 1);
    for (const char* side : {"ours", "baseline"}) {
      EXPECT_EQ(entry[side]["volumes"], 6) << name;
      EXPECT_GT(entry[side]["mb_per_s"].get<double>(), 0);
      EXPECT_GT(entry[side]["cpu_seconds"].get<double>(), 0);
    }
    EXPECT_NEAR(entry["of_limit"].get<double>(), entry["ratio_time"].get<double>(), 1e-9);
  }
  EXPECT_EQ(names, (std::set<std::string>{"loader.rave10.1t", "loader.rave10.1t.cached", "loader.lossless.1t",
                                          "loader.lossless.1t.cached"}));

  const auto given = bench({"--samples", (dir / "made/rave10").string(), "--input", "32,48,40", "--passes",
                            "1", "--repeats", "3", "--threads", "2"});
  ASSERT_EQ(given.size(), 2u);
  EXPECT_EQ(given[0]["name"], "loader.given.2t");
  auto runs = given[0]["ours"]["seconds_runs"].get<std::vector<double>>();
  std::sort(runs.begin(), runs.end());
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(given[0]["ours"]["seconds"], runs[1]) << "the median";

  EXPECT_EQ(run_program({"pillar-bench", "loader", "--samples", (dir / "none").string()}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-bench", "loader", "--input", "3,4"}).exit_code, 2);
}

TEST(PillarBench, TrainingSaysWhereItsTimeGoes) {
  TempDir dir;
  const std::string arch = (dir / "arch.json").string();
  write_file_atomic(arch, std::string_view(R"({
    "model": {"stages": [1, 1], "atlas_args": {"dim": 16, "num_heads": 2, "mlp_ratio": 2.0}},
    "modalities": {"abdomen_ct": {"image_size": [24, 24, 24], "patch_size": [6, 6, 6], "in_chans": 1,
      "num_features": 8, "merge_ratio": [2, 2, 2], "local2global": [2, 2, 2]}},
    "preprocess": {"abdomen_ct": {"size_dhw": [24, 24, 24], "windows": "lung"}}})"));
  const auto result =
      run_program({"pillar-bench", "train", "--arch", arch, "--batch", "4", "--micro", "2", "--steps", "2",
                   "--studies", "2", "--threads", "2", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* words : {"two passes take", "largest / smallest", "two processes train"})
    EXPECT_NE(result.out.find(words), std::string::npos) << result.out;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  std::vector<std::string> names;
  for (const auto& entry : json) {
    names.push_back(entry["name"]);
    for (const char* side : {"ours", "baseline"}) {
      if (!entry.contains(side)) continue;
      for (const char* figure : {"seconds", "wall_s", "second_pass_s", "studies_per_s", "peak_rss_mb"})
        EXPECT_GT(entry[side][figure].get<double>(), 0) << names.back() << " " << side << " " << figure;
      const double parts = entry[side]["first_pass_s"].get<double>() + entry[side]["loss_s"].get<double>() +
                           entry[side]["second_pass_s"].get<double>() +
                           entry[side]["optimiser_s"].get<double>();
      EXPECT_GT(parts, 0);
      EXPECT_LE(entry[side]["load_wait_s"].get<double>(), entry[side]["wall_s"].get<double>() * 1.001);
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"train.step 2x2", "train.memory 1x2", "train.memory 2x2",
                                             "train.memory 4x2", "train.memory 8x2", "train.2_processes"}));
  EXPECT_NEAR(json[0]["two_pass_overhead"].get<double>() * json[0]["ratio_time"].get<double>(), 1, 1e-9);
  EXPECT_EQ(json[2]["peak_over_that_of_2"], 1.0);
  EXPECT_GT(json[5]["ratio_studies_per_s"].get<double>(), 0);

  // The plain formulation, in both formats of memory.
  const auto plain = run_program({"pillar-bench", "train",
                                  "--arch",       arch,
                                  "--batch",      "4",
                                  "--micro",      "2",
                                  "--steps",      "1",
                                  "--studies",    "2",
                                  "--threads",    "2",
                                  "--dtype",      "bf16",
                                  "--device",     "cpu",
                                  "--plain",      "--checkpoint-blocks",
                                  "--json",       (dir / "plain.json").string()});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  const auto measured = nlohmann::json::parse(read_text_file(dir / "plain.json"));
  EXPECT_EQ(measured[1]["name"], "train.plain 2 ncdhw");
  EXPECT_EQ(measured[2]["name"], "train.plain 2 ndhwc");
  for (const std::size_t i : {1, 2}) {
    EXPECT_THAT(measured[i]["baseline"]["what"].get<std::string>(), ::testing::HasSubstr("bf16 autocast"));
    for (const char* figure : {"seconds", "second_pass_s", "optimiser_s", "studies_per_s"})
      EXPECT_GT(measured[i]["baseline"][figure].get<double>(), 0) << figure;
  }

  const auto refused = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"pillar-bench", "train", "--arch", arch});
    return run_program(options).exit_code;
  };
  EXPECT_EQ(refused({"--batch", "6", "--micro", "4"}), 2);
  EXPECT_EQ(refused({"--batch", "4", "--micro", "4"}), 2);  // no second micro-batch: no two passes
  EXPECT_EQ(refused({"--samples", (dir / "none").string()}), 2);
  std::filesystem::create_directories(dir / "empty");
  EXPECT_EQ(refused({"--samples", (dir / "empty").string()}), 1);
}

nlohmann::json bench_atlas(const TempDir& dir, std::vector<std::string> options, std::string* out = nullptr) {
  options.insert(options.begin(), {"pillar-bench", "atlas", "--gemm", "128", "--threads", "1"});
  options.insert(options.end(), {"--json", (dir / "bench.json").string()});
  const auto result = run_program(options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  if (out) *out = result.out;
  return nlohmann::json::parse(read_text_file(dir / "bench.json"));
}

TEST(PillarBench, AtlasAgreesWithThePlainFormulation) {
  TempDir dir;
  std::string out;
  const auto json = bench_atlas(dir, {"--arch", "atlas-tiny-abdomen-ct", "--dtype", "fp32,bf16"}, &out);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["name"], "atlas fp32 48x48x48");
  EXPECT_EQ(json[1]["name"], "atlas bf16 48x48x48");
  for (const auto& entry : json) {
    for (const char* side : {"ours", "baseline"}) {
      for (const char* figure : {"seconds", "peak_rss_mb", "load_s", "windows_s", "stem_s", "stage0_s",
                                 "stage1_s", "stage2_s", "gflop_per_s", "of_machine_gemm"}) {
        ASSERT_TRUE(entry[side].contains(figure)) << side << " " << figure;
        EXPECT_GT(entry[side][figure].get<double>(), 0) << side << " " << figure;
      }
      EXPECT_EQ(entry[side]["gflop"], json[0]["ours"]["gflop"]);
    }
    for (const char* figure :
         {"ratio_time", "ratio_rss", "machine_gemm_fp32_gflops", "machine_gemm_bf16_gflops"})
      EXPECT_GT(entry[figure].get<double>(), 0) << figure;
    EXPECT_EQ(entry["threads"], 1);
  }
  // The stem, by hand: 16^3 places of 11->64, 64->32 and six times 32->32, then 8^3 of 32->64. The rest is
  // small.
  const double stem = 2 * 27e-9 * (4096 * (11 * 64 + 64 * 32 + 6 * 32 * 32) + 512 * 32 * 64);
  EXPECT_GT(json[0]["ours"]["gflop"].get<double>(), stem);
  EXPECT_LT(json[0]["ours"]["gflop"].get<double>(), 1.1 * stem);
  // Random weights: readouts are a few units long.
  EXPECT_GT(json[0]["readout_cosine"].get<double>(), 0.99999);
  EXPECT_LT(json[0]["readout_max_abs_difference"].get<double>(), 1e-3);
  EXPECT_GT(json[1]["readout_cosine"].get<double>(), 0.999);
  EXPECT_GT(json[1]["readout_max_abs_difference"].get<double>(), 0);  // bf16 rounds
  EXPECT_NE(out.find("stage2"), std::string::npos);
}

// What a GPU is measured by, on the CPU: only the device differs.
TEST(PillarBench, AtlasMeasuresPlainFormatsAndTheMachinesLimits) {
  TempDir dir;
  std::string out;
  const auto json =
      bench_atlas(dir,
                  {"--arch", "atlas-tiny-abdomen-ct", "--dtype", "bf16", "--device", "cpu", "--plain", "same",
                   "--formats", "ncdhw,ndhwc", "--calls", "2", "--warm-up", "1", "--limits", "--launches"},
                  &out);
  ASSERT_EQ(json.size(), 3u);
  const auto& limits = json[0]["ours"];
  EXPECT_EQ(json[0]["name"], "limits");
  for (const char* figure : {"gemm_fp32_gflops", "gemm_bf16_gflops", "copy_gb_per_s", "to_device_gb_per_s",
                             "conv_down0_11to64_bf16_ndhwc_s", "conv_down1_64to32_bf16_ncdhw_s",
                             "conv_residual_32to32_fp32_ndhwc_s", "conv_reduction_32to64_bf16_ncdhw_s",
                             "stem_convs_fp32_s", "stem_convs_bf16_s"}) {
    ASSERT_TRUE(limits.contains(figure)) << limits;
    EXPECT_GT(limits[figure].get<double>(), 0) << figure;
  }
  EXPECT_EQ(json[1]["name"], "atlas bf16 48x48x48 ncdhw");
  EXPECT_EQ(json[2]["name"], "atlas bf16 48x48x48 ndhwc");
  for (std::size_t i = 1; i < 3; ++i) {
    EXPECT_THAT(json[i]["baseline"]["what"].get<std::string>(),
                ::testing::HasSubstr("LibTorch bf16 autocast"));
    EXPECT_EQ(json[i]["machine_gemm_bf16_gflops"], limits["gemm_bf16_gflops"]);
    for (const char* side : {"ours", "baseline"}) {
      for (const char* figure : {"seconds", "windows_s", "stem_s", "stage0_s", "stage2_s", "gflop_per_s"})
        EXPECT_GT(json[i][side][figure].get<double>(), 0) << side << " " << figure;
    }
    EXPECT_GT(json[i]["readout_cosine"].get<double>(), 0.999);
  }
  EXPECT_NE(out.find("stem_convs_bf16_s"), std::string::npos) << out;
}

// At 48x96x48 the coarsest window has unequal axes.
nlohmann::json small_architecture(const std::string& modality, std::vector<int> image_hwd,
                                  std::vector<int> patch_hwd) {
  return {{"model", {{"stages", {1, 1, 1}}, {"atlas_args", {{"dim", 32}, {"num_heads", 2}}}}},
          {"modalities",
           {{modality,
             {{"image_size", image_hwd},
              {"patch_size", patch_hwd},
              {"in_chans", 3},
              {"num_features", 16},
              {"merge_ratio", {4, 4, 4}},
              {"local2global", {2, 2, 2}}}}}}};
}

TEST(PillarBench, AtlasTakesOtherSizesAndEmbeds) {
  TempDir dir;
  const std::string arch = (dir / "arch.json").string();
  write_file_atomic(arch, small_architecture("abdomen_ct", {96, 96, 96}, {6, 6, 6}).dump());
  auto json = bench_atlas(dir, {"--arch", arch, "--size", "48,96,48"});
  EXPECT_EQ(json[0]["name"], "atlas fp32 48x96x48");
  EXPECT_EQ(json[0]["merge_ratio_dhw"],
            (std::vector<int>{4, 4, 4}));  // the long axis still gives three scales
  EXPECT_GT(json[0]["readout_cosine"].get<double>(), 0.99999);
  EXPECT_LT(json[0]["readout_max_abs_difference"].get<double>(), 1e-3);

  write_file_atomic(arch, small_architecture("head_ct", {128, 128, 48}, {8, 8, 6}).dump());
  json = bench_atlas(dir, {"--arch", arch});
  EXPECT_GT(json[0]["readout_cosine"].get<double>(), 0.99999);
  EXPECT_LT(json[0]["readout_max_abs_difference"].get<double>(), 1e-3);
}

TEST(PillarBench, AtlasScalesWindowsDownWithTheSize) {
  TempDir dir;
  const std::string arch = (dir / "arch.json").string();
  write_file_atomic(arch, small_architecture("abdomen_ct", {96, 96, 96}, {6, 6, 6}).dump());
  std::string out;
  const auto json = bench_atlas(dir, {"--arch", arch, "--size", "48,48,48", "--ours-only"}, &out);
  EXPECT_EQ(json[0]["merge_ratio_dhw"], (std::vector<int>{2, 2, 2}));
  EXPECT_NE(out.find("4,4,4 would leave fewer scales"), std::string::npos) << out;
  EXPECT_FALSE(json[0].contains("baseline"));
  EXPECT_FALSE(json[0].contains("ratio_time"));
  EXPECT_GT(json[0]["ours"]["gflop_per_s"].get<double>(), 0);
}

TEST(PillarBench, AtlasRefusesWhatItCannotCompare) {
  TempDir dir;
  const std::string arch = (dir / "arch.json").string();
  const auto refused = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"pillar-bench", "atlas", "--arch", arch});
    return run_program(options);
  };
  write_file_atomic(arch, small_architecture("abdomen_ct", {96, 96, 96}, {6, 6, 6}).dump());
  EXPECT_EQ(refused({"--dtype", "fp32,fp32"}).exit_code, 2);
  EXPECT_EQ(refused({"--formats", "ndhwc,ndhwc"}).exit_code, 2);
  EXPECT_EQ(refused({"--device", "auto"}).exit_code, 2);
  EXPECT_EQ(refused({"--size", "96,96"}).exit_code, 2);
  EXPECT_EQ(refused({"--size", "36,36,36"}).exit_code, 2);  // merge_ratio 4 * 36 / 96
  EXPECT_EQ(refused({"--size", "96,96,100"}).exit_code, 1);
  write_file_atomic(arch, small_architecture("chest_ct", {64, 64, 128}, {8, 8, 4}).dump());
  EXPECT_NE(refused({}).exit_code, 0);
  auto chest = small_architecture("chest_ct", {64, 64, 64}, {8, 8, 4});
  chest["modalities"]["chest_ct"]["patch_embed"] = "volume_884";
  write_file_atomic(arch, chest.dump());
  const auto result = refused({});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("volume_884"), std::string::npos) << result.err;
}

TEST(PillarBench, FinetuneSaysPartsAndThatThePlainHeadsAreTheSame) {
  TempDir dir;
  const auto result = run_program({"pillar-bench", "finetune", "--batch", "1", "--steps", "1", "--channels",
                                   "16", "--tokens", "4,4,8", "--json", (dir / "bench.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(read_text_file(dir / "bench.json"));
  ASSERT_EQ(json.size(), 2u);
  for (const char* part : {"windows_s", "tower_s", "heads_s", "backward_s", "optimiser_s"})
    EXPECT_GT(json[0]["ours"][part].get<double>(), 0) << part;
  EXPECT_EQ(json[1]["name"], "finetune.heads 128 tokens");
  EXPECT_LT(json[1]["first_logit_difference"].get<double>(), 1e-4);
  EXPECT_LT(json[1]["first_box_difference"].get<double>(), 1e-4);
  EXPECT_GT(json[1]["ratio_time"].get<double>(), 0);
  EXPECT_EQ(run_program({"pillar-bench", "finetune", "--tokens", "4,8,8"}).exit_code, 2);
}

}  // namespace
}  // namespace pillar
