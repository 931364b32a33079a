// What hostile and broken files get: an error that names the file and the fault, quickly.
#include "image/dicom/dicom_structure.h"
#include "image/dicom_fixture.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <fstream>
#include <iterator>

#include <ATen/ATen.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::counting_volume;
using test::edit_dicom;
using test::load_only_series;
using test::set_text;
using test::slice_file;
using test::TempDir;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A series of three; an edit of the one in the middle must make loading fail so.
class DicomDamage : public ::testing::Test {
 protected:
  void SetUp() override { write_dicom_series(dir.path(), counting_volume(3, 4, 5), {}); }

  void expect_fault(const std::function<void(DcmDataset&)>& edit, const char* fault) {
    SetUp();
    edit_dicom(file, edit);
    EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                        AllOf(HasSubstr("im0001.dcm"), HasSubstr(fault)));
  }

  TempDir dir;
  fs::path file = slice_file(dir.path(), 1);
};

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void add_element(std::string& bytes, std::string_view tag, std::string_view vr, std::string_view value) {
  const std::size_t length = value.size() + value.size() % 2;
  bytes.append(tag).append(vr).append(1, static_cast<char>(length)).append(1, '\0').append(value);
  bytes.append(length - value.size(), '\0');
}

// Preamble and file meta information.
std::string header_of(std::string_view transfer_syntax) {
  using namespace std::string_view_literals;
  std::string meta;
  add_element(meta, "\x02\0\x02\0"sv, "UI", UID_CTImageStorage);
  add_element(meta, "\x02\0\x10\0"sv, "UI", transfer_syntax);
  std::string length("\0\0\0\0"sv);
  length[0] = static_cast<char>(meta.size());
  std::string header(128, '\0');
  header.append("DICM");
  add_element(header, "\x02\0\0\0"sv, "UL", length);
  return header.append(meta);
}

TEST_F(DicomDamage, EmptyFolder) {
  fs::create_directories(dir / "empty one");
  EXPECT_PILLAR_ERROR(scan_dicom(dir / "empty one"), ErrorCategory::input,
                      AllOf(HasSubstr("empty one"), HasSubstr("no DICOM")));
}

TEST_F(DicomDamage, FolderOfOtherFiles) {
  fs::create_directories(dir / "texts");
  for (const char* name : {"a.txt", "b.dcm"}) std::ofstream(dir / "texts" / name) << std::string(500, 'x');
  std::ofstream(dir / "texts/empty.dcm");
  EXPECT_PILLAR_ERROR(scan_dicom(dir / "texts"), ErrorCategory::input,
                      AllOf(HasSubstr("texts"), HasSubstr("3 files")));
}

TEST_F(DicomDamage, TheVoxelsOfAPairAreNamedForWhatTheyAre) {
  std::ofstream(dir / "only.img") << std::string(500, 'x');
  EXPECT_THAT(looks_like(dir / "only.img"), HasSubstr("Analyze or NIfTI pair"));
}

TEST_F(DicomDamage, MissingOrUnreadableFolder) {
  EXPECT_PILLAR_ERROR(scan_dicom(dir / "none"), ErrorCategory::io, HasSubstr("none"));
  if (::geteuid() == 0) return;  // root may read everything
  fs::permissions(dir.path(), fs::perms::none);
  EXPECT_PILLAR_ERROR(scan_dicom(dir.path()), ErrorCategory::io, HasSubstr(dir.path().string()));
  fs::permissions(dir.path(), fs::perms::owner_all);
}

TEST_F(DicomDamage, AFileThatIsGoneOrChangedSinceTheScan) {
  const DicomSeries series = scan_dicom(dir.path()).series.front();
  LoadReport report;
  write_dicom_series(dir.path(), counting_volume(3, 4, 4), {});
  EXPECT_PILLAR_ERROR(load_series(series, {}, report), ErrorCategory::input,
                      AllOf(HasSubstr("im0000.dcm"), HasSubstr("changed")));
  fs::remove(file);
  EXPECT_PILLAR_ERROR(load_series(series, {}, report), ErrorCategory::io, HasSubstr("im0001.dcm"));
}

TEST_F(DicomDamage, TruncatedPixelData) {
  for (int missing : {1, 20, 39}) {
    SetUp();
    fs::resize_file(file, fs::file_size(file) - static_cast<std::uintmax_t>(missing));
    EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                        AllOf(HasSubstr("im0001.dcm"), HasSubstr("truncated")));
  }
}

