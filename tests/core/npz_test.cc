#include "pillar/core/npy.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <archive.h>
#include <archive_entry.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A zip with stored (not deflated) entries, so that tests can damage known bytes.
void write_zip(const std::filesystem::path& path, const std::vector<std::pair<std::string, Bytes>>& files) {
  archive* zip = archive_write_new();
  archive_write_set_format_zip(zip);
  archive_write_set_options(zip, "zip:compression=store");
  ASSERT_EQ(archive_write_open_filename(zip, path.c_str()), ARCHIVE_OK);
  for (const auto& [name, bytes] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    ASSERT_EQ(archive_write_header(zip, entry), ARCHIVE_OK);
    archive_write_data(zip, bytes.data(), bytes.size());
    archive_entry_free(entry);
  }
  ASSERT_EQ(archive_write_free(zip), ARCHIVE_OK);
}

Bytes npy_bytes() {
  return format_npy(at::arange(0, 100, at::kInt));
}

TEST(Npz, RoundTrip) {
  TempDir dir;
  const at::Tensor embedding = at::arange(4096).to(at::kFloat).mul(0.25);
  write_npz(dir / "a b.npz",
            {{"embedding", embedding}, {"größe", at::full({}, 3)}, {"none", at::empty({0})}});
  const auto arrays = read_npz(dir / "a b.npz");
  EXPECT_EQ(arrays.size(), 3u);
  EXPECT_TRUE(at::equal(arrays.at("embedding"), embedding));
  EXPECT_EQ(arrays.at("größe").item<int>(), 3);
  EXPECT_EQ(arrays.at("none").numel(), 0);
}

TEST(Npz, EqualArraysMakeEqualFiles) {
  TempDir dir;
  write_npz(dir / "1.npz", {{"a", at::arange(10)}});
  write_npz(dir / "2.npz", {{"a", at::arange(10)}});
  EXPECT_EQ(read_file(dir / "1.npz"), read_file(dir / "2.npz"));
}

TEST(Npz, ReadsWhatNumPyWrote) {
  PILLAR_NEEDS_GOLDEN("rate/probe_50_epochs/cache/embeddings/test/TE0047.npz");
  const auto arrays = read_npz(test::golden("rate/probe_50_epochs/cache/embeddings/test/TE0047.npz"));
  ASSERT_EQ(arrays.count("embedding"), 1u);
  EXPECT_EQ(arrays.at("embedding").scalar_type(), at::kFloat);
}

TEST(Npz, ABombIsRefusedByItsClaim) {
  TempDir dir;
  write_npz(dir / "bomb.npz", {{"a", at::zeros({1 << 22}, at::kByte)}});
  EXPECT_LT(std::filesystem::file_size(dir / "bomb.npz"), 10'000u);
  EXPECT_PILLAR_ERROR(read_npz(dir / "bomb.npz", 1 << 20), ErrorCategory::input,
                      AllOf(HasSubstr("bomb.npz: a"), HasSubstr("the 1048576 allowed")));
  EXPECT_EQ(read_npz(dir / "bomb.npz", (1 << 22) + 128).size(), 1u);
}

TEST(Npz, TheBoundIsForAllArraysTogether) {
  TempDir dir;
  write_npz(dir / "x.npz", {{"a", at::zeros({600}, at::kByte)}, {"b", at::zeros({600}, at::kByte)}});
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz", 1000), ErrorCategory::input, HasSubstr("x.npz: b"));
}

TEST(Npz, AnyDamagedByteOfTheDataIsNoticed) {
  TempDir dir;
  write_zip(dir / "x.npz", {{"a.npy", npy_bytes()}});
  std::string text = read_text_file(dir / "x.npz");
  text[text.find("\x63\0\0\0", 0, 4)] ^= 1;  // the last element, 99
  write_file_atomic(dir / "x.npz", text);
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input,
                      AllOf(HasSubstr("x.npz: a: broken zip"), HasSubstr("CRC")));
}

TEST(Npz, EveryTruncationIsNoticed) {
  TempDir dir;
  write_npz(dir / "x.npz", {{"a", at::arange(50)}, {"b", at::arange(50)}});
  for (std::uintmax_t size = std::filesystem::file_size(dir / "x.npz"); size-- > 0;) {
    std::filesystem::resize_file(dir / "x.npz", size);
    EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz"));
  }
}

TEST(Npz, AWrongClaimOfSizeIsNoticed) {
  TempDir dir;
  const Bytes npy = npy_bytes();  // 528 bytes: 0x210
  write_zip(dir / "x.npz", {{"a.npy", npy}});
  const std::string text = read_text_file(dir / "x.npz");
  const std::size_t central = text.find("PK\1\2");
  for (const std::string& claim :
       {std::string("\x0f\2\0\0", 4), std::string("\x11\2\0\0", 4), std::string("\xff\xff\xff\x7f", 4)}) {
    std::string changed = text;
    changed.replace(central + 24, 4, claim);
    write_file_atomic(dir / "x.npz", changed);
    EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz: "));
    changed.replace(22, 4, claim);  // and the local header agrees with it
    write_file_atomic(dir / "x.npz", changed);
    EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz: a"));
  }
}

TEST(Npz, OtherEntriesAreRefused) {
  TempDir dir;
  write_zip(dir / "x.npz", {{"a.npy", npy_bytes()}, {"readme.txt", {1, 2}}});
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input,
                      HasSubstr("holds 'readme.txt', which is no .npy file"));
  write_zip(dir / "x.npz", {{"folder.npy/", {}}});
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("folder.npy"));
  write_zip(dir / "x.npz", {{"a.npy", npy_bytes()}, {"a.npy", npy_bytes()}});
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz: a: two arrays"));
  write_zip(dir / "x.npz", {{"a.npy", {1, 2, 3}}});
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz: a: not an npy file"));
}

TEST(Npz, WhatIsNoZipIsRefused) {
  TempDir dir;
  write_file_atomic(dir / "x.npz", std::string_view("this is text, not a zip archive at all"));
  EXPECT_PILLAR_ERROR(read_npz(dir / "x.npz"), ErrorCategory::input, HasSubstr("x.npz: broken zip"));
  EXPECT_PILLAR_ERROR(read_npz(dir / "absent.npz"), ErrorCategory::io, HasSubstr("absent.npz"));
}

TEST(Npz, AFailedWriteLeavesNothing) {
  TempDir dir;
  const at::Tensor a = at::arange(3);
  EXPECT_PILLAR_ERROR(write_npz(dir / "x.npz", {{"a", a}, {"a", a}}), ErrorCategory::usage,
                      HasSubstr("used twice"));
  EXPECT_PILLAR_ERROR(write_npz(dir / "x.npz", {{"a", a}, {"b", a.to(at::kBFloat16)}}),
                      ErrorCategory::unsupported, HasSubstr("x.npz: b: NumPy has no type"));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace pillar
