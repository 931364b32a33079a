// What writers get wrong and readers agree on: it is read, with a note.
#include "image/dicom/dicom_structure.h"
#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>
#include <iterator>
#include <string>

#include <ATen/ATen.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string whole_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void replace_file(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

// A series of three, whose files are changed byte by byte.
class DicomRepair : public ::testing::Test {
 protected:
  void SetUp() override { write_dicom_series(dir.path(), counting_volume(3, 4, 5), {}); }

  void change_files(const std::function<std::string(const std::string&)>& change) {
    for (int k = 0; k < 3; ++k)
      replace_file(slice_file(dir.path(), k), change(whole_file(slice_file(dir.path(), k))));
  }
  void expect_read(const char* note) {
    const auto loaded = load_only_series(dir.path());
    EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 4, 5).voxels_dhw)) << note;
    EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm, counting_volume(3, 4, 5).geometry.spacing_xyz_mm);
    EXPECT_THAT(loaded.report.notes, Contains(HasSubstr(note)));
  }

  TempDir dir;
};

TEST_F(DicomRepair, BytesAfterThePixelData) {
  for (const std::string& tail :
       {"\0"s, "\0\0\0"s, std::string(14, '\0'), std::string(5000, '\0'), "junk behind"s}) {
    SetUp();
    change_files([&](const std::string& bytes) { return bytes + tail; });
    expect_read("bytes after the pixel data");
  }
}

TEST_F(DicomRepair, ElementsAfterThePixelDataAreNothingOdd) {
  change_files([](const std::string& bytes) { return bytes + "\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd"s; });
  EXPECT_THAT(load_only_series(dir.path()).report.notes, IsEmpty());
}

// The data set of a file as another syntax writes it, behind the preamble and meta information that it had.
TEST_F(DicomRepair, AnotherEncodingThanTheTransferSyntaxSays) {
  for (const auto& [claimed, written] : {std::pair(EXS_LittleEndianExplicit, EXS_LittleEndianImplicit),
                                         std::pair(EXS_LittleEndianImplicit, EXS_LittleEndianExplicit),
                                         std::pair(EXS_BigEndianExplicit, EXS_LittleEndianExplicit),
                                         std::pair(EXS_LittleEndianExplicit, EXS_BigEndianExplicit)}) {
    SetUp();
    for (int k = 0; k < 3; ++k) {
      const fs::path file = slice_file(dir.path(), k);
      edit_dicom(
          file, [](DcmDataset&) {}, claimed);
      const std::string honest = whole_file(file);
      const auto structure = examine_dicom(file);
      ASSERT_TRUE(structure.has_value());
      DcmFileFormat format;
      ASSERT_TRUE(format.loadFile(file.c_str()).good());
      ASSERT_TRUE(format.getDataset()->saveFile(file.c_str(), written).good());
      replace_file(file, honest.substr(0, structure->data_begin) + whole_file(file));
    }
    expect_read("transfer syntax says");
  }
}

TEST_F(DicomRepair, NoPreamble) {
  change_files([](const std::string& bytes) { return bytes.substr(132); });
  expect_read("no preamble");
}

TEST_F(DicomRepair, NoMetaInformation) {
  const auto structure = examine_dicom(slice_file(dir.path(), 0));
  const std::size_t begin = structure->data_begin;
  change_files([&](const std::string& bytes) { return bytes.substr(0, 132) + bytes.substr(begin); });
  expect_read("no file meta information");
  SetUp();
  change_files([&](const std::string& bytes) { return bytes.substr(begin); });
  expect_read("no file meta information");
}

