// A real scan through the whole engine: the head CT of Debian's package invesalius-examples, written to DICOM
// and back.
#include "pillar/core/file.h"
#include "pillar/image/dicom_write.h"
#include "pillar/rave/encode_job.h"
#include "pillar/rave/hu_map.h"

#include "support/temp_dir.h"
#include "support/volumes.h"

#include <cmath>
#include <cstring>

#include <ATen/ops/empty.h>
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

constexpr const char* kPackage = "/usr/share/doc/invesalius-examples/examples/Cranium.inv3";
constexpr std::int64_t kDepth = 108;
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kColumns = 256;

// Raw little-endian int16, the member matrix.dat of a .tar.gz.
Volume read_head() {
  Volume volume;
  volume.voxels_dhw = at::empty({kDepth, kRows, kColumns}, at::kShort);
  volume.geometry.spacing_xyz_mm = {0.957, 0.957, 1.5};
  archive* reader = archive_read_new();
  archive_read_support_filter_gzip(reader);
  archive_read_support_format_tar(reader);
  EXPECT_EQ(archive_read_open_filename(reader, kPackage, 1 << 16), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  bool found = false;
  while (!found && archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    if (fs::path(archive_entry_pathname(entry)).filename() != "matrix.dat") continue;
    const auto bytes = static_cast<la_ssize_t>(volume.voxels_dhw.nbytes());
    EXPECT_EQ(archive_read_data(reader, volume.voxels_dhw.mutable_data_ptr(), volume.voxels_dhw.nbytes()),
              bytes);
    found = true;
  }
  archive_read_free(reader);
  EXPECT_TRUE(found);
  return volume;
}

class RealHead : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kPackage)) GTEST_SKIP() << kPackage << " is not installed";
    head_ = read_head();
    write_dicom_series(dir_ / "dicom", head_, {});
  }

  Sample encode(SampleMode mode) {
    EncodeJob job;
    job.inputs = {dir_ / "dicom"};
    job.output_folder = dir_ / to_string(mode);
    job.quiet = true;
    job.prepare.config.write.mode = mode;
    const EncodeSummary summary = run_encode(job);
    EXPECT_EQ(summary.brief(), "1 written");
    return Sample::open(summary.outcomes.at(0).output);
  }

  TempDir dir_;
  Volume head_;
};

TEST_F(RealHead, LosslessComesBackBitForBitAndInPlace) {
  const Sample sample = encode(SampleMode::lossless);
  const Volume back = sample.read();
  EXPECT_TRUE(test::same_voxels(back.voxels_dhw, head_.voxels_dhw));
  EXPECT_EQ(back.geometry, head_.geometry);
  EXPECT_LT(sample.info().bytes_on_disk, 6'000'000u) << "14.2 MB of voxels";
}

TEST_F(RealHead, Rave10IsThePublishedStreamWithinItsCodingError) {
  const Sample sample = encode(SampleMode::rave10);
  const at::Tensor back = sample.read().voxels_dhw;
  const auto* truth = head_.voxels_dhw.const_data_ptr<std::int16_t>();
  const auto* decoded = back.const_data_ptr<std::int16_t>();
  double from_map = 0;
  double from_truth = 0;
  for (std::int64_t i = 0; i < back.numel(); ++i) {
    const int clipped = std::clamp<int>(truth[i], -1024, 3071);
    const int ideal = y10_to_hu_table()[hu_to_y10_table()[clipped + 1024]];
    from_map += std::abs(decoded[i] - ideal);
    from_truth += std::abs(decoded[i] - truth[i]);
  }
  EXPECT_LT(from_map / static_cast<double>(back.numel()), 12) << "HU of HEVC loss at crf 6";
  EXPECT_NEAR(from_truth / static_cast<double>(back.numel()), 198, 2)
      << "the lifted air level, docs/formats.md";
  EXPECT_LT(sample.info().bytes_on_disk, 500'000u);
}

}  // namespace
}  // namespace pillar
