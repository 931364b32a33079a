// The program as a user meets it, with a model that has not been trained.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/data/model_input.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/model/encoder.h"
#include "pillar/rave/sample.h"

#include "support/cases.h"
#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ProgramResult;
using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A tower of 48 x 48 x 48 voxels of 7.5 mm.
class PillarEvalEmbed : public ::testing::Test {
 protected:
  PillarEvalEmbed() {
    const auto made = run_program({"pillar-train", "init", "--arch", "atlas-tiny-abdomen-ct", "--out",
                                   model().string(), "--seed", "1", "--quiet"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }

  fs::path model() const { return dir_ / "tiny"; }
  fs::path cache() const { return dir_ / "cache"; }

  fs::path make_sample(const std::string& accession, std::uint32_t seed) const {
    SampleMetadata metadata;
    metadata.accession = accession;
    const fs::path target = dir_ / "samples" / fmt::format("{}.1.0", accession);
    fs::create_directories(target.parent_path());
    Volume volume = test::smooth_volume(40, 44, 52, seed);
    volume.geometry.spacing_xyz_mm = {7.5, 7.5, 7.5};
    write_sample(target, volume, metadata, {});
    return target;
  }

  ProgramResult embed(std::vector<std::string> words, const std::string& split = "test") const {
    std::vector<std::string> command = {"pillar-eval", "embed",          "--model", model().string(),
                                        "--out",       cache().string(), "--split", split};
    command.insert(command.end(), words.begin(), words.end());
    return run_program(command);
  }

  at::Tensor readout_of(const fs::path& sample, bool flip = true) const {
    EncoderOptions options;
    options.dtype = "fp32";
    const ModelFolder opened = open_model_folder(model());
    const Encoder encoder = Encoder::load(opened, options);
    PreprocessSpec spec = opened.preprocessing(encoder.tower());
    spec.flip_depth = flip;
    Notes notes;
    const at::Tensor voxels = model_input(open_scan({sample, ""}, {}).read(), spec, notes).voxels_cdhw;
    return encoder.readout(voxels.unsqueeze(0), parse_windows("all", WindowFamily::ct))[0];
  }

  TempDir dir_;
};

TEST_F(PillarEvalEmbed, AFolderOfSamplesToTheEncodersReadout) {
  const fs::path a = make_sample("A1", 1), b = make_sample("B1", 9);
  const auto result = embed({(dir_ / "samples").string(), "--dtype", "fp32", "--batch-size", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      HasSubstr("config.json, abdomen_ct: 48x48x48 voxels (D,H,W) of 7.5x7.5x7.5 mm, pad -1, flipped"));
  EXPECT_THAT(result.out, HasSubstr("2 embedded; "));
  EXPECT_THAT(result.err, HasSubstr("the model idle "));
  const EmbeddingSet set = load_embeddings(cache(), "test");
  EXPECT_THAT(set.accessions, ElementsAre("A1", "B1"));
  const at::Tensor first = readout_of(a), second = readout_of(b);
  EXPECT_TRUE(at::allclose(set.embeddings[0], first, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(set.embeddings[1], second, 1e-5, 1e-5));
  EXPECT_FALSE(at::allclose(first, second, 1e-3, 1e-3)) << "two scans, two embeddings";
  const CsvTable processed = read_csv(cache() / "processed.csv");
  ASSERT_EQ(processed.rows.size(), 2u);
  EXPECT_THAT(std::vector<std::string>(processed.rows[0].begin(), processed.rows[0].end() - 1),
              ElementsAre("A1", "tiny", "abdomen_ct", "test"));

  const auto again = embed({(dir_ / "samples").string(), "--dtype", "fp32"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("2 there already"));
  const auto otherwise = embed({(dir_ / "samples").string(), "--dtype", "fp32", "--flip-depth", "off"});
  EXPECT_EQ(otherwise.exit_code, 2);
  EXPECT_THAT(otherwise.err, HasSubstr("embedded otherwise"));
}

TEST_F(PillarEvalEmbed, FlagsChangeThePreprocessing) {
  const fs::path a = make_sample("A1", 1);
  const auto result =
      embed({a.string(), "--dtype", "fp32", "--flip-depth", "off", "--normalize", "--format", "csv"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("config.json, abdomen_ct, changed by flags:"));
  EXPECT_THAT(result.out, HasSubstr("not flipped"));
  const at::Tensor stored = load_embeddings(cache(), "test").embeddings;
  EXPECT_NEAR(stored.norm().item<float>(), 1, 1e-5);
  EXPECT_TRUE(at::allclose(stored, l2_normalize_rows(readout_of(a, false).unsqueeze(0)), 1e-4, 1e-6));
  EXPECT_FALSE(at::allclose(stored, l2_normalize_rows(readout_of(a, true).unsqueeze(0)), 1e-4, 1e-6));
}

TEST_F(PillarEvalEmbed, AManifestChoosesAndAMissingSampleExitsWithThree) {
  make_sample("A1", 1);
  make_sample("B1", 2);
  write_file_atomic(dir_ / "m.csv", "sample_name,image_cache_path\nA1,samples/A1.1.0\nB,samples/B1.1.0\n");
  write_file_atomic(dir_ / "t.jsonl", "{\"sample_name\":\"B\"}\n{\"sample_name\":\"Z\"}\n");
  const auto result =
      embed({"--manifest", (dir_ / "m.csv").string(), "--json", (dir_ / "t.jsonl").string(), "--quiet"});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(load_embeddings(cache(), "test").accessions, ElementsAre("B"));
  const CsvTable failures = read_csv(cache() / "failures.csv");
  ASSERT_EQ(failures.rows.size(), 1u);
  EXPECT_EQ(failures.rows[0][0], "Z");
}

TEST_F(PillarEvalEmbed, OnePatientHasOneEmbeddingHoweverTheScanIsStored) {
  PILLAR_NEEDS_CASE("orientations");
  const fs::path folder = test::scan_case("orientations");
  std::vector<std::string> scans;
  for (const char* form : {"dicom", "LAS.nii.gz", "RAS.nii.gz", "LSA.nii.gz"})
    scans.push_back((folder / form).string());
  const auto result = embed([&] {
    std::vector<std::string> words = scans;
    words.insert(words.end(), {"--dtype", "fp32"});
    return words;
  }());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("axes SPL"));
  EXPECT_THAT(result.err, HasSubstr("stored along SAR (D,H,W), brought to SPL"));
  const at::Tensor rows = load_embeddings(cache(), "test").embeddings;
  ASSERT_EQ(rows.size(0), 4);
  for (std::int64_t i = 1; i < 4; ++i) EXPECT_TRUE(at::allclose(rows[i], rows[0], 1e-5, 1e-6)) << scans[i];

  const auto stored = embed({scans[1], scans[2], "--dtype", "fp32", "--axes", "stored"}, "stored");
  ASSERT_EQ(stored.exit_code, 0) << stored.err;
  EXPECT_THAT(stored.out, HasSubstr("axes as stored"));
  const at::Tensor as_stored = load_embeddings(cache(), "stored").embeddings;
  EXPECT_FALSE(at::allclose(as_stored[0], as_stored[1], 1e-3, 1e-3)) << "the public rule";
}

TEST_F(PillarEvalEmbed, ValuesThatAreNoneOfACtAreRefusedOrSaid) {
  PILLAR_NEEDS_CASE("ct_zero_to_one");
  PILLAR_NEEDS_CASE("ct_plus_1024");
  const auto refused = embed({test::scan_case("ct_zero_to_one/in.nii.gz").string()}, "refused");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("cannot be HU: values from 0.00586081 to 0.421001"));
  const auto said = embed({test::scan_case("ct_plus_1024/in.nii.gz").string()}, "said");
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.err, HasSubstr("none below 0, where air should be near -1000"));
}

TEST_F(PillarEvalEmbed, DicomAndNiftiGoTheWayOfTheirSample) {
  DicomWriteOptions options;
  options.accession = "D1";
  Volume volume = test::smooth_volume(30, 40, 44, 3);
  volume.geometry.spacing_xyz_mm = {9, 8, 10};
  write_dicom_series(dir_ / "dicom", volume, options);
  write_volume_file(dir_ / "N1.nii.gz", volume);
  const auto direct = embed({(dir_ / "dicom").string(), (dir_ / "N1.nii.gz").string(), "--dtype", "fp32"});
  ASSERT_EQ(direct.exit_code, 0) << direct.err;

  write_file_atomic(
      dir_ / "grid.yaml",
      "processing:\n  resampling: {target_spacing: [7.5, 7.5, 7.5]}\n  crop_pad: {size: [48, 48]}\n"
      "  slice_selection: {slices: 48}\n");
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir_ / "dicom").string(), "--out",
                         (dir_ / "samples").string(), "--config", (dir_ / "grid.yaml").string(), "--quiet"})
                .exit_code,
            0);
  ASSERT_EQ(embed({(dir_ / "samples/D1.1.0").string(), "--dtype", "fp32"}, "stored").exit_code, 0);
  const EmbeddingSet scans = load_embeddings(cache(), "test"), stored = load_embeddings(cache(), "stored");
  EXPECT_THAT(scans.accessions, ElementsAre("D1", "N1"));
  EXPECT_TRUE(at::equal(scans.embeddings[0], stored.embeddings[0]));
}

