// The program as a user meets it: words in, exit codes, files and messages out.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/core/npy.h"
#include "pillar/core/safetensors.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::run_program;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

void make_series(const fs::path& folder, const std::string& accession, std::uint32_t seed,
                 std::int64_t slices = 10) {
  DicomWriteOptions options;
  options.accession = accession;
  options.uid_seed = accession;
  write_dicom_series(folder, test::smooth_volume(slices, 48, 64, seed), options);
}

TEST(PillarRave, HelpTeaches) {
  const auto top = run_program({"pillar-rave", "--help"});
  EXPECT_EQ(top.exit_code, 0);
  for (const char* word : {"encode", "decode", "info", "verify", "view", "Examples"})
    EXPECT_THAT(top.out, HasSubstr(word));
  EXPECT_THAT(run_program({"pillar-rave", "encode", "--help"}).out, HasSubstr("chest-ct"));
  EXPECT_THAT(run_program({"pillar-rave", "--version"}).out, HasSubstr("libpillar"));
}

TEST(PillarRave, WrongUsageExitsWithTwo) {
  EXPECT_EQ(run_program({"pillar-rave"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "encode", "x"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "encode", "x", "--out", "y", "--preset", "chset-ct"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "encode", "x", "--out", "y", "--mode", "lossy"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "decode", "x"}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "info", "x", "--log-level", "loud"}).exit_code, 2);
}

TEST(PillarRave, MissingSampleExitsWithOneAndIsNamed) {
  const auto result = run_program({"pillar-rave", "info", "/no/such sample"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such sample"));
}

TEST(PillarRave, EncodeDecodeEveryFormat) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  const std::string out = (dir / "out").string();
  const std::string sample = (dir / "out/A1.1.0").string();
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "a").string(), "--out", out}).exit_code, 0);
  const at::Tensor truth = test::smooth_volume(10, 48, 64, 1).voxels_dhw;

  for (const char* ending : {".npy", ".safetensors", ".nii.gz", ".nrrd", ".mha"}) {
    const std::string file = (dir / fmt::format("v{}", ending)).string();
    const auto result = run_program({"pillar-rave", "decode", sample, "--out", file});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_TRUE(test::same_voxels(read_npy(dir / "v.npy"), truth));
  EXPECT_TRUE(test::same_voxels(SafetensorsFile(dir / "v.safetensors").tensor("volume"), truth));
  for (const char* ending : {".nii.gz", ".nrrd", ".mha"}) {
    Notes notes;
    EXPECT_TRUE(test::same_voxels(
        read_volume_file((dir / fmt::format("v{}", ending)).string(), {}, notes).voxels_dhw, truth))
        << ending;
  }
  EXPECT_EQ(run_program({"pillar-rave", "decode", sample, "--out", (dir / "v.xyz").string()}).exit_code, 2);
  EXPECT_EQ(run_program({"pillar-rave", "decode", sample, "--out", (dir / "v.npy").string()}).exit_code, 2)
      << "must not overwrite";
}

TEST(PillarRave, DicomOutAndBackInIsTheSameVolume) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  const std::string out = (dir / "out").string();
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "a").string(), "--out", out}).exit_code, 0);
  ASSERT_EQ(run_program({"pillar-rave", "decode", (dir / "out/A1.1.0").string(), "--out-dicom",
                         (dir / "dicom").string()})
                .exit_code,
            0);
  const std::string again = (dir / "again").string();
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "dicom").string(), "--out", again}).exit_code, 0);
  EXPECT_EQ(read_file(dir / "again/A1.1.0/volume.mp4"), read_file(dir / "out/A1.1.0/volume.mp4"));
}

TEST(PillarRave, AVolumeFileWithALongNameStillGoesToDicom) {
  TempDir dir;
  const Volume volume = test::smooth_volume(6, 40, 48);
  write_volume_file(dir / "a_name_longer_than_dicom_allows.nrrd", volume);
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "a_name_longer_than_dicom_allows.nrrd").string(),
                         "--out", (dir / "out").string()})
                .exit_code,
            0);
  const auto decoded =
      run_program({"pillar-rave", "decode", (dir / "out/a_name_longer_than_dicom_allows.0.0").string(),
                   "--out-dicom", (dir / "dicom").string()});
  ASSERT_EQ(decoded.exit_code, 0) << decoded.err;
  EXPECT_THAT(decoded.err, HasSubstr("longer than DICOM's 16"));
  EXPECT_EQ(
      run_program({"pillar-rave", "encode", (dir / "dicom").string(), "--out", (dir / "again").string()})
          .exit_code,
      0);
}

TEST(PillarRave, SlicesOnly) {
  TempDir dir;
  make_series(dir / "a", "A1", 1, 40);
  const std::string out = (dir / "out").string();
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "a").string(), "--out", out}).exit_code, 0);
  ASSERT_EQ(run_program({"pillar-rave", "decode", (dir / "out/A1.1.0").string(), "--out",
                         (dir / "s.npy").string(), "--slices", "7:12"})
                .exit_code,
            0);
  const at::Tensor truth = test::smooth_volume(40, 48, 64, 1).voxels_dhw.narrow(0, 7, 5).contiguous();
  EXPECT_TRUE(test::same_voxels(read_npy(dir / "s.npy"), truth));
  const auto beyond = run_program({"pillar-rave", "decode", (dir / "out/A1.1.0").string(), "--out",
                                   (dir / "t.npy").string(), "--slices", "30:50"});
  EXPECT_EQ(beyond.exit_code, 2) << beyond.err;
}