TEST_F(DicomRepair, DelimitersOfSequences) {
  const std::string tag = "\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff"s;
  const std::string item = "\xfe\xff\0\xe0\xff\xff\xff\xff\x08\0\x50\x11UI\4\0\x31.2\0"s;
  const std::string item_end = "\xfe\xff\x0d\xe0\0\0\0\0"s;
  const std::string end = "\xfe\xff\xdd\xe0\0\0\0\0"s;
  const std::string zeros(8, '\0');
  const auto with_sequence = [&](const std::string& sequence) {
    SetUp();
    change_files([&](const std::string& bytes) {
      const std::size_t place = bytes.find("\x10\0\x10\0PN"s);
      const std::size_t at = place != std::string::npos ? place : bytes.find("\x18\0\x50\0"s);
      return bytes.substr(0, at) + sequence + bytes.substr(at);
    });
  };
  with_sequence(tag + item + item_end + end);
  EXPECT_THAT(load_only_series(dir.path()).report.notes, IsEmpty());
  with_sequence(tag + item + item_end + zeros);
  expect_read("delimiter is wrong");
  with_sequence(tag + item + zeros + zeros);
  expect_read("delimiter is wrong");
  with_sequence(tag + item + item_end);
  expect_read("delimiter is missing");
  with_sequence(tag + item + end);
  expect_read("delimiter is missing");
  with_sequence(tag + item + item + item_end + end);
  expect_read("delimiter is missing");
}

TEST_F(DicomRepair, DelimitersOfCompressedPixelData) {
  DJEncoderRegistration::registerCodecs();
  for (int k = 0; k < 3; ++k) {
    DcmFileFormat format;
    ASSERT_TRUE(format.loadFile(slice_file(dir.path(), k).c_str()).good());
    DJ_RPLossless lossless(1, 0);
    ASSERT_TRUE(format.getDataset()->chooseRepresentation(EXS_JPEGProcess14SV1, &lossless).good());
    ASSERT_TRUE(format.saveFile(slice_file(dir.path(), k).c_str(), EXS_JPEGProcess14SV1).good());
  }
  DJEncoderRegistration::cleanup();
  EXPECT_THAT(load_only_series(dir.path()).report.notes, IsEmpty());
  const auto without_end = [](const std::string& bytes) { return bytes.substr(0, bytes.size() - 8); };
  change_files([&](const std::string& bytes) { return without_end(bytes) + std::string(8, '\0'); });
  expect_read("delimiter is wrong");
  change_files(without_end);
  expect_read("delimiter is missing");
  const fs::path cut = slice_file(dir.path(), 1);
  fs::resize_file(cut, fs::file_size(cut) - 4);
  EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input, HasSubstr("truncated"));
}

TEST_F(DicomRepair, UnknownValueRepresentationsEverywhere) {
  change_files([](std::string bytes) {
    // Short lengths become long ones: rows, columns, bits, position, spacing, orientation, rescale.
    for (const std::string& tag : {"\x28\0\x10\0US"s, "\x28\0\x11\0US"s, "\x28\0\0\1US"s, "\x28\0\1\1US"s,
                                   "\x20\0\x32\0DS"s, "\x20\0\x37\0DS"s, "\x28\0\x30\0DS"s,
                                   "\x28\0\x52\x10"
                                   "DS"s,
                                   "\x20\0\x13\0IS"s, "\x08\0\x60\0CS"s, "\x20\0\x0e\0UI"s}) {
      const std::size_t at = bytes.find(tag);
      EXPECT_NE(at, std::string::npos) << fmt::format("{}", tag.substr(4));
      if (at == std::string::npos) continue;
      bytes = bytes.substr(0, at + 4) + "UN\0\0"s + bytes.substr(at + 6, 2) + "\0\0"s + bytes.substr(at + 8);
    }
    return bytes;
  });
  expect_read("value representation UN");
}

TEST_F(DicomRepair, ALengthBeyondTheFileWhereAllPixelsAreThere) {
  change_files([](std::string bytes) {
    const std::size_t at = bytes.find("\xe0\x7f\x10\0OW\0\0"s);
    bytes[at + 8] = static_cast<char>(bytes[at + 8] + 2);
    return bytes;
  });
  expect_read("claims more bytes");
}