TEST_F(PillarEvalEmbed, OfAStudyTheSeriesThatFitsOrTheOneAskedFor) {
  const auto write_series = [&](const char* folder, std::int64_t number, std::int64_t slices) {
    DicomWriteOptions options;
    options.accession = "S1";
    options.study_uid = "2.25.5";
    options.series_number = number;
    options.uid_seed = std::to_string(number);
    Volume volume = test::smooth_volume(slices, 44, 52, static_cast<std::uint32_t>(number));
    volume.geometry.spacing_xyz_mm = {7.5, 7.5, 300.0 / static_cast<double>(slices)};
    write_dicom_series(dir_ / "study" / folder, volume, options);
  };
  write_series("thick", 1, 20);
  write_series("thin", 2, 60);
  const std::string study = (dir_ / "study").string();
  const auto fitting = embed({study, "--dtype", "fp32"});
  EXPECT_EQ(fitting.exit_code, 0) << fitting.err;
  EXPECT_THAT(fitting.err,
              AllOf(HasSubstr("2 series, taken is number 2"), HasSubstr("not number 1: thicker slices")));
  ASSERT_EQ(embed({study, "--dtype", "fp32", "--series-number", "1"}, "first").exit_code, 0);
  ASSERT_EQ(embed({study, "--dtype", "fp32", "--all-series", "--gaps", "ignore"}, "all").exit_code, 0);
  const EmbeddingSet all = load_embeddings(cache(), "all");
  EXPECT_THAT(all.accessions, ElementsAre("S1.1", "S1.2"));
  EXPECT_TRUE(at::equal(all.embeddings[0], load_embeddings(cache(), "first").embeddings[0]));
  EXPECT_TRUE(at::equal(all.embeddings[1], load_embeddings(cache(), "test").embeddings[0]));
  const auto otherwise = embed({study, "--dtype", "fp32", "--series-number", "1"});
  EXPECT_EQ(otherwise.exit_code, 3) << "the name is another series'";
  EXPECT_EQ(embed({study, "--dtype", "fp32", "--all-series"}, "all").exit_code, 2) << "other gaps";
  EXPECT_THAT(embed({study, "--series-number", "7"}, "none").err, HasSubstr("no series number 7"));
}