TEST_F(DicomDamage, AHeaderCutAnywhereIsListedNotRead) {
  const std::string whole = bytes_of(file);
  fs::create_directories(dir / "cut");
  for (std::size_t size = 1; size + 60 < whole.size(); size += 7) {
    std::ofstream(dir / "cut/x.dcm", std::ios::binary) << whole.substr(0, size);
    try {
      const DicomScan scan =
          scan_dicom(dir / "cut");  // a cut between two elements leaves a file without pixel data
      LoadReport report;
      EXPECT_PILLAR_ERROR(load_series(scan.series.front(), {}, report), ErrorCategory::input,
                          HasSubstr("x.dcm"));
    } catch (const Error& error) {
      EXPECT_EQ(error.category(), ErrorCategory::input);
      EXPECT_THAT(error.what(), HasSubstr("cut")) << size;
    }
  }
}

TEST_F(DicomDamage, AnyByteChangedNeverCrashes) {
  const std::string whole = bytes_of(file);
  fs::create_directories(dir / "changed");
  for (std::size_t at = 128; at < whole.size(); at += 3) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(~bytes[at]);
    std::ofstream(dir / "changed/x.dcm", std::ios::binary) << bytes;
    try {
      load_only_series(dir / "changed");
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("changed")) << at;
    }
  }
}

TEST_F(DicomDamage, MissingPixelData) {
  expect_fault([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_PixelData); }, "no pixel data");
}

TEST_F(DicomDamage, ZeroRows) {
  expect_fault([](DcmDataset& dataset) { dataset.putAndInsertUint16(DCM_Rows, 0); }, "0 rows");
  expect_fault([](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_Columns); }, "0 columns");
}

TEST_F(DicomDamage, MalformedNumbers) {
  const auto text = [](const DcmTagKey& tag, const char* value) {
    return [=](DcmDataset& dataset) { set_text(dataset, tag, value); };
  };
  expect_fault(text(DCM_PixelSpacing, "0\\0.5"), "PixelSpacing");
  expect_fault(text(DCM_PixelSpacing, "nan\\nan"), "PixelSpacing");
  expect_fault(text(DCM_PixelSpacing, "-0.5\\0.5"), "PixelSpacing");
  expect_fault(text(DCM_PixelSpacing, "0.5"), "not 2 finite numbers");
  expect_fault(text(DCM_PixelSpacing, "1e300\\1e300"), "PixelSpacing");
  expect_fault(text(DCM_PixelSpacing, ""), "no PixelSpacing");
  expect_fault(text(DCM_ImagePositionPatient, "1\\2\\three"), "'1\\2\\three', not 3 finite numbers");
  expect_fault(text(DCM_ImagePositionPatient, "1\\2\\inf"), "ImagePositionPatient");
  expect_fault(text(DCM_ImagePositionPatient, "1\\2\\1e200"), "ImagePositionPatient");
  expect_fault(text(DCM_ImageOrientationPatient, "1\\0\\0\\1\\0\\0"), "perpendicular");
  expect_fault(text(DCM_ImageOrientationPatient, "0\\0\\0\\0\\0\\0"), "perpendicular");
  expect_fault(text(DCM_RescaleSlope, "1,5"), "RescaleSlope");
  expect_fault(text(DCM_RescaleSlope, "0"), "RescaleSlope");
  expect_fault(text(DCM_RescaleIntercept, "1e300"), "rescale slope");
}

TEST_F(DicomDamage, OtherValueRepresentationsAreReadWithANote) {
  edit_dicom(file, [](DcmDataset& dataset) {
    dataset.findAndDeleteElement(DCM_ImagePositionPatient);
    const double position[] = {-10, 20.25, 32.5};
    dataset.putAndInsertFloat64Array(DcmTag(DCM_ImagePositionPatient, EVR_FD), position, 3);
  });
  auto loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 4, 5).voxels_dhw));
  EXPECT_THAT(loaded.report.notes, ElementsAre(HasSubstr("value representation FD, not DS")));
  SetUp();
  edit_dicom(file, [](DcmDataset& dataset) {
    dataset.findAndDeleteElement(DCM_Rows);
    dataset.putAndInsertString(DcmTag(DCM_Rows, EVR_LO), "4");
  });
  loaded = load_only_series(dir.path());
  EXPECT_TRUE(at::equal(loaded.volume.voxels_dhw, counting_volume(3, 4, 5).voxels_dhw));
  EXPECT_THAT(loaded.report.notes, ElementsAre(HasSubstr("value representation LO, not US")));
  expect_fault(
      [](DcmDataset& dataset) {
        dataset.findAndDeleteElement(DCM_ImagePositionPatient);
        dataset.insertEmptyElement(DcmTag(DCM_ImagePositionPatient, EVR_SQ));
        DcmItem* item = nullptr;
        dataset.findOrCreateSequenceItem(DcmTag(DCM_ImagePositionPatient, EVR_SQ), item);
        item->putAndInsertString(DCM_PatientID, "x");
      },
      "value representation SQ, not DS");
}

