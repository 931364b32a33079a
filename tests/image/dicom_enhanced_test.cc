#include "pillar/core/file.h"

#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ATen.h>

namespace pillar {
namespace {

using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::Loaded;
using test::set_text;
using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DicomEnhanced : public ::testing::Test {
 protected:
  void write(const Volume& volume, double slope = 1) {
    DicomWriteOptions options;
    options.enhanced = true;
    options.rescale_slope = slope;
    write_dicom_series(dir.path(), volume, options);
  }
  void edit(const std::function<void(DcmDataset&)>& change) { edit_dicom(dir / "series.dcm", change); }

  static DcmItem& frame(DcmDataset& dataset, long index) {
    DcmItem* item = nullptr;
    EXPECT_TRUE(dataset.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, item, index).good());
    return *item;
  }
  static DcmItem& shared(DcmDataset& dataset) {
    DcmItem* item = nullptr;
    EXPECT_TRUE(dataset.findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, item).good());
    return *item;
  }
  static DcmItem& group(DcmItem& groups, const DcmTagKey& sequence) {
    DcmItem* item = nullptr;
    EXPECT_TRUE(groups.findOrCreateSequenceItem(sequence, item).good());
    return *item;
  }
  static void set_place(DcmDataset& dataset, long index, Uint32 place, const std::string& position) {
    group(frame(dataset, index), DCM_FrameContentSequence)
        .putAndInsertUint32(DCM_InStackPositionNumber, place);
    set_text(group(frame(dataset, index), DCM_PlanePositionSequence), DCM_ImagePositionPatient, position);
  }

  TempDir dir;
};

TEST_F(DicomEnhanced, RoundTrip) {
  for (Modality modality : {Modality::ct, Modality::mr}) {
    Volume volume = counting_volume(6, 4, 5, -20);
    volume.modality = modality;
    volume.geometry.direction = {0.8, 0, -0.6, 0, 1, 0, 0.6, 0, 0.8};
    write(volume);
    const Loaded loaded = load_only_series(dir.path());
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, volume.voxels_dhw));
    EXPECT_EQ(loaded.volume.modality, modality);
    EXPECT_EQ(loaded.volume.geometry.origin_xyz_mm, volume.geometry.origin_xyz_mm);
    for (std::size_t i = 0; i < 9; ++i)
      EXPECT_NEAR(loaded.volume.geometry.direction[i], volume.geometry.direction[i], 1e-12);
    EXPECT_NEAR(loaded.volume.geometry.spacing_xyz_mm[2], 2.5, 1e-12);
    EXPECT_THAT(loaded.report.notes, IsEmpty());
  }
}

// What a program that knows no Enhanced files makes of them: VR UN, and a length instead of a delimiter.
TEST_F(DicomEnhanced, FunctionalGroupsOfAnUnknownRepresentation) {
  const Volume volume = counting_volume(4, 4, 5);
  write(volume);
  edit([&](DcmDataset& dataset) {
    for (const DcmTagKey& tag : {DCM_SharedFunctionalGroupsSequence, DCM_PerFrameFunctionalGroupsSequence}) {
      DcmDataset alone;
      ASSERT_TRUE(alone.insert(dataset.remove(tag)).good());
      const auto file = dir / "group";
      ASSERT_TRUE(alone.saveFile(file.c_str(), EXS_LittleEndianImplicit, EET_ExplicitLength).good());
      std::string content = read_text_file(file).substr(8);  // behind the tag and the length
      std::filesystem::remove(file);
      auto* unknown = new DcmOtherByteOtherWord(DcmTag(tag, EVR_UN));
      unknown->putUint8Array(reinterpret_cast<const Uint8*>(content.data()),
                             static_cast<unsigned long>(content.size()));
      ASSERT_TRUE(dataset.insert(unknown).good());
    }
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, volume.voxels_dhw));
  EXPECT_EQ(loaded.volume.geometry.origin_xyz_mm, volume.geometry.origin_xyz_mm);
  EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm, volume.geometry.spacing_xyz_mm);
}

TEST_F(DicomEnhanced, InStackPositionGivesTheOrder) {
  const Volume volume = counting_volume(3, 4, 5);
  write(volume);
  edit([](DcmDataset& dataset) {
    set_place(dataset, 0, 3, "-10\\20.25\\35");
    set_place(dataset, 2, 1, "-10\\20.25\\30");
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, volume.voxels_dhw.flip(0)));
  EXPECT_EQ(loaded.volume.geometry.origin_xyz_mm[2], 30);
  EXPECT_EQ(loaded.series.planes.front().frame, 2);
}

