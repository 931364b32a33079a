#include "pillar/rave/sample.h"

#include "pillar/core/npy.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"
#include "pillar/rave/hu_map.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <fstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <signal.h>
#include <sys/resource.h>
#include <torch/csrc/jit/serialization/pickle.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::noise_codes;
using test::smooth_codes;
using test::TempDir;
using ::testing::HasSubstr;

// Codes shifted by `offset` and taken as int16 or uint16.
at::Tensor shifted(const at::Tensor& codes, int offset, at::ScalarType type) {
  at::Tensor result = codes.clone();
  auto* data = static_cast<std::uint16_t*>(result.data_ptr());
  for (std::int64_t i = 0; i < result.numel(); ++i) data[i] = static_cast<std::uint16_t>(data[i] + offset);
  return type == at::kShort ? result.view(at::kShort) : result;
}

Volume ct_volume() {
  Volume volume;
  volume.voxels_dhw = shifted(smooth_codes({20, 48, 64}, 3000), -1024, at::kShort);
  volume.geometry = {{0.7, 0.8, 1.5}, {-10, 20.5, 1.0 / 3.0}, {1, 0, 0, 0, 0.6, -0.8, 0, 0.8, 0.6}};
  return volume;
}

SampleMetadata named(const std::string& accession) {
  SampleMetadata metadata;
  metadata.accession = accession;
  return metadata;
}

TEST(Sample, LosslessReturnsEveryBitOfEitherType) {
  TempDir dir;
  const std::vector<std::pair<at::Tensor, std::string>> cases = {
      {shifted(noise_codes({3, 40, 50}, 4095), -1024, at::kShort), "volume.mp4"},
      {shifted(noise_codes({3, 40, 50}, 4095), -32768, at::kShort), "volume.mp4"},
      {shifted(noise_codes({3, 40, 50}, 100), 32667, at::kShort), "volume.mp4"},
      {shifted(noise_codes({3, 40, 50}, 65535), 0, at::kShort), "volume.mkv"},
      {shifted(noise_codes({3, 40, 50}, 4095), 61440, at::kUInt16), "volume.mp4"},
      {shifted(noise_codes({3, 40, 50}, 65535), 0, at::kUInt16), "volume.mkv"},
      {shifted(noise_codes({3, 5, 2}, 65535), 0, at::kUInt16), "volume.npy"},
  };
  for (const auto& [voxels, payload] : cases) {
    for (Archive archive : {Archive::none, Archive::tar, Archive::tar_lz4}) {
      const fs::path path = dir / ("sample" + sample_suffix(archive));
      const std::uint64_t bytes =
          write_sample(path, {voxels, {}, Modality::ct}, named("A"), {.archive = archive});
      const Sample sample = Sample::open(path);
      EXPECT_EQ(sample.info().payload_name, archive == Archive::tar_lz4 ? "volume.npy" : payload);
      EXPECT_EQ(sample.info().bytes_on_disk, bytes);
      const Volume back = sample.read();
      EXPECT_EQ(back.voxels_dhw.scalar_type(), voxels.scalar_type());
      EXPECT_TRUE(at::equal(back.voxels_dhw, voxels)) << payload << " in " << sample.info().container;
    }
  }
}

TEST(Sample, GeometryFollowsTheRange) {
  TempDir dir;
  const Volume volume = ct_volume();
  write_sample(dir / "s", volume, named("A"), {});
  const Sample sample = Sample::open(dir / "s");
  EXPECT_EQ(sample.read().geometry, volume.geometry);
  const Volume part = sample.read({5, 9});
  EXPECT_EQ(part.geometry.origin_xyz_mm, volume.geometry.point({0, 0, 5}));
  EXPECT_TRUE(at::equal(part.voxels_dhw, volume.voxels_dhw.slice(0, 5, 9)));
}

TEST(Sample, Rave10GoesThroughThePublishedTables) {
  TempDir dir;
  Volume volume = ct_volume();
  write_sample(dir / "ct.tar", volume, named("A"), {.mode = SampleMode::rave10, .archive = Archive::tar});
  const Sample ct = Sample::open(dir / "ct.tar");
  EXPECT_EQ(ct.info().video->pixel_format, "yuv420p10le");
  EXPECT_EQ(ct.info().metadata->gop_size, 128);
  const Volume back = ct.read();
  ASSERT_EQ(back.voxels_dhw.scalar_type(), at::kShort);
  const auto* before = static_cast<const std::int16_t*>(volume.voxels_dhw.const_data_ptr());
  const auto* after = static_cast<const std::int16_t*>(back.voxels_dhw.const_data_ptr());
  double error = 0;
  for (std::int64_t i = 0; i < back.voxels_dhw.numel(); ++i) {
    error +=
        std::abs(after[i] - y10_to_hu_table()[hu_to_y10_table()[static_cast<std::size_t>(before[i] + 1024)]]);
  }
  EXPECT_LT(error / static_cast<double>(back.voxels_dhw.numel()), 15);

  volume = {smooth_codes({4, 48, 64}, 65535), {}, Modality::mr};
  write_sample(dir / "mr", volume, named("A"), {.mode = SampleMode::rave10});
  EXPECT_EQ(Sample::open(dir / "mr").read().voxels_dhw.scalar_type(), at::kUInt16);
}

