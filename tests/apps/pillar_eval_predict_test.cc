// pillar-eval predict as a user meets it, with models that have not been trained.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/data/load_model_input.h"
#include "pillar/image/volume_file.h"
#include "pillar/metrics/calibration_map.h"
#include "pillar/model/finetuned_model.h"
#include "pillar/model/heads.h"
#include "pillar/model/model_folder.h"
#include "pillar/model/weights.h"
#include "pillar/rave/sample.h"

#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

HeadsConfig two_findings(HeadFeatures features) {
  HeadsConfig heads;
  heads.outputs = {"nodule", "effusion"};
  heads.features = features;
  heads.pool_kernel = 3;
  return heads;
}

// Runs that look as pillar-train finetune leaves them, of a tower of 48 x 48 x 48 voxels of 7.5 mm.
class PillarEvalPredict : public ::testing::Test {
 protected:
  PillarEvalPredict() {
    const auto made = run_program({"pillar-train", "init", "--arch", "atlas-tiny-abdomen-ct", "--out",
                                   (dir_ / "tower").string(), "--seed", "1", "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }

  fs::path out() const { return dir_ / "answers.csv"; }

  std::string make_run(const std::string& name, const HeadsConfig& heads, std::uint64_t seed = 1) const {
    const ModelFolder tower = open_model_folder(dir_ / "tower");
    WeightMap weights = load_weights(tower.path);
    for (auto& [key, tensor] : initial_head_weights(tower.config.readout_width(), heads, seed))
      weights[key] = tensor;
    fs::create_directories(dir_ / name);
    write_checkpoint(dir_ / name / "export",
                     with_heads_config(read_text_file(tower.path / "config.json"), heads), weights);
    return (dir_ / name).string();
  }

  // On a grid other than the model's.
  std::string make_scan(const std::string& accession, std::uint32_t seed) const {
    const fs::path file = dir_ / fmt::format("{}.nii.gz", accession);
    Volume volume = test::smooth_volume(24, 44, 52, seed);
    volume.geometry = test::axis_aligned({8, 8, 12}, {-100, 20, 7});
    write_volume_file(file, volume);
    return file.string();
  }

  ProgramResult predict(std::vector<std::string> words) const {
    std::vector<std::string> command = {"pillar-eval", "predict", "--out", out().string(), "--dtype", "fp32"};
    command.insert(command.end(), words.begin(), words.end());
    return run_program(command);
  }

  TempDir dir_;
};

TEST_F(PillarEvalPredict, AManifestToATableThatIsGoneOnWith) {
  const std::string run = make_run("run", two_findings(HeadFeatures::readout));
  make_scan("A1", 1);
  make_scan("B1", 2);
  write_file_atomic(
      dir_ / "table.csv",
      "accession,split,nodule,image_paths\nP2,test,1,A1.nii.gz\nP1,test,,B1.nii.gz\nP3,test,0,no.nii.gz\n");
  const auto result = predict({"--model", run, "--manifest", (dir_ / "table.csv").string()});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("48x48x48 voxels"), HasSubstr("2 predicted, 1 failed; ")));
  const CsvTable table = read_csv(out());
  EXPECT_THAT(table.header, ElementsAre("accession", "nodule", "nodule:logit", "effusion", "effusion:logit"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][0], "P1");
  EXPECT_NE(table.rows[0][2], table.rows[1][2]) << "two scans, two answers";
  for (const auto& row : table.rows)
    EXPECT_NEAR(std::stod(row[1]), 1 / (1 + std::exp(-std::stod(row[2]))), 1e-5);
  EXPECT_THAT(read_csv(dir_ / "failures.csv").rows.at(0).at(2), HasSubstr("no.nii.gz: no such file"));

  const std::string before = read_text_file(out());
  EXPECT_THAT(predict({"--model", run + "/export", (dir_ / "A1.nii.gz").string()}).out,
              HasSubstr("1 predicted; "))
      << "the export folder is the same model";
  EXPECT_EQ(read_csv(out()).rows.size(), 3u);
  const std::string other = make_run("other", two_findings(HeadFeatures::readout), 2);
  const auto refused = predict({"--model", other, (dir_ / "A1.nii.gz").string()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("made otherwise (weights: "), HasSubstr("--overwrite")));
  EXPECT_EQ(predict({"--model", other, (dir_ / "A1.nii.gz").string(), "--overwrite", "--quiet"}).exit_code,
            0);
  EXPECT_EQ(read_csv(out()).rows.size(), 1u);
}

TEST_F(PillarEvalPredict, AnEnsembleIsTheMeanOfItsMembers) {
  const std::string a = make_run("a", two_findings(HeadFeatures::readout), 1);
  const std::string b = make_run("b", two_findings(HeadFeatures::readout), 2);
  const std::string scan = make_scan("A1", 1);
  const auto answers = [&](std::vector<std::string> words) {
    words.insert(words.end(), {scan, "--overwrite", "--quiet"});
    const auto result = predict(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const std::vector<std::string> row = read_csv(out()).rows.at(0);
    return std::pair(std::stod(row[1]), std::stod(row[2]));
  };
  const auto [p_a, logit_a] = answers({"--model", a});
  const auto [p_b, logit_b] = answers({"--model", b});
  ASSERT_GT(std::abs(p_a - p_b), 1e-4);
  const auto [p_mean, logit_mean] = answers({"--model", a, "--model", b});
  EXPECT_NEAR(p_mean, (p_a + p_b) / 2, 1e-6);
  EXPECT_NEAR(logit_mean, (logit_a + logit_b) / 2, 1e-5);
  const auto [p_of_mean, same] = answers({"--model", a, "--model", b, "--average", "logits"});
  EXPECT_NEAR(p_of_mean, 1 / (1 + std::exp(-logit_mean)), 1e-6);
  EXPECT_EQ(same, logit_mean);
}

TEST_F(PillarEvalPredict, ACalibrationIsAppliedUnlessItIsNotWanted) {
  const std::string run = make_run("run", two_findings(HeadFeatures::readout)), scan = make_scan("A1", 1);
  const auto write = [](const fs::path& file, double intercept) {
    const PlattCurve shifted = {1, intercept};
    write_calibration(file, {OutcomeKind::multilabel, {{"nodule", shifted}, {"effusion", shifted}}});
  };
  write(fs::path(run) / "export/calibration.json", 2);
  const auto nodule = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--model", run, scan, "--overwrite", "--quiet"});
    const auto result = predict(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const std::vector<std::string> row = read_csv(out()).rows.at(0);
    const double probability = std::stod(row[1]);
    return std::log(probability / (1 - probability)) - std::stod(row[2]);
  };
  EXPECT_NEAR(nodule({}), 2, 1e-4);
  EXPECT_NEAR(nodule({"--calibration", "none"}), 0, 1e-4);
  const std::string file = (dir_ / "mine.json").string();
  write(file, -1);
  EXPECT_NEAR(nodule({"--calibration", file}), -1, 1e-4);

  write_calibration(file, {OutcomeKind::multilabel, {{"nodule", PlattCurve{}}}});
  const auto partial = predict({"--model", run, scan, "--overwrite", "--calibration", file});
  EXPECT_EQ(partial.exit_code, 1);
  EXPECT_THAT(partial.err, AllOf(HasSubstr("mine.json"), HasSubstr("effusion")));
  const auto logits = predict({"--model", run, "--model", run, scan, "--overwrite", "--average", "logits"});
  EXPECT_EQ(logits.exit_code, 2);
  EXPECT_THAT(logits.err, HasSubstr("--calibration none"));
}

TEST_F(PillarEvalPredict, ASurvivalModelAnswersByYear) {
  HeadsConfig heads;
  heads.kind = OutcomeKind::survival;
  heads.outputs = {"year 1", "year 2", "year 3"};
  heads.features = HeadFeatures::attention;
  const auto result = predict({"--model", make_run("run", heads), make_scan("A1", 1)});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> row = read_csv(out()).rows.at(0);
  EXPECT_LE(std::stod(row[1]), std::stod(row[3])) << "cumulative";
  EXPECT_LE(std::stod(row[3]), std::stod(row[5]));
}

TEST_F(PillarEvalPredict, MapsLieOnTheScansOwnGrid) {
  const std::string run = make_run("run", two_findings(HeadFeatures::attention));
  const std::string scan = make_scan("A1", 1);
  const std::vector<std::string> words = {"--model", run, scan, "--maps", (dir_ / "maps").string()};
  const auto result = predict(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  Notes notes;
  const Volume map = read_volume_file(dir_ / "maps/A1.nii.gz", {}, notes);
  const Volume stored = read_volume_file(scan, {}, notes);
  EXPECT_EQ(size_dhw(map.voxels_dhw), size_dhw(stored.voxels_dhw));
  EXPECT_EQ(map.geometry, stored.geometry);
  EXPECT_EQ(map.voxels_dhw.scalar_type(), at::kFloat);
  EXPECT_NEAR(map.voxels_dhw.sum(at::kDouble).item<double>(), 1, 1e-5);
  EXPECT_GE(map.voxels_dhw.min().item<float>(), 0);
  EXPECT_THAT(read_text_file(dir_ / "maps/A1.png"), HasSubstr("PNG"));
  EXPECT_THAT(read_text_file(dir_ / "maps/A1.html"),
              AllOf(HasSubstr("<title>A1</title>"), HasSubstr("52 × 44 × 24 voxels"),
                    HasSubstr("id=\"overlay\""), HasSubstr("on padding")));
  EXPECT_THAT(predict(words).out, HasSubstr("1 there already"));
  fs::remove(dir_ / "maps/A1.png");
  EXPECT_THAT(predict(words).out, HasSubstr("1 predicted"));
  EXPECT_TRUE(fs::exists(dir_ / "maps/A1.png"));

  const std::string readout = make_run("readout", two_findings(HeadFeatures::readout));
  const auto refused =
      predict({"--model", run, "--model", readout, scan, "--maps", (dir_ / "more").string()});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(readout + " answers from the readout"),
                                 HasSubstr("maps can be had of " + run)));
  EXPECT_FALSE(fs::exists(dir_ / "more"));
}

TEST_F(PillarEvalPredict, ModelsThatCannotAnswerAreRefusedByName) {
  const std::string scan = make_scan("A1", 1);
  const std::string run = make_run("run", two_findings(HeadFeatures::readout));
  const auto expect_refused = [&](std::vector<std::string> words, int exit_code,
                                  const std::vector<std::string>& said) {
    words.push_back(scan);
    const auto result = predict(words);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    for (const std::string& part : said) EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_FALSE(fs::exists(out()));
  };
  expect_refused({"--model", (dir_ / "tower").string()}, 1,
                 {"tower", "no block \"finetune\"", "pillar-train finetune"});
  fs::create_directories(dir_ / "empty");
  expect_refused({"--model", (dir_ / "empty").string()}, 1, {"empty", "export/config.json"});
  expect_refused({"--model", (dir_ / "nowhere").string()}, 1, {"nowhere"});

  HeadsConfig other = two_findings(HeadFeatures::readout);
  other.outputs = {"nodule", "fracture"};
  const std::string odd = make_run("odd", other);
  expect_refused({"--model", run, "--model", odd}, 2, {run, odd, "nodule, effusion", "nodule, fracture"});

  // The weights of two outputs under a configuration of three, and a tower of another width.
  other.outputs = {"a", "b", "c"};
  const std::string wrong = make_run("wrong", other);
  fs::copy_file(fs::path(run) / "export/model.safetensors", fs::path(wrong) / "export/model.safetensors",
                fs::copy_options::overwrite_existing);
  expect_refused({"--model", wrong}, 1, {"wrong", "head_models.classification"});
  std::string config = read_text_file(fs::path(run) / "export/config.json");
  config.replace(config.find("64"), 2, "32");
  write_file_atomic(fs::path(run) / "export/config.json", config);
  expect_refused({"--model", run}, 1, {"run"});
}

TEST_F(PillarEvalPredict, AScanWithNaNFailsAloneByName) {
  const std::string run = make_run("run", two_findings(HeadFeatures::readout));
  const fs::path bad = dir_ / "N1.nii";
  Volume volume = test::smooth_volume(8, 10, 12, 1);
  volume.voxels_dhw = volume.voxels_dhw.to(at::kFloat);
  write_volume_file(bad, volume);
  std::string bytes = read_text_file(bad);
  bytes.replace(bytes.size() - 4, 4, std::string("\0\0\xC0\x7F", 4));
  write_file_atomic(bad, bytes);
  const auto result = predict({"--model", run, bad.string(), make_scan("A1", 1)});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1 predicted, 1 failed"));
  EXPECT_THAT(read_csv(dir_ / "failures.csv").rows.at(0).at(2), HasSubstr("N1.nii"));
}

TEST_F(PillarEvalPredict, WrongUsageExitsWithTwoBeforeAnythingIsWritten) {
  const std::string run = make_run("run", two_findings(HeadFeatures::readout)), scan = make_scan("A1", 1);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"--model", run},
                                             {scan},
                                             {"--model", run, scan, "--manifest", "m.csv"},
                                             {"--model", run, scan, "--embeddings", "cache"},
                                             {"--model", run, scan, "--probe", "probe.safetensors"},
                                             {"--probe", "probe.safetensors"},
                                             {"--model", run, scan, "--average", "logits"},
                                             {"--model", run, "--model", run, scan, "--average", "medians"},
                                             {"--model", run, scan, "--batch-size", "0"},
                                             {"--model", run, scan, "--dtype", "fp8"}}) {
    EXPECT_EQ(predict(words).exit_code, 2) << ::testing::PrintToString(words);
  }
  EXPECT_FALSE(fs::exists(out()));
}

}  // namespace
}  // namespace pillar
