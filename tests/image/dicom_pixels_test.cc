#include "image/dicom/dicom_pixels.h"

#include "image/dicom/dicom_rle.h"
#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>

#include <ATen/ATen.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcrlerp.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <gdcmImageChangeTransferSyntax.h>
#include <gdcmImageReader.h>
#include <gdcmImageWriter.h>

namespace pillar {
namespace {

using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

void compress(const std::filesystem::path& file, E_TransferSyntax syntax,
              const DcmRepresentationParameter* parameter) {
  DcmRLEEncoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs();
  DJLSEncoderRegistration::registerCodecs();
  edit_dicom(
      file,
      [&](DcmDataset& dataset) {
        ASSERT_TRUE(dataset.chooseRepresentation(syntax, parameter).good()) << DcmXfer(syntax).getXferName();
      },
      syntax);
}

void compress_jpeg2000(const std::filesystem::path& file, bool lossless) {
  gdcm::ImageReader reader;
  reader.SetFileName(file.c_str());
  ASSERT_TRUE(reader.Read());
  gdcm::ImageChangeTransferSyntax change;
  change.SetTransferSyntax(lossless ? gdcm::TransferSyntax::JPEG2000Lossless
                                    : gdcm::TransferSyntax::JPEG2000);
  change.SetInput(reader.GetImage());
  ASSERT_TRUE(change.Change());
  gdcm::ImageWriter writer;
  writer.SetFileName(file.c_str());
  writer.SetFile(reader.GetFile());
  writer.SetImage(change.GetOutput());
  ASSERT_TRUE(writer.Write());
}

struct SyntaxCase {
  const char* name;
  E_TransferSyntax syntax;
  std::function<void(const std::filesystem::path&)> rewrite;
};

void PrintTo(const SyntaxCase& syntax, std::ostream* out) {
  *out << syntax.name;
}

std::function<void(const std::filesystem::path&)> saved_as(E_TransferSyntax syntax) {
  return [=](const std::filesystem::path& file) {
    edit_dicom(
        file, [](DcmDataset&) {}, syntax);
  };
}

template <typename Parameter>
std::function<void(const std::filesystem::path&)> compressed_as(E_TransferSyntax syntax,
                                                                Parameter parameter) {
  return [=](const std::filesystem::path& file) { compress(file, syntax, &parameter); };
}

const SyntaxCase lossless_syntaxes[] = {
    {"ExplicitLittleEndian", EXS_LittleEndianExplicit, saved_as(EXS_LittleEndianExplicit)},
    {"ImplicitLittleEndian", EXS_LittleEndianImplicit, saved_as(EXS_LittleEndianImplicit)},
    {"ExplicitBigEndian", EXS_BigEndianExplicit, saved_as(EXS_BigEndianExplicit)},
    {"Deflated", EXS_DeflatedLittleEndianExplicit, saved_as(EXS_DeflatedLittleEndianExplicit)},
    {"Rle", EXS_RLELossless, compressed_as(EXS_RLELossless, DcmRLERepresentationParameter())},
    {"JpegLossless", EXS_JPEGProcess14, compressed_as(EXS_JPEGProcess14, DJ_RPLossless(6, 0))},
    {"JpegLosslessFirstOrder", EXS_JPEGProcess14SV1,
     compressed_as(EXS_JPEGProcess14SV1, DJ_RPLossless(1, 0))},
    {"JpegLs", EXS_JPEGLSLossless, compressed_as(EXS_JPEGLSLossless, DJLSRepresentationParameter())},
    {"Jpeg2000", EXS_JPEG2000LosslessOnly,
     [](const std::filesystem::path& file) { compress_jpeg2000(file, true); }},
};

class LosslessSyntax : public ::testing::TestWithParam<SyntaxCase> {
 protected:
  void rewrite(const std::filesystem::path& file) {
    GetParam().rewrite(file);
    DcmFileFormat format;
    ASSERT_TRUE(format.loadFile(file.c_str()).good());
    ASSERT_EQ(format.getDataset()->getOriginalXfer(), GetParam().syntax);
  }
};

TEST_P(LosslessSyntax, SignedSlices) {
  TempDir dir;
  const Volume volume = counting_volume(3, 7, 9, -1024);
  write_dicom_series(dir.path(), volume, {});
  for (int k = 0; k < 3; ++k) rewrite(slice_file(dir.path(), k));
  EXPECT_TRUE(at::equal(load_only_series(dir.path()).volume.voxels_dhw, volume.voxels_dhw));
}

TEST_P(LosslessSyntax, UnsignedSlicesWithIntercept) {
  TempDir dir;
  const Volume volume = counting_volume(3, 8, 6, -1024);
  DicomWriteOptions options;
  options.rescale_intercept = -1024;
  write_dicom_series(dir.path(), volume, options);
  for (int k = 0; k < 3; ++k) rewrite(slice_file(dir.path(), k));
  EXPECT_TRUE(at::equal(load_only_series(dir.path()).volume.voxels_dhw, volume.voxels_dhw));
}

TEST_P(LosslessSyntax, EnhancedFrameByFrame) {
  TempDir dir;
  const Volume volume = counting_volume(5, 7, 9, -300);
  DicomWriteOptions options;
  options.enhanced = true;
  write_dicom_series(dir.path(), volume, options);
  rewrite(dir / "series.dcm");
  EXPECT_TRUE(at::equal(load_only_series(dir.path()).volume.voxels_dhw, volume.voxels_dhw));

  DicomPixels pixels(dir / "series.dcm");  // and in any order
  for (int frame : {3, 0, 4, 4, 1}) {
    EXPECT_EQ(pixels.read(frame).front(), 100 * frame - 300) << frame;
  }
}

INSTANTIATE_TEST_SUITE_P(Dicom, LosslessSyntax, ::testing::ValuesIn(lossless_syntaxes),
                         [](const auto& syntax) { return std::string(syntax.param.name); });

TEST(DicomPixels, LossyJpegIsNear) {
  for (bool twelve_bits : {false, true}) {
    TempDir dir;
    const Volume volume = counting_volume(1, 16, 16);
    write_dicom_series(dir.path(), volume, {});
    const auto file = slice_file(dir.path(), 0);
    edit_dicom(file, [&](DcmDataset& dataset) {
      std::vector<Uint16> words(256);
      std::vector<Uint8> bytes(256);
      for (std::size_t i = 0; i < 256; ++i)
        bytes[i] = static_cast<Uint8>(words[i] = static_cast<Uint16>(10 * (i / 16) + i % 16));
      dataset.putAndInsertUint16(DCM_BitsAllocated, twelve_bits ? 16 : 8);
      dataset.putAndInsertUint16(DCM_BitsStored, twelve_bits ? 12 : 8);
      dataset.putAndInsertUint16(DCM_HighBit, twelve_bits ? 11 : 7);
      if (twelve_bits) {
        dataset.putAndInsertUint16Array(DCM_PixelData, words.data(), 256);
      } else {
        dataset.putAndInsertUint8Array(DCM_PixelData, bytes.data(), 256);
      }
    });
    const DJ_RPLossy quality(95);
    compress(file, twelve_bits ? EXS_JPEGProcess2_4 : EXS_JPEGProcess1, &quality);
    const at::Tensor difference = load_only_series(dir.path()).volume.voxels_dhw - volume.voxels_dhw;
    EXPECT_LE(difference.abs().max().item<std::int64_t>(), 6) << twelve_bits;
  }
}

TEST(DicomPixels, LossyJpeg2000IsNear) {
  TempDir dir;
  const Volume volume = counting_volume(1, 16, 16, -50);
  write_dicom_series(dir.path(), volume, {});
  compress_jpeg2000(slice_file(dir.path(), 0), false);
  const at::Tensor difference = load_only_series(dir.path()).volume.voxels_dhw - volume.voxels_dhw;
  EXPECT_LE(difference.abs().max().item<std::int64_t>(), 12);
}

// One 1x4 plane of the given words and layout.
std::vector<std::int32_t> read_words(const std::vector<Uint16>& words, Uint16 stored, Uint16 high_bit,
                                     Uint16 is_signed) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(1, 1, 4), {});
  edit_dicom(slice_file(dir.path(), 0), [&](DcmDataset& dataset) {
    dataset.putAndInsertUint16(DCM_BitsStored, stored);
    dataset.putAndInsertUint16(DCM_HighBit, high_bit);
    dataset.putAndInsertUint16(DCM_PixelRepresentation, is_signed);
    dataset.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size());
  });
  return DicomPixels(slice_file(dir.path(), 0)).read(0);
}