TEST(Sample, PublishedSampleIsRead) {
  PILLAR_NEEDS_GOLDEN("rave/published_chest");
  const Sample sample = Sample::open(test::golden("rave/published_chest"));
  EXPECT_EQ(sample.info().container, "folder");
  EXPECT_EQ(sample.info().size_dhw, (SizeDhw{254, 384, 384}));
  const Volume slice = sample.read({100, 101});
  EXPECT_EQ(slice.geometry.spacing_xyz_mm, (std::array<double, 3>{1.25, 1.25, 1.25}));
  EXPECT_EQ(slice.geometry.origin_xyz_mm[2], 125);
  const ByteView bytes(static_cast<const std::uint8_t*>(slice.voxels_dhw.const_data_ptr()),
                       slice.voxels_dhw.nbytes());
  EXPECT_EQ(sha256_hex(bytes), "74146c3eb9b9ef819ecc079e6744f6e739288dc250020cf5b8db53d87c4692d9");
}

TEST(Sample, MasksAreArrays) {
  TempDir dir;
  Volume mask{noise_codes({3, 40, 50}, 4), {}, Modality::mr};
  SampleMetadata metadata = named("A");
  metadata.is_mask = true;
  write_sample(dir / "mask.tar", mask, metadata, {.mode = SampleMode::rave10, .archive = Archive::tar});
  const Sample sample = Sample::open(dir / "mask.tar");
  EXPECT_EQ(sample.info().payload, PayloadKind::npy);
  EXPECT_EQ(sample.info().metadata->mode, SampleMode::lossless);
  EXPECT_TRUE(at::equal(sample.read().voxels_dhw, mask.voxels_dhw));
}

TEST(Sample, ArraysOfOtherTypesAreNarrowed) {
  TempDir dir;
  fs::create_directory(dir / "s");
  const std::vector<std::pair<at::Tensor, at::ScalarType>> cases = {
      {at::arange(24, at::kByte), at::kShort},
      {at::arange(-12, 12, at::kLong), at::kShort},
      {at::arange(65500, 65524, at::kInt), at::kUInt16},
      {at::arange(-70000, 1610000, 70000, at::kInt), at::kFloat},
      {at::arange(24, at::kDouble), at::kFloat},
      {at::arange(24, at::kHalf), at::kFloat}};
  for (const auto& [values, type] : cases) {
    write_npy(dir / "s/volume.npy", values.reshape({2, 3, 4}));
    const Sample sample = Sample::open(dir / "s");
    EXPECT_EQ(sample.info().dtype, type);
    const at::Tensor read = sample.read({1, 2}).voxels_dhw;
    EXPECT_EQ(read.scalar_type(), type);
    EXPECT_TRUE(at::equal(read.to(at::kDouble).reshape(-1), values.slice(0, 12, 24).to(at::kDouble)));
  }
  write_npy(dir / "s/volume.npy", at::full({1, 2, 2}, std::nan(""), at::kFloat));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s").read(), ErrorCategory::input, HasSubstr("NaN"));
  write_npy(dir / "s/volume.npy", at::arange(4, at::kFloat));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s"), ErrorCategory::input, HasSubstr("shape [4]"));
}

void write_torch(const fs::path& path, const c10::IValue& value) {
  const std::vector<char> bytes = torch::jit::pickle_save(value);
  write_file_atomic(path, std::string_view(bytes.data(), bytes.size()));
}

