// Archives and folders that are no samples, or mean harm.
#include "pillar/rave/sample.h"

#include "rave/sample/lz4_inflate.h"
#include "rave/sample/tar_write.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/volumes.h"

#include <archive.h>
#include <archive_entry.h>
#include <lz4frame.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

Bytes video() {
  return encode_video(test::smooth_codes({3, 32, 48}, 1023), {.kind = VideoKind::rave10});
}

void make_tar(const fs::path& path, const std::vector<OutputMember>& members) {
  auto sink = open_file_sink(path, path);
  write_tar(*sink, members);
  sink->finish();
}

// One member of any type, as another program might write it.
void make_odd_tar(const fs::path& path, const std::string& name, unsigned type,
                  const std::string& link = {}) {
  archive* writer = archive_write_new();
  archive_write_set_format_ustar(writer);
  archive_write_open_filename(writer, path.c_str());
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, name.c_str());
  archive_entry_set_filetype(entry, type);
  archive_entry_set_size(entry, 0);
  if (type == AE_IFLNK) archive_entry_set_symlink(entry, link.c_str());
  if (type == AE_IFREG && !link.empty()) archive_entry_set_hardlink(entry, link.c_str());
  archive_write_header(writer, entry);
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
}

void expect_refused(const fs::path& path, const std::string& fault) {
  EXPECT_PILLAR_ERROR(Sample::open(path), ErrorCategory::input,
                      AllOf(HasSubstr(path.string()), HasSubstr(fault)));
}

TEST(SampleArchive, MembersThatLeaveOrLinkAreRefused) {
  TempDir dir;
  make_odd_tar(dir / "a.tar", "../volume.mp4", AE_IFREG);
  expect_refused(dir / "a.tar", "leaves the archive");
  make_odd_tar(dir / "b.tar", "/etc/volume.mp4", AE_IFREG);
  expect_refused(dir / "b.tar", "leaves the archive");
  make_odd_tar(dir / "c.tar", "volume.mp4", AE_IFLNK, "/etc/passwd");
  expect_refused(dir / "c.tar", "is a link");
  make_odd_tar(dir / "d.tar", "volume.mp4", AE_IFREG, "other");
  expect_refused(dir / "d.tar", "is a link");
  make_odd_tar(dir / "e.tar", "volume.mp4", AE_IFCHR);
  expect_refused(dir / "e.tar", "neither file nor folder");
}

TEST(SampleArchive, NeedsExactlyOneVolume) {
  TempDir dir;
  const Bytes file = video();
  const OutputMember other{"readme.txt", {as_bytes("hello")}};
  make_tar(dir / "none.tar", {other});
  expect_refused(dir / "none.tar", "no volume");
  make_tar(dir / "two.tar", {{"volume.mp4", {file}}, {"b/volume.mkv", {file}}});
  expect_refused(dir / "two.tar", "more than one volume");
  make_tar(dir / "meta.tar", {{"metadata.json", {as_bytes("{}")}}, {"b/metadata.json", {as_bytes("{}")}}});
  expect_refused(dir / "meta.tar", "more than one metadata.json");
  make_tar(dir / "good.tar", {{"./a/volume.mp4", {file}}, other});
  EXPECT_EQ(Sample::open(dir / "good.tar").info().size_dhw, (SizeDhw{3, 32, 48}));
  fs::create_directory(dir / "folder");
  expect_refused(dir / "folder", "no volume");
  write_file_atomic(dir / "folder/volume.mp4", file);
  write_file_atomic(dir / "folder/volume.mkv", file);
  expect_refused(dir / "folder", "more than one volume");
}

TEST(SampleArchive, MissingOrOtherFilesAreNamed) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(Sample::open(dir / "gone"), ErrorCategory::io, HasSubstr("gone"));
  write_file_atomic(dir / "empty.tar", std::string_view());
  expect_refused(dir / "empty.tar", "empty");
  write_file_atomic(dir / "text.tar", std::string(3000, 'x'));
  expect_refused(dir / "text.tar", "tar");
  fs::create_directory(dir / "s");
  write_file_atomic(dir / "s/volume.mp4", std::string_view());
  expect_refused(dir / "s", "volume.mp4: empty");
}

