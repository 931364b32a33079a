// What encode does with values that are not what they should be.
#include "pillar/core/csv.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/encode_job.h"
#include "pillar/rave/sample.h"

#include "support/cases.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <ATen/ops/equal.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

EncodeOutcome encoded(const fs::path& out, const fs::path& input, const char* settings) {
  EncodeJob job;
  job.inputs = {input};
  job.output_folder = out;
  job.quiet = true;
  Notes notes;
  job.prepare.config = parse_encode_config(Config::parse(settings, "test"), notes);
  return run_encode(job).outcomes.at(0);
}

TEST(EncodeValues, ACtWithoutAirThatIsOffBy1024IsSaidAndTheFixWorks) {
  PILLAR_NEEDS_CASE("ct_plus_1024");
  test::TempDir dir;
  const fs::path input = test::scan_case("ct_plus_1024/in.nii.gz");
  const EncodeOutcome taken = encoded(dir / "a", input, "modality: CT");
  ASSERT_EQ(taken.status, EncodeStatus::written) << taken.reason;
  const EncodeOutcome mended = encoded(dir / "b", input, "{modality: CT, intensity: {offset: -1024}}");
  ASSERT_EQ(mended.status, EncodeStatus::written) << mended.reason;
  const Sample as_it_is = Sample::open(taken.output), in_hu = Sample::open(mended.output);
  EXPECT_TRUE(at::equal(in_hu.read().voxels_dhw.add(1024), as_it_is.read().voxels_dhw));
  EXPECT_THAT(as_it_is.info().metadata->notes, Contains(AllOf(HasSubstr("air should be near -1000"),
                                                              HasSubstr("--set intensity.offset=-1024"))));
  EXPECT_THAT(in_hu.info().metadata->notes, Contains(HasSubstr("values are 1 x stored + -1024")));
  EXPECT_THAT(in_hu.info().metadata->notes, Not(Contains(HasSubstr("air should be"))));
}

TEST(EncodeValues, AirAtZeroIsRefusedWithTheFix) {
  test::TempDir dir;
  Volume volume{test::random_voxels(12, 40, 44, at::kShort, 0, 24), {}};
  volume.voxels_dhw.narrow(0, 5, 4).copy_(test::random_voxels(4, 40, 44, at::kShort, 1000, 1100));
  write_volume_file(dir / "a.nii.gz", volume);
  const EncodeOutcome refused = encoded(dir / "out", dir / "a.nii.gz", "modality: CT");
  EXPECT_EQ(refused.status, EncodeStatus::failed);
  EXPECT_THAT(refused.reason, AllOf(HasSubstr("a.nii.gz"), HasSubstr("HU + 1024"),
                                    HasSubstr("--set intensity.offset=-1024")));
  const EncodeOutcome taken =
      encoded(dir / "out", dir / "a.nii.gz", "{modality: CT, intensity: {check: warn}}");
  EXPECT_EQ(taken.status, EncodeStatus::written) << taken.reason;
}

TEST(EncodeValues, ZeroToOneIsRefusedWithItsRange) {
  PILLAR_NEEDS_CASE("ct_zero_to_one");
  test::TempDir dir;
  const fs::path input = test::scan_case("ct_zero_to_one/in.nii.gz");
  const EncodeOutcome refused = encoded(dir / "a", input, "modality: CT");
  EXPECT_EQ(refused.status, EncodeStatus::failed);
  EXPECT_THAT(refused.reason,
              AllOf(HasSubstr("values from 0.00586081 to 0.421001"), HasSubstr("--set intensity.slope")));
  const EncodeOutcome scaled =
      encoded(dir / "b", input, "{modality: CT, intensity: {slope: 4095, offset: -1024}}");
  EXPECT_EQ(scaled.status, EncodeStatus::written) << scaled.reason;
}

TEST(EncodeValues, OneValueIsNoCt) {
  test::TempDir dir;
  Volume volume = test::smooth_volume(6, 40, 44);
  volume.voxels_dhw.fill_(-1000);
  write_volume_file(dir / "a.nii.gz", volume);
  const EncodeOutcome refused = encoded(dir / "out", dir / "a.nii.gz", "modality: CT");
  EXPECT_EQ(refused.status, EncodeStatus::failed);
  EXPECT_THAT(refused.reason, HasSubstr("the value -1000"));
  EXPECT_EQ(encoded(dir / "mr", dir / "a.nii.gz", "modality: MR").status, EncodeStatus::written);
}

TEST(EncodeValues, LabelsHaveNoUnit) {
  test::TempDir dir;
  write_volume_file(dir / "a.nii.gz", Volume{test::random_voxels(6, 40, 44, at::kShort, 0, 5), {}});
  const EncodeOutcome refused = encoded(dir / "out", dir / "a.nii.gz", "modality: CT");
  EXPECT_THAT(refused.reason, HasSubstr("--mask if they are labels"));
  const EncodeOutcome mask =
      encoded(dir / "out", dir / "a.nii.gz", "{modality: CT, processing: {mask: yes}}");
  EXPECT_EQ(mask.status, EncodeStatus::written) << mask.reason;
}

TEST(EncodeValues, TheKeysAreChecked) {
  const auto refuses = [](const char* settings, const char* words) {
    Notes notes;
    EXPECT_PILLAR_ERROR(parse_encode_config(Config::parse(settings, "test"), notes), ErrorCategory::input,
                        HasSubstr(words));
    EXPECT_THAT(notes, IsEmpty());
  };
  refuses("intensity: {offset: much}", "intensity.offset");
  refuses("intensity: {slope: 0}", "one");
  refuses("intensity: {slope: .nan}", "slope");
  refuses("intensity: {check: ask}", "refuse or warn");
  refuses("intensity: {ofset: 3}", "offset");
}

}  // namespace
}  // namespace pillar