TEST_F(PillarEvalEmbed, KilledInTheMiddleAndRunAgainIsWhole) {
  std::vector<fs::path> samples;
  for (std::uint32_t i = 0; i < 6; ++i) samples.push_back(make_sample(fmt::format("S{}", i), i));
  ASSERT_EQ(embed({(dir_ / "samples").string(), "--quiet"}, "whole").exit_code, 0);
  const at::Tensor whole = load_embeddings(cache(), "whole").embeddings;
  const std::vector<std::string> command = {
      "pillar-eval",    "embed",   "--model", model().string(), "--out",
      cache().string(), "--split", "cut",     "--quiet",        (dir_ / "samples").string()};
  for (int milliseconds : {300, 600, 900}) test::run_and_kill(command, milliseconds);
  ASSERT_EQ(run_program(command).exit_code, 0);
  EXPECT_TRUE(at::equal(load_embeddings(cache(), "cut").embeddings, whole));
  EXPECT_EQ(read_csv(cache() / "processed.csv").rows.size(), 12u);
}

TEST_F(PillarEvalEmbed, ASecondProcessOfOneSplitIsRefusedByName) {
  const fs::path a = make_sample("A1", 1);
  const WriteLock lock = EmbeddingCache::lock(cache(), "test");  // this process is the first
  const auto second = embed({a.string(), "--dtype", "fp32"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr(fmt::format("embeddings/test: another run is writing here (process {} on",
                                                ::getpid())));
  EXPECT_FALSE(fs::exists(cache() / "processed.csv"));
}

// Both read and write the table of all splits.
TEST_F(PillarEvalEmbed, TwoProcessesOfTwoSplitsLoseNoRow) {
  const auto command = [&](const std::string& split, const fs::path& sample) {
    return std::vector<std::string>{"pillar-eval",    "embed",   "--model", model().string(), "--out",
                                    cache().string(), "--split", split,     sample.string(),  "--quiet"};
  };
  test::RunningProgram one(command("one", make_sample("A1", 1))), two(command("two", make_sample("B1", 2)));
  EXPECT_EQ(one.wait().exit_code, 0);
  EXPECT_EQ(two.wait().exit_code, 0);
  EXPECT_EQ(read_csv(cache() / "processed.csv").rows.size(), 2u);
}

TEST_F(PillarEvalEmbed, AutoSaysWhatItBecameAndAMissingModelIsSaidAsSuch) {
  const fs::path a = make_sample("A1", 1);
  const auto result = embed({a.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("(--dtype auto)"));
  const auto absent = run_program({"pillar-eval", "embed", "--model", (dir_ / "absent").string(), a.string(),
                                   "--out", cache().string(), "--split", "test"});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.err, HasSubstr("absent: no such file or folder"));
}

TEST_F(PillarEvalEmbed, WrongUsageExitsWithTwoBeforeAnythingIsWritten) {
  const std::string a = make_sample("A1", 1).string();
  EXPECT_EQ(run_program({"pillar-eval"}).exit_code, 2);
  EXPECT_EQ(embed({}).exit_code, 2);
  EXPECT_EQ(embed({a, "--manifest", "m.csv"}).exit_code, 2);
  EXPECT_EQ(embed({a, "--json", "t.jsonl"}).exit_code, 2);
  EXPECT_EQ(embed({a, "--format", "pickle"}).exit_code, 2);
  EXPECT_EQ(embed({a, "--batch-size", "0"}).exit_code, 2);
  EXPECT_EQ(embed({a, "--preset", "chset-ct"}).exit_code, 2);
  EXPECT_EQ(embed({a, "--pad-value", "nan"}).exit_code, 2);
  EXPECT_EQ(embed({a}, "../up").exit_code, 2);
  const auto modality = embed({a, "--modality", "chest_ct"});
  EXPECT_EQ(modality.exit_code, 2);
  EXPECT_THAT(modality.err, HasSubstr("abdomen_ct"));
  const auto windows = embed({a, "--windows", "lung,bone"});
  EXPECT_EQ(windows.exit_code, 2);
  EXPECT_THAT(windows.err, HasSubstr("windows lung,bone are 2, the tower abdomen_ct takes 11"));
  EXPECT_FALSE(fs::exists(cache()));
}

TEST_F(PillarEvalEmbed, WhatCannotBeReadExitsWithOneOrIsListed) {
  const std::string a = make_sample("A1", 1).string();
  const auto no_model = run_program({"pillar-eval", "embed", "--model", (dir_ / "absent").string(), a,
                                     "--out", cache().string(), "--split", "test"});
  EXPECT_EQ(no_model.exit_code, 1);
  EXPECT_THAT(no_model.err, HasSubstr("absent"));
  std::ofstream(dir_ / "broken.tar") << "no archive";
  const auto some = embed({a, (dir_ / "broken.tar").string(), (dir_ / "nowhere").string()});
  EXPECT_EQ(some.exit_code, 3) << some.err;
  EXPECT_THAT(some.out, HasSubstr("1 embedded, 2 failed"));
  EXPECT_EQ(read_csv(cache() / "failures.csv").rows.size(), 2u);
  fs::remove_all(cache());
  fs::create_directories(dir_ / "texts");
  std::ofstream(dir_ / "texts/report.sr") << "DICM no more";
  EXPECT_EQ(embed({(dir_ / "texts").string()}, "texts").exit_code, 3) << "nothing that is DICOM";
  fs::remove_all(cache());
  EXPECT_EQ(embed({(dir_ / "nowhere").string()}).exit_code, 1) << "a wrong path is nothing to begin with";
  EXPECT_FALSE(fs::exists(cache()));
}

TEST(PillarEval, HelpTeaches) {
  EXPECT_THAT(run_program({"pillar-eval", "--help"}).out, HasSubstr("Examples"));
  const auto help = run_program({"pillar-eval", "embed", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"--manifest", "--flip-depth", "--intensity", "chest-ct", "Examples", "Run again"})
    EXPECT_THAT(help.out, HasSubstr(word));
}

}  // namespace
}  // namespace pillar