TEST(DicomPixels, MasksAndSignExtends) {
  using Values = std::vector<std::int32_t>;
  const std::vector<Uint16> words = {0x0001, 0x0fff, 0xf800, 0x87ff};  // bits 12 to 15: an overlay's
  EXPECT_EQ(read_words(words, 12, 11, 0), (Values{1, 4095, 2048, 2047}));
  EXPECT_EQ(read_words(words, 12, 11, 1), (Values{1, -1, -2048, 2047}));
  EXPECT_EQ(read_words(words, 12, 15, 0), (Values{0, 255, 3968, 2175}));
  EXPECT_EQ(read_words(words, 12, 15, 1), (Values{0, 255, -128, -1921}));
  EXPECT_EQ(read_words(words, 16, 15, 0), (Values{1, 4095, 63488, 34815}));
  EXPECT_EQ(read_words(words, 16, 15, 1), (Values{1, 4095, -2048, -30721}));
  EXPECT_EQ(read_words(words, 1, 0, 0), (Values{1, 1, 0, 1}));
}

TEST(DicomPixels, RefusesImpossibleBits) {
  EXPECT_PILLAR_ERROR(read_words({0, 0, 0, 0}, 17, 16, 0), ErrorCategory::input, HasSubstr("17 bits"));
  EXPECT_PILLAR_ERROR(read_words({0, 0, 0, 0}, 0, 15, 0), ErrorCategory::input, HasSubstr("0 bits"));
  EXPECT_PILLAR_ERROR(read_words({0, 0, 0, 0}, 12, 3, 0), ErrorCategory::input, HasSubstr("bit 3"));
}