TEST_F(DicomDamage, AbsentPositionsAreAnErrorButForASingleSlice) {
  const auto remove = [](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_ImagePositionPatient); };
  expect_fault(remove, "no ImagePositionPatient");
  const auto loaded = load_only_series(file);
  EXPECT_EQ(loaded.volume.voxels_dhw.size(0), 1);
  EXPECT_EQ(loaded.volume.geometry.spacing_xyz_mm[2], 2.5);  // SliceThickness
  EXPECT_THAT(loaded.report.notes, ElementsAre(HasSubstr("without ImagePositionPatient")));
  edit_dicom(file, [](DcmDataset& dataset) { dataset.findAndDeleteElement(DCM_SliceThickness); });
  EXPECT_EQ(load_only_series(file).volume.geometry.spacing_xyz_mm[2], 1);
  EXPECT_THAT(load_only_series(file).report.notes, Contains(HasSubstr("taken as 1 mm")));
}

TEST_F(DicomDamage, PixelSpacingThatDiffersIsAnError) {
  expect_fault([](DcmDataset& dataset) { set_text(dataset, DCM_PixelSpacing, "0.75\\0.6"); },
               "pixel spacing 0.75x0.6 mm");
}

TEST_F(DicomDamage, ColourIsNoScan) {
  edit_dicom(file, [](DcmDataset& dataset) { set_text(dataset, DCM_PhotometricInterpretation, "RGB"); });
  EXPECT_PILLAR_ERROR(scan_dicom(file), ErrorCategory::input,
                      AllOf(HasSubstr("im0001.dcm"), HasSubstr("colour")));
}

TEST_F(DicomDamage, TransferSyntaxesWithoutADecoder) {
  std::ofstream(file, std::ios::binary) << header_of("1.2.3.4.5") << std::string(64, '\0');
  const DicomScan scan = scan_dicom(dir.path());
  ASSERT_THAT(scan.damaged, SizeIs(1));
  EXPECT_EQ(scan.damaged.front().fault, "unknown transfer syntax 1.2.3.4.5");
}

// Runs `body` with 2 GB of address space more than there is now.
template <typename Body>
void with_little_memory(Body&& body) {
#if !defined(__SANITIZE_ADDRESS__)
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages;
  rlimit old = {};
  ::getrlimit(RLIMIT_AS, &old);
  rlimit tight = old;
  tight.rlim_cur = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + (2ull << 30);
  ::setrlimit(RLIMIT_AS, &tight);
  body();
  ::setrlimit(RLIMIT_AS, &old);
#else
  body();
#endif
}

TEST_F(DicomDamage, HugeMatrixInASmallFile) {
  for (int k = 0; k < 3; ++k) {
    edit_dicom(slice_file(dir.path(), k), [](DcmDataset& dataset) {
      dataset.putAndInsertUint16(DCM_Rows, 65535);
      dataset.putAndInsertUint16(DCM_Columns, 65535);
    });
  }
  with_little_memory([&] {
    EXPECT_PILLAR_ERROR(load_only_series(dir.path()), ErrorCategory::input,
                        AllOf(HasSubstr(".dcm"), HasSubstr("pixels in")));
  });
}

TEST_F(DicomDamage, HugeElementLengths) {
  using namespace std::string_literals;
  fs::create_directories(dir / "claims");
  const std::string image = header_of(UID_LittleEndianExplicitTransferSyntax) + "\x08\0\x60\0CS\x02\0CT"s +
                            "\x20\0\x0e\0UI\x02\0\x31\0"s;
  const std::string rows = "\x28\0\x10\0US\x02\0\x04\0\x28\0\x11\0US\x02\0\x04\0"s;
  for (const std::string& bytes : {
           image + rows + "\xe0\x7f\x10\0OW\0\0\xfe\xff\xff\xff"s + "12345678",  // the pixel data
           image + "\x21\0\x01\0OB\0\0\xfe\xff\xff\xff"s + rows,                 // a private element
           image + "\x21\0\x01\0SQ\0\0\xf0\xff\xff\xff"s + rows,                 // a sequence
       }) {
    std::ofstream(dir / "claims/x.dcm", std::ios::binary) << bytes;
    with_little_memory([&] {
      EXPECT_PILLAR_ERROR(load_only_series(dir / "claims"), ErrorCategory::input,
                          AllOf(HasSubstr("x.dcm"), HasSubstr("truncated")));
    });
  }
}