TEST(Sample, TorchTensorsAreRead) {
  TempDir dir;
  fs::create_directory(dir / "s");
  const at::Tensor values = at::arange(24, at::kShort).reshape({2, 3, 4});
  write_torch(dir / "s/volume.pt", values);
  EXPECT_TRUE(at::equal(Sample::open(dir / "s").read().voxels_dhw, values));
  write_torch(dir / "s/volume.pt", values.permute({0, 2, 1}));
  EXPECT_TRUE(at::equal(Sample::open(dir / "s").read().voxels_dhw, values.permute({0, 2, 1})));
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("volume", values);
  write_torch(dir / "s/volume.pt", dict);
  EXPECT_TRUE(at::equal(Sample::open(dir / "s").read().voxels_dhw, values));
  dict.insert("other", values);
  write_torch(dir / "s/volume.pt", dict);
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s"), ErrorCategory::input, HasSubstr("more than one tensor"));
  write_torch(dir / "s/volume.pt", std::string("text"));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s"), ErrorCategory::input, HasSubstr("holds no tensor"));
  // One stored value that claims to be many.
  write_torch(dir / "s/volume.pt", at::full({1, 1, 1}, 7, at::kShort).expand({4, 100, 100}));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s"), ErrorCategory::input, HasSubstr("larger than its data"));
  const std::string whole = read_text_file(dir / "s/volume.pt");
  write_file_atomic(dir / "s/volume.pt", std::string_view(whole).substr(0, whole.size() / 2));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "s"), ErrorCategory::input, HasSubstr("volume.pt: not a"));
}

TEST(Sample, BareVideoIsASampleWithoutMetadata) {
  TempDir dir;
  const at::Tensor codes = smooth_codes({3, 48, 64}, 1023);
  write_file_atomic(dir / "any name.mp4", encode_video(codes, {.kind = VideoKind::rave10}));
  const Sample sample = Sample::open(dir / "any name.mp4");
  EXPECT_EQ(sample.info().container, "file");
  EXPECT_FALSE(sample.info().metadata.has_value());
  EXPECT_EQ(sample.read().voxels_dhw.scalar_type(), at::kShort);
  write_file_atomic(dir / "lossless.mp4", encode_video(codes, {.kind = VideoKind::gray12}));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "lossless.mp4").read(), ErrorCategory::input,
                      HasSubstr("without its metadata"));
}

TEST(Sample, ContentCountsNotTheName) {
  TempDir dir;
  const Volume volume = ct_volume();
  write_sample(dir / "plain.tar.lz4", volume, named("A"), {.archive = Archive::tar});
  const Sample plain = Sample::open(dir / "plain.tar.lz4");
  EXPECT_EQ(plain.info().container, "tar");
  EXPECT_TRUE(at::equal(plain.read().voxels_dhw, volume.voxels_dhw));
}

TEST(WriteSample, SameInputSameBytes) {
  TempDir dir;
  for (Archive archive : {Archive::tar, Archive::tar_lz4}) {
    write_sample(dir / "a", ct_volume(), named("A"), {.archive = archive, .threads = 1});
    write_sample(dir / "b", ct_volume(), named("A"), {.archive = archive, .threads = 3});
    EXPECT_EQ(read_file(dir / "a"), read_file(dir / "b"));
  }
}

TEST(WriteSample, FullDiskLeavesNothing) {
  TempDir dir;
  struct rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 2000;
  auto previous = signal(SIGXFSZ, SIG_IGN);
  for (Archive archive : {Archive::none, Archive::tar, Archive::tar_lz4}) {
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_PILLAR_ERROR(write_sample(dir / "s", ct_volume(), named("A"), {.archive = archive}),
                        ErrorCategory::io, HasSubstr("s"));
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_TRUE(fs::is_empty(dir.path()));
  }
  signal(SIGXFSZ, previous);
}

TEST(WriteSample, RefusesWhatAModeCannotHold) {
  TempDir dir;
  const SampleWriteOptions lossy{.mode = SampleMode::rave10};
  const auto refused = [&](const Volume& volume, const SampleWriteOptions& options, const char* fault) {
    EXPECT_PILLAR_ERROR(write_sample(dir / "s", volume, named("A"), options), ErrorCategory::usage,
                        HasSubstr(fault));
  };
  refused(ct_volume(), {.mode = SampleMode::rave10, .archive = Archive::tar_lz4}, "lossless volume");
  refused({ct_volume().voxels_dhw, {}, Modality::mr}, lossy, "MR as uint16");
  refused({at::full({3, 40, 40}, 1, at::kFloat), {}, Modality::ct}, {}, "int16 or uint16");
  refused({noise_codes({3, 41, 40}, 9), {}, Modality::ct}, lossy, "even");
  refused({noise_codes({3, 20, 40}, 9), {}, Modality::ct}, lossy, "32 x 32");
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(SampleName, IsSafeInAPath) {
  SampleMetadata metadata = named("A1");
  metadata.series_number = 7;
  EXPECT_EQ(sample_name(metadata), "A1.7.0");
  metadata.accession = "../a/b\n";
  EXPECT_EQ(sample_name(metadata), "_._a_b_.7.0");
  metadata.accession = "";
  metadata.series_uid = "1.2.3";
  EXPECT_EQ(sample_name(metadata), "1.2.3.7.0");
  metadata.accession = std::string(5000, 'x');
  EXPECT_LT(sample_name(metadata).size(), 200u);
}

}  // namespace
}  // namespace pillar