TEST_F(DicomRepair, JapaneseAndKoreanText) {
  change_files([](const std::string& bytes) { return bytes; });
  edit_dicom(slice_file(dir.path(), 0), [](DcmDataset& dataset) {
    set_text(dataset, DCM_SpecificCharacterSet, "\\ISO 2022 IR 87");
    set_text(dataset, DCM_SeriesDescription, "\x1b$B;3ED\x1b(B CT");
  });
  EXPECT_EQ(load_only_series(slice_file(dir.path(), 0)).series.series_description, "\u5c71\u7530 CT");
  edit_dicom(slice_file(dir.path(), 0), [](DcmDataset& dataset) {
    set_text(dataset, DCM_SpecificCharacterSet, "\\ISO 2022 IR 149");
    set_text(dataset, DCM_SeriesDescription, "\x1b$)C\xb1\xe8 CT");
  });
  EXPECT_EQ(load_only_series(slice_file(dir.path(), 0)).series.series_description, "\uae40 CT");
}

// 10 h + w for 8 x 8 pixels of 16 bits without sign, by OpenJPH.
constexpr const char* htj2k_hex =
    "ff4fff5100294000000000080000000800000000000000000000000800000008000000000000000000010f0101ff500008000200"
    "0000"
    "0aff52000c00020001000504044001ff5c00132088909090909090909090909090888888ff64001700014f70656e4a5048205665"
    "7220"
    "302e32362e332eff90000a00000000004e0001ff93c00025cb050774000000c00012c0001280f800477400da00877400c0001240"
    "001300"
    "fc1273002cfb00035400c0002580005400f0a00be4005244fec1c9ecb500ffd9";

TEST_F(DicomRepair, HighThroughputJpeg2000) {
  TempDir folder;
  write_dicom_series(folder.path(), counting_volume(1, 8, 8), {});
  const fs::path file = slice_file(folder.path(), 0);
  edit_dicom(file, [](DcmDataset& dataset) {
    dataset.putAndInsertUint16(DCM_PixelRepresentation, 0);
    dataset.putAndInsertUint16(DCM_BitsStored, 16);
    dataset.putAndInsertUint16(DCM_HighBit, 15);
  });
  std::string stream;
  for (std::string_view hex = htj2k_hex; !hex.empty(); hex.remove_prefix(2))
    stream += static_cast<char>(std::stoi(std::string(hex.substr(0, 2)), nullptr, 16));
  stream.resize(stream.size() + stream.size() % 2, '\0');
  const std::string bytes = whole_file(file);
  const std::size_t begin = examine_dicom(file)->data_begin;
  const std::size_t pixels = bytes.find("\xe0\x7f\x10\0OW"s);
  const std::string item = "\xfe\xff\0\xe0"s;
  replace_file(file, bytes.substr(0, 132) + "\2\0\x10\0UI\x18\0"s + "1.2.840.10008.1.2.4.201\0"s +
                         bytes.substr(begin, pixels - begin) + "\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"s +
                         item + "\0\0\0\0"s + item + static_cast<char>(stream.size()) + "\0\0\0"s + stream +
                         "\xfe\xff\xdd\xe0\0\0\0\0"s);
  EXPECT_TRUE(
      at::equal(load_only_series(folder.path()).volume.voxels_dhw, counting_volume(1, 8, 8).voxels_dhw));
}

TEST_F(DicomRepair, WhatIsNoDicomIsNamed) {
  fs::create_directories(dir / "other");
  replace_file(dir / "other/a.dcm", "%PDF-1.4 and so on, for some more bytes than a header has");
  EXPECT_PILLAR_ERROR(scan_dicom(dir / "other"), ErrorCategory::input,
                      HasSubstr("among 1 file: a.dcm: a PDF document"));
}

}  // namespace
}  // namespace pillar