TEST_F(DicomDamage, HugeClaimInADeflatedDataSet) {
  edit_dicom(
      file, [](DcmDataset&) {}, EXS_DeflatedLittleEndianExplicit);
  const std::string whole = bytes_of(file);
  using namespace std::string_literals;
  const std::string data = "\x08\0\x60\0CS\x02\0CT"s + "\x20\0\x0e\0UI\x02\0\x31\0"s +
                           "\x28\0\x10\0US\x02\0\xff\xff\x28\0\x11\0US\x02\0\xff\xff"s +
                           "\xe0\x7f\x10\0OW\0\0\xfe\xff\xff\xff"s + std::string(5000, '\0');
  z_stream stream = {};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(data.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  std::ofstream(file, std::ios::binary)
      << header_of(UID_DeflatedExplicitVRLittleEndianTransferSyntax) << packed;
  with_little_memory([&] {
    EXPECT_PILLAR_ERROR(load_only_series(file), ErrorCategory::input,
                        AllOf(HasSubstr("im0001.dcm"), HasSubstr("truncated")));
  });
}

TEST_F(DicomDamage, DeepNestingDoesNotOverflowTheStack) {
  using namespace std::string_literals;
  std::string nested = header_of(UID_LittleEndianExplicitTransferSyntax);
  for (int i = 0; i < 200000; ++i)
    nested += "\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"s;
  std::ofstream(file, std::ios::binary) << nested;
  EXPECT_PILLAR_ERROR(scan_dicom(file), ErrorCategory::input, HasSubstr("nested"));
}

TEST_F(DicomDamage, DeepNestingIsFoundWhereverItHides) {
  using namespace std::string_literals;
  std::string nested;
  for (int i = 0; i < 200000; ++i)
    nested += "\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"s;
  const std::string whole = bytes_of(file);
  std::ofstream(file, std::ios::binary) << whole << nested;  // behind the pixel data: never looked at
  EXPECT_THAT(load_only_series(dir.path()).report.notes,
              ElementsAre(HasSubstr("bytes after the pixel data")));
  const std::size_t pixels = whole.find("\xe0\x7f\x10\0OW"s);
  ASSERT_NE(pixels, std::string::npos);
  for (const std::string& vr : {"SQ"s, "UN"s}) {  // in their place
    std::ofstream(file, std::ios::binary) << whole.substr(0, pixels) << "\xe0\x7f\x10\0"s << vr
                                          << "\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"s << nested;
    EXPECT_PILLAR_ERROR(load_only_series(file), ErrorCategory::input, HasSubstr("im0001.dcm"));
  }
}

TEST_F(DicomDamage, AnIconIsNotTheImage) {
  // Both kinds of icon pixels, which stand in a sequence before the image: OB of a known length, and
  // fragments.
  using namespace std::string_literals;
  const std::string whole = bytes_of(file);
  const std::size_t rescale = whole.find("\x28\0\x52\x10"s);
  ASSERT_NE(rescale, std::string::npos);
  const std::string open =
      "\x28\0\x51\x10SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\xe0\x7f\x10\0OB\0\0"s;
  const std::string close = "\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"s;
  for (const std::string& pixels :
       {"\x02\0\0\0ab"s,
        "\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\x02\0\0\0ab\xfe\xff\xdd\xe0\0\0\0\0"s}) {
    std::ofstream(file, std::ios::binary)
        << whole.substr(0, rescale) << open << pixels << close << whole.substr(rescale);
    const auto structure = examine_dicom(file);
    ASSERT_TRUE(structure.has_value());
    EXPECT_TRUE(structure->has_pixel_data);
    EXPECT_EQ(load_only_series(dir.path()).volume.voxels_dhw.size(0), 3);
  }
}

TEST_F(DicomDamage, NeitherAFileNorAFolder) {
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_PILLAR_ERROR(scan_dicom(dir / "pipe"), ErrorCategory::io, HasSubstr("neither"));
  EXPECT_THAT(scan_dicom(dir.path()).series, SizeIs(1));  // and inside a folder it is no image
}

TEST_F(DicomDamage, OrdinaryNestingIsRead) {
  edit_dicom(file, [](DcmDataset& dataset) {
    DcmItem* item = &dataset;
    for (int i = 0; i < 12; ++i) {
      DcmItem* inner = nullptr;
      ASSERT_TRUE(item->findOrCreateSequenceItem(DCM_ReferencedImageSequence, inner).good());
      item = inner;
    }
    set_text(*item, DCM_ReferencedSOPInstanceUID, "1.2.3");
  });
  for (E_TransferSyntax syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit, EXS_BigEndianExplicit,
                                  EXS_DeflatedLittleEndianExplicit}) {
    edit_dicom(
        file, [](DcmDataset&) {}, syntax);
    const auto structure = examine_dicom(file);
    ASSERT_TRUE(structure.has_value());
    EXPECT_TRUE(structure->has_pixel_data);
    EXPECT_EQ(structure->pixel_fault, "");
    EXPECT_EQ(load_only_series(dir.path()).volume.voxels_dhw.size(0), 3);
  }
}

}  // namespace
}  // namespace pillar