TEST(DicomPixels, RefusesWhatHoldsNoGreyValues) {
  TempDir dir;
  const auto file = slice_file(dir.path(), 0);
  const auto expect_unsupported = [&](const std::function<void(DcmDataset&)>& edit, const char* message) {
    write_dicom_series(dir.path(), counting_volume(1, 2, 2), {});
    edit_dicom(file, edit);
    EXPECT_PILLAR_ERROR(DicomPixels(file).read(0), ErrorCategory::unsupported,
                        AllOf(HasSubstr("im0000.dcm"), HasSubstr(message)));
  };
  expect_unsupported([](DcmDataset& dataset) { set_text(dataset, DCM_PhotometricInterpretation, "RGB"); },
                     "colour");
  expect_unsupported(
      [](DcmDataset& dataset) { set_text(dataset, DCM_PhotometricInterpretation, "PALETTE COLOR"); },
      "colour");
  expect_unsupported([](DcmDataset& dataset) { dataset.putAndInsertUint16(DCM_SamplesPerPixel, 3); },
                     "3 samples");
  expect_unsupported([](DcmDataset& dataset) { dataset.putAndInsertUint16(DCM_BitsAllocated, 32); },
                     "32 bits");
  expect_unsupported(
      [](DcmDataset& dataset) {
        DcmItem* item = nullptr;
        dataset.findOrCreateSequenceItem(DCM_ModalityLUTSequence, item);
      },
      "look-up table");
}

TEST(DicomPixels, DamagedCompressedDataIsAnError) {
  for (const SyntaxCase& syntax : lossless_syntaxes) {
    TempDir dir;
    write_dicom_series(dir.path(), counting_volume(1, 64, 64), {});
    const auto file = slice_file(dir.path(), 0);
    syntax.rewrite(file);
    const auto size = std::filesystem::file_size(file);
    // Cut in the pixel data: never garbage, never a crash.
    std::filesystem::resize_file(file, size - std::min<std::uintmax_t>(size / 4, 400));
    EXPECT_PILLAR_ERROR(DicomPixels(file).read(0), ErrorCategory::input, HasSubstr("im0000.dcm"));
  }
}

TEST(DicomPixels, GarbageInAFragmentDoesNotCrash) {
  for (const SyntaxCase& syntax : lossless_syntaxes) {
    TempDir dir;
    write_dicom_series(dir.path(), counting_volume(1, 64, 64), {});
    const auto file = slice_file(dir.path(), 0);
    syntax.rewrite(file);
    const auto size = std::filesystem::file_size(file);
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uintmax_t at = size - 300; at < size - 16; at += 7) {
      stream.seekp(static_cast<std::streamoff>(at));
      stream.put(static_cast<char>(at * 37));
    }
    stream.close();
    try {  // a decoder may not notice; what it returns has the right size, or it says what is wrong
      EXPECT_EQ(DicomPixels(file).read(0).size(), 64u * 64u) << syntax.name;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("im0000.dcm"));
    }
  }
}

TEST(DicomPixels, RunLengthSegmentsStayInsideTheFrame) {
  const PixelLayout layout{1, 4, 16, 16, 15, false};
  std::vector<std::uint8_t> pixels(8);
  // Two segments: four times 0x01 as a run; 2 and 3 literally, then a run of two 4s.
  std::vector<char> bytes(64, 0);
  bytes[0] = 2;
  bytes[4] = 64;
  bytes[8] = 66;
  for (int value : {-3, 1, 1, 2, 3, -1, 4, 0}) bytes.push_back(static_cast<char>(value));
  decode_rle(bytes, 0, layout, "file", pixels);
  EXPECT_EQ(pixels, (std::vector<std::uint8_t>{2, 1, 3, 1, 4, 1, 4, 1}));

  const auto expect_damage = [&](std::size_t at, int value) {
    std::vector<char> damaged = bytes;
    damaged[at] = static_cast<char>(value);
    EXPECT_PILLAR_ERROR(decode_rle(damaged, 0, layout, "a file", pixels), ErrorCategory::input,
                        HasSubstr("a file"));
  };
  expect_damage(0, 3);     // another number of segments
  expect_damage(4, 63);    // a segment in the header
  expect_damage(8, 60);    // offsets that descend
  expect_damage(9, 1);     // an offset past the end
  expect_damage(64, -7);   // a run past the pixels
  expect_damage(64, -2);   // too few
  expect_damage(66, 100);  // literals past the segment
  bytes.resize(20);
  EXPECT_PILLAR_ERROR(decode_rle(bytes, 0, layout, "a file", pixels), ErrorCategory::input,
                      HasSubstr("truncated"));
}

TEST(DicomPixels, NoSuchFrame) {
  TempDir dir;
  write_dicom_series(dir.path(), counting_volume(1, 2, 2), {});
  EXPECT_PILLAR_ERROR(DicomPixels(slice_file(dir.path(), 0)).read(1), ErrorCategory::input,
                      HasSubstr("frame 2"));
}

}  // namespace
}  // namespace pillar