TEST(PillarRave, InfoAndVerifyAndView) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  const std::string out = (dir / "out").string();
  ASSERT_EQ(run_program({"pillar-rave", "encode", (dir / "a").string(), "--out", out, "--archive", "tar"})
                .exit_code,
            0);
  EXPECT_THAT(run_program({"pillar-rave", "info", (dir / "out/A1.1.0.tar").string()}).out,
              HasSubstr("10 x 48 x 64"));
  EXPECT_THAT(run_program({"pillar-rave", "info", (dir / "out/A1.1.0.tar").string(), "--json"}).out,
              HasSubstr("\"shape_dhw\""));
  EXPECT_THAT(run_program({"pillar-rave", "verify", out}).out, HasSubstr("1 of 1 samples are whole"));
  for (const char* file : {"v.png", "v.html"}) {
    EXPECT_EQ(run_program({"pillar-rave", "view", (dir / "out/A1.1.0.tar").string(), "--out",
                           (dir / file).string(), "--window", "40,400"})
                  .exit_code,
              0);
    EXPECT_GT(fs::file_size(dir / file), 1000u);
  }
  EXPECT_EQ(run_program({"pillar-rave", "view", (dir / "out/A1.1.0.tar").string(), "--out",
                         (dir / "w.png").string(), "--window", "40"})
                .exit_code,
            2);

  std::ofstream(dir / "out/broken.tar") << "x";
  const auto broken = run_program({"pillar-rave", "verify", out});
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_THAT(broken.out, HasSubstr("1 of 2 samples are whole"));
}

TEST(PillarRave, ViewOfWindows) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  ASSERT_EQ(
      run_program({"pillar-rave", "encode", (dir / "a").string(), "--out", (dir / "out").string()}).exit_code,
      0);
  const auto view = [&](const std::string& windows, const std::string& file) {
    return run_program({"pillar-rave", "view", (dir / "out/A1.1.0").string(), "--windows", windows, "--out",
                        (dir / file).string()});
  };
  ASSERT_EQ(view("all", "w.html").exit_code, 0);
  const std::string page = read_text_file(dir / "w.html");
  EXPECT_THAT(page, HasSubstr(R"({"name":"lung","low":-1350,"high":150})"));
  EXPECT_THAT(page, HasSubstr(R"({"name":"temporal_bone","low":-800,"high":2000})"));
  EXPECT_THAT(page, HasSubstr("id=\"notice\""));
  ASSERT_EQ(view("bone,kidney:60,300", "w.png").exit_code, 0);
  EXPECT_GT(fs::file_size(dir / "w.png"), 1000u);
  const auto unknown = view("lungs", "x.html");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'lung'?"));
  EXPECT_FALSE(fs::exists(dir / "x.html"));
  EXPECT_EQ(run_program({"pillar-rave", "view", (dir / "out/A1.1.0").string(), "--windows", "all", "--window",
                         "40,400", "--out", (dir / "y.html").string()})
                .exit_code,
            2);
}

TEST(PillarRave, SomeInputsFailedExitsWithThree) {
  TempDir dir;
  make_series(dir / "a", "A1", 1);
  fs::create_directories(dir / "empty");
  const auto result = run_program({"pillar-rave", "encode", (dir / "a").string(), (dir / "empty").string(),
                                   "--out", (dir / "out").string()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, HasSubstr("1 written, 1 failed"));
  EXPECT_EQ(read_csv(dir / "out/failures.csv").rows.size(), 1u);
}

std::map<std::string, Bytes> tree(const fs::path& folder) {
  std::map<std::string, Bytes> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = read_file(entry.path());
  }
  return files;
}

TEST(PillarRave, KilledInTheMiddleAndRunAgainEqualsAnUndisturbedRun) {
  TempDir dir;
  for (std::uint32_t i = 0; i < 12; ++i)
    make_series(dir / fmt::format("in/s{}", i), fmt::format("A{}", i), i, 24);
  const fs::path out = dir / "out";
  const std::vector<std::string> encode = {
      "pillar-rave", "encode", (dir / "in").string(), "--out", out.string(), "--jobs", "2", "--quiet"};
  ASSERT_EQ(run_program(encode).exit_code, 0);
  const std::map<std::string, Bytes> undisturbed = tree(out);
  int kills = 0;
  // Machines differ in speed: some of these hit the middle.
  for (int milliseconds : {350, 450, 600, 800}) {
    fs::remove_all(out);
    kills += test::run_and_kill(encode, milliseconds).exit_code == 128 + 9 ? 1 : 0;
    if (!fs::exists(out)) continue;
    for (const auto& entry : fs::directory_iterator(out)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".partial-") || !entry.is_directory()) continue;
      EXPECT_EQ(read_file(entry.path() / "volume.mp4"), undisturbed.at(fmt::format("{}/volume.mp4", name)))
          << "a visible sample is a whole sample";
      EXPECT_EQ(read_file(entry.path() / "metadata.json"),
                undisturbed.at(fmt::format("{}/metadata.json", name)));
    }
    ASSERT_EQ(run_program(encode).exit_code, 0);
    EXPECT_EQ(tree(out), undisturbed) << "after a kill at " << milliseconds << " ms";
  }
  EXPECT_GT(kills, 0) << "every run ended before it could be killed";
}

}  // namespace
}  // namespace pillar