TEST(SampleArchive, TruncatedTarIsRefused) {
  TempDir dir;
  const Bytes file = video();
  make_tar(dir / "good.tar", {{"volume.mp4", {file}}});
  const Bytes whole = read_file(dir / "good.tar");
  for (std::size_t size : {std::size_t{100}, std::size_t{600}, 512 + file.size() - 1}) {
    write_file_atomic(dir / "cut.tar", ByteView(whole).first(size));
    expect_refused(dir / "cut.tar", "tar");
  }
}

TEST(SampleArchive, MetadataIsChecked) {
  TempDir dir;
  const Bytes file = video();
  const auto with = [&](std::string_view json, const std::string& fault) {
    make_tar(dir / "s.tar", {{"volume.mp4", {file}}, {"metadata.json", {as_bytes(json)}}});
    expect_refused(dir / "s.tar", fault);
    fs::remove(dir / "s.tar");
  };
  with("{", "metadata.json: not JSON");
  with(R"({"export_info": {"bit_depth": []}})", "metadata.json: export_info.bit_depth: expected a number");
  with(R"({"processing_metadata": {"final_shape": [4, 32, 48]}})",
       "3 x 32 x 48, its metadata says 4 x 32 x 48");
  with(R"({"export_info": {"mode": "lossless"}})",
       "export_info.mode: lossless, but the video is yuv420p10le");
  const Bytes lossless = encode_video(test::smooth_codes({3, 32, 48}, 1023), {.kind = VideoKind::gray12});
  make_tar(dir / "l.tar", {{"volume.mp4", {lossless}},
                           {"metadata.json", {as_bytes(R"({"export_info": {"mode": "lossless"}})")}}});
  expect_refused(dir / "l.tar", "export_info.dtype: absent");
  make_tar(dir / "o.tar",
           {{"volume.mp4", {lossless}},
            {"metadata.json", {as_bytes(R"({"export_info": {"dtype": "int16", "code_offset": 70000}})")}}});
  expect_refused(dir / "o.tar", "export_info.code_offset: 70000 does not fit int16");
}

Bytes lz4_of(ByteView content, std::uint64_t declared) {
  LZ4F_preferences_t preferences = {};
  preferences.frameInfo.contentSize = declared;
  Bytes frame(LZ4F_compressFrameBound(content.size(), &preferences));
  frame.resize(LZ4F_compressFrame(frame.data(), frame.size(), content.data(), content.size(), &preferences));
  return frame;
}

TEST(SampleArchive, Lz4BombsAreRefused) {
  TempDir dir;
  const Bytes zeros(std::size_t{8} << 20);
  const SampleLimits limits{.max_inflated_bytes = 1 << 20};
  write_file_atomic(dir / "declared.tar.lz4", lz4_of(zeros, zeros.size()));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "declared.tar.lz4", limits), ErrorCategory::input,
                      HasSubstr("would inflate to 8388608"));
  write_file_atomic(dir / "actual.tar.lz4", lz4_of(zeros, 0));
  EXPECT_PILLAR_ERROR(Sample::open(dir / "actual.tar.lz4", limits), ErrorCategory::input,
                      HasSubstr("inflates to more"));
}

TEST(InflateLz4, DamageIsFound) {
  const Bytes content(100000, 7);
  const Bytes frame = lz4_of(content, content.size());
  EXPECT_EQ(inflate_lz4(frame, UINT64_MAX, "x"), content);
  for (std::size_t size : {std::size_t{4}, std::size_t{12}, frame.size() / 2, frame.size() - 1}) {
    EXPECT_PILLAR_ERROR(inflate_lz4(ByteView(frame).first(size), UINT64_MAX, "x"), ErrorCategory::input,
                        HasSubstr("x: "));
  }
  Bytes more = frame;
  more.push_back(0);
  EXPECT_PILLAR_ERROR(inflate_lz4(more, UINT64_MAX, "x"), ErrorCategory::input, HasSubstr("1 bytes follow"));
}

}  // namespace
}  // namespace pillar