TEST_F(DicomEnhanced, GroupsMayBePerFrame) {
  Volume volume = counting_volume(3, 4, 5);
  write(volume);
  edit([](DcmDataset& dataset) {
    for (long k = 0; k < 3; ++k) {
      DcmItem& values = group(frame(dataset, k), DCM_PixelValueTransformationSequence);
      set_text(values, DCM_RescaleSlope, std::to_string(k + 1));
      set_text(values, DCM_RescaleIntercept, "-5");
      set_text(group(frame(dataset, k), DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient,
               "1\\0\\0\\0\\0\\-1");
      set_text(group(frame(dataset, k), DCM_PixelMeasuresSequence), DCM_PixelSpacing, "2\\3");
    }
    for (long k = 0; k < 3; ++k)
      set_place(dataset, k, static_cast<Uint32>(k + 1), "0\\" + std::to_string(4 * k) + "\\0");
    shared(dataset).findAndDeleteElement(DCM_PixelMeasuresSequence);
  });
  const Loaded loaded = load_only_series(dir.path());
  const at::Tensor slopes = at::arange(1, 4, at::kShort).view({3, 1, 1});
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, (volume.voxels_dhw * slopes - 5).to(at::kShort)));
  EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm, (std::array<double, 3>{3, 2, 4}));
  EXPECT_EQ(loaded.volume.geometry.axis(2), (std::array<double, 3>{0, 1, 0}));
}

TEST_F(DicomEnhanced, TwoTimePointsInOneFileAreRefused) {
  write(counting_volume(4, 2, 2));
  edit([](DcmDataset& dataset) {
    set_place(dataset, 2, 1, "-10\\20.25\\30");
    set_place(dataset, 3, 2, "-10\\20.25\\32.5");
  });
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                      AllOf(HasSubstr("series.dcm"), HasSubstr("frame"), HasSubstr("duplicate position")));
}

TEST_F(DicomEnhanced, AStackOfAnotherOrientationIsLeftOut) {
  write(counting_volume(5, 2, 2));
  edit([](DcmDataset& dataset) {
    for (long k : {3, 4}) {
      set_text(group(frame(dataset, k), DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient,
               "0\\1\\0\\0\\0\\-1");
    }
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_EQ(loaded.volume.voxels_dhw.size(0), 3);
  EXPECT_THAT(loaded.series.excluded, SizeIs(2));
  EXPECT_EQ(loaded.series.excluded.front().frame, 3);
  EXPECT_THAT(loaded.report.notes, Contains(HasSubstr("mixed orientations: 2 of 5")));
}

TEST_F(DicomEnhanced, LocalizerFramesAreLeftOut) {
  write(counting_volume(4, 2, 2));
  edit([](DcmDataset& dataset) {
    set_text(group(frame(dataset, 0), DCM_CTImageFrameTypeSequence), DCM_FrameType,
             "ORIGINAL\\PRIMARY\\LOCALIZER\\NONE");
  });
  const Loaded loaded = load_only_series(dir.path());
  EXPECT_EQ(loaded.volume.voxels_dhw.size(0), 3);
  EXPECT_EQ(loaded.series.excluded.front().reason, "localizer");
}

TEST_F(DicomEnhanced, FrameCountsThatDisagreeAreAnError) {
  write(counting_volume(4, 2, 2));
  for (const char* frames : {"5", "2000000000", "-1", "many"}) {
    edit([&](DcmDataset& dataset) { set_text(dataset, DCM_NumberOfFrames, frames); });
    EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input, HasSubstr("NumberOfFrames"));
  }
}

TEST_F(DicomEnhanced, FewerPixelsThanFramesIsAnError) {
  write(counting_volume(4, 2, 2));
  edit([](DcmDataset& dataset) {
    const std::vector<Uint16> three_frames(12, 7);
    dataset.putAndInsertUint16Array(DCM_PixelData, three_frames.data(), 12);
  });
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                      AllOf(HasSubstr("series.dcm"), HasSubstr("truncated")));
}

TEST_F(DicomEnhanced, AFrameWithoutAPlaceIsAnError) {
  write(counting_volume(4, 2, 2));
  edit([](DcmDataset& dataset) { frame(dataset, 1).findAndDeleteElement(DCM_PlanePositionSequence); });
  EXPECT_PILLAR_ERROR(
      load_only_series(dir.path()), ErrorCategory::input,
      AllOf(HasSubstr("series.dcm"), HasSubstr("frame 2"), HasSubstr("ImagePositionPatient")));
}

TEST_F(DicomEnhanced, FramesWithoutFunctionalGroupsAreAnError) {
  write(counting_volume(4, 2, 2));
  edit([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_PerFrameFunctionalGroupsSequence); });
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input, HasSubstr("functional groups"));
}

}  // namespace
}  // namespace pillar
