#include "pillar/text/text_cache.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"

#include <cstring>
#include <limits>
#include <thread>

#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ramp;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(TextCache, ReadsThePublicFolder) {
  TempDir dir;
  const fs::path folder = dir / "text cache";
  test::write_public_cache(folder,
                           {{"A1", {{"all_findings", ramp(4, 1)}}},
                            {"B2", {{"all_findings", ramp(4, 5).to(at::kBFloat16)}, {"lungs", ramp(4, 9)}}},
                            {"12345", {{"all_findings", ramp(4, 2).to(at::kHalf).unsqueeze(0)}}}},
                           4);
  const TextCache cache = TextCache::open(folder);
  EXPECT_EQ(cache.width(), 4);
  EXPECT_EQ(cache.count(), 3);
  EXPECT_TRUE(cache.contains("12345"));
  EXPECT_FALSE(cache.contains("a1"));
  EXPECT_TRUE(at::equal(cache.vector("A1"), ramp(4, 1)));
  EXPECT_TRUE(at::equal(cache.vector("B2"), ramp(4, 5)));
  EXPECT_TRUE(at::equal(cache.vector("B2", "lungs"), ramp(4, 9)));
  EXPECT_TRUE(at::equal(cache.vector("12345"), ramp(4, 2))) << "one row of half precision";
}

TEST(TextCache, NamesStudyAndFileOfWhatIsNotThere) {
  TempDir dir;
  test::write_public_cache(dir.path(), {{"A1", {{"all_findings", ramp(4, 1)}, {"liver", ramp(4, 1)}}}}, 4);
  const TextCache cache = TextCache::open(dir.path());
  EXPECT_PILLAR_ERROR(cache.vector("Z\n9"), ErrorCategory::input,
                      AllOf(HasSubstr(dir.path().string()), HasSubstr("no embedding of study 'Z\\x0A9'")));
  EXPECT_PILLAR_ERROR(cache.vector("A1", "lungs"), ErrorCategory::input,
                      AllOf(HasSubstr("study 'A1' has no category 'lungs'"),
                            HasSubstr("it has: all_findings, liver"), HasSubstr(".pt")));
  fs::remove(dir / fmt::format("embeddings/{}.pt", test::hash_of("A1")));
  EXPECT_PILLAR_ERROR(cache.vector("A1"), ErrorCategory::io, HasSubstr(test::hash_of("A1")));
}

TEST(TextCache, RefusesVectorsThatAreNone) {
  TempDir dir;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  test::write_public_cache(dir.path(),
                           {{"wide", {{"all_findings", ramp(5, 1)}}},
                            {"rows", {{"all_findings", at::zeros({2, 4})}}},
                            {"nan", {{"all_findings", at::full({4}, nan)}}},
                            {"inf", {{"all_findings", at::full({4}, inf).to(at::kBFloat16)}}},
                            {"long", {{"all_findings", at::zeros({4}, at::kLong)}}}},
                           4);
  const TextCache cache = TextCache::open(dir.path());
  EXPECT_PILLAR_ERROR(cache.vector("wide"), ErrorCategory::input,
                      AllOf(HasSubstr("study 'wide'"), HasSubstr("shape (5) where embedding_dim is 4")));
  EXPECT_PILLAR_ERROR(cache.vector("rows"), ErrorCategory::input, HasSubstr("shape (2,4)"));
  EXPECT_PILLAR_ERROR(cache.vector("nan"), ErrorCategory::input, HasSubstr("NaN or infinite"));
  EXPECT_PILLAR_ERROR(cache.vector("inf"), ErrorCategory::input, HasSubstr("NaN or infinite"));
  EXPECT_PILLAR_ERROR(cache.vector("long"), ErrorCategory::input, HasSubstr("a vector of Long"));
}

TEST(TextCache, RefusesBrokenFilesByName) {
  TempDir dir;
  test::write_public_cache(dir.path(), {{"A1", {{"all_findings", ramp(4, 1)}}}}, 4);
  const fs::path file = dir / fmt::format("embeddings/{}.pt", test::hash_of("A1"));
  const TextCache cache = TextCache::open(dir.path());
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_PILLAR_ERROR(cache.vector("A1"), ErrorCategory::input, HasSubstr(file.string()));
  write_file_atomic(file, "not a zip");
  EXPECT_PILLAR_ERROR(cache.vector("A1"), ErrorCategory::input, HasSubstr(file.string()));
}

class HostileMetadata : public ::testing::Test {
 protected:
  void expect(const std::string& text, const std::string& fault) {
    write_file_atomic(dir_ / "metadata.json", text);
    EXPECT_PILLAR_ERROR(TextCache::open(dir_.path()), ErrorCategory::input,
                        AllOf(HasSubstr("metadata.json"), HasSubstr(fault)));
  }
  TempDir dir_;
};

TEST_F(HostileMetadata, PathsThatLeadOutOfTheFolder) {
  for (const char* path : {"../../etc/passwd", "embeddings/../../x.pt", "/etc/passwd", "", "embeddings/"})
    expect(test::public_metadata({{test::hash_of("A1"), path}}, 4), "no file below the folder");
}

TEST_F(HostileMetadata, WhatIsNoMetadata) {
  const std::string good = test::public_metadata({{test::hash_of("A1"), "embeddings/x.pt"}}, 4);
  expect(good.substr(0, good.size() / 2), "truncated");
  expect("[]", "no JSON object");
  expect("", "no JSON object");
  expect(test::public_metadata({{"A1", "embeddings/x.pt"}}, 4), "'A1' is no SHA-256");
  expect(test::public_metadata({}, 4, R"({"embedding_dim": null})"), "embedding_dim is missing");
  expect(test::public_metadata({}, 4, R"({"embedding_dim": "4"})"), "embedding_dim is missing or no integer");
  expect(test::public_metadata({}, 4, R"({"embedding_dim": -1})"), "embedding_dim is -1");
  expect(test::public_metadata({}, 4, R"({"embedding_dim": 1e30})"), "no integer");
  expect(test::public_metadata({}, 4, R"({"text_to_path": ["x"]})"), "text_to_path is missing or no object");
  expect(test::public_metadata({}, 4, fmt::format(R"({{"text_to_path": {{"{}": 7}}}})", test::hash_of("A"))),
         "7 is no file");
}

TEST(TextCache, SaysWhatIsNoCache) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(TextCache::open(dir / "nowhere"), ErrorCategory::io, HasSubstr("nowhere"));
  EXPECT_PILLAR_ERROR(TextCache::open(dir.path()), ErrorCategory::io, HasSubstr("metadata.json"));
  write_file_atomic(dir / "x.safetensors", "12345678");
  EXPECT_PILLAR_ERROR(TextCache::open(dir / "x.safetensors"), ErrorCategory::input,
                      HasSubstr("x.safetensors"));
}

// The packed file, written by hand: what the reader must find out by itself.
class PackedTextCache : public ::testing::Test {
 protected:
  PackedTextCache() {
    for (const char* id : {"A1", "B2", "C3"}) sorted_.push_back(sha256(as_bytes(id)));
    std::sort(sorted_.begin(), sorted_.end());
  }
  at::Tensor digests() const {
    return at::from_blob(const_cast<std::uint8_t*>(sorted_[0].data()),
                         {static_cast<std::int64_t>(sorted_.size()), 32}, at::kByte)
        .clone();
  }
  at::Tensor rows() const {  // row i: that of the i-th digest
    at::Tensor all = at::zeros({3, 4});
    for (int i = 0; i < 3; ++i) all[i] = ramp(4, static_cast<float>(10 * i));
    return all;
  }
  fs::path write(const at::Tensor& vectors, const at::Tensor& studies,
                 const std::string& info = R"({"embedding_dim":4})", const std::string& version = "1") const {
    write_safetensors(file_, {{"embeddings.all_findings", vectors}, {"studies.all_findings", studies}},
                      {{"format", "pillar-text-cache"}, {"format_version", version}, {"cache", info}});
    return file_;
  }
  float first_of(const std::string& id) const {
    const auto place = std::lower_bound(sorted_.begin(), sorted_.end(), sha256(as_bytes(id)));
    return static_cast<float>(10 * (place - sorted_.begin()));
  }
  TempDir dir_;
  fs::path file_ = dir_ / "packed.safetensors";
  std::vector<std::array<std::uint8_t, 32>> sorted_;
};

TEST_F(PackedTextCache, FindsEachStudysRow) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const TextCache cache = TextCache::open(write(rows().to(dtype), digests()));
    EXPECT_EQ(cache.width(), 4);
    EXPECT_EQ(cache.count(), 3);
    EXPECT_FALSE(cache.contains("D4"));
    for (const char* id : {"A1", "B2", "C3"}) {
      EXPECT_TRUE(cache.contains(id));
      EXPECT_TRUE(at::equal(cache.vector(id), ramp(4, first_of(id)))) << id;
    }
    EXPECT_PILLAR_ERROR(cache.vector("A1", "lungs"), ErrorCategory::input, HasSubstr("it has: all_findings"));
    EXPECT_PILLAR_ERROR(cache.vector("D4"), ErrorCategory::input, HasSubstr("'D4'"));
  }
}

TEST_F(PackedTextCache, AVectorIsACopyThatOutlivesTheCache) {
  at::Tensor vector;
  {
    const TextCache cache = TextCache::open(write(rows(), digests()));
    vector = cache.vector("A1");
    vector.add_(1);
    EXPECT_TRUE(at::equal(cache.vector("A1"), ramp(4, first_of("A1"))));
  }
  EXPECT_TRUE(at::equal(vector, ramp(4, first_of("A1") + 1)));
}

TEST_F(PackedTextCache, ThreadsReadAtOnce) {
  const TextCache cache = TextCache::open(write(rows(), digests()));
  std::vector<std::thread> threads;
  std::array<int, 4> right = {};
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i)
        right[t] += at::equal(cache.vector("B2"), ramp(4, first_of("B2"))) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) EXPECT_EQ(count, 100);
}

TEST_F(PackedTextCache, RefusesWhatDoesNotFitTogether) {
  const auto expect = [&](const fs::path& file, const std::string& fault) {
    EXPECT_PILLAR_ERROR(TextCache::open(file), ErrorCategory::input,
                        AllOf(HasSubstr("packed.safetensors"), HasSubstr(fault)));
  };
  expect(write(rows(), digests().flip(0)), "not sorted");
  expect(write(rows(), digests().narrow(0, 0, 2)), "is not (3,32) of U8");
  expect(write(rows(), digests().to(at::kInt)), "is not (3,32) of U8");
  expect(write(rows().to(at::kLong), digests()), "is not (N,4) of F32 or BF16");
  expect(write(rows(), digests(), R"({"embedding_dim":5})"), "is not (N,5)");
  expect(write(rows(), digests(), "{"), "no JSON object");
  at::Tensor twice = digests();
  twice[1] = twice[0];
  expect(write(rows(), twice), "a study twice");
  expect(write(rows(), digests(), "{}"), "embedding_dim is missing");
}

TEST_F(PackedTextCache, RefusesOtherSafetensorsFiles) {
  write_safetensors(file_, {{"embeddings.all_findings", rows()}});
  EXPECT_PILLAR_ERROR(TextCache::open(file_), ErrorCategory::input, HasSubstr("not a packed text cache"));
  EXPECT_PILLAR_ERROR(TextCache::open(write(rows(), digests(), R"({"embedding_dim":4})", "2")),
                      ErrorCategory::unsupported, HasSubstr("version '2'"));
  write_safetensors(
      file_, {{"embeddings.a", rows()}, {"studies.b", digests()}},
      {{"format", "pillar-text-cache"}, {"format_version", "1"}, {"cache", R"({"embedding_dim":4})"}});
  EXPECT_PILLAR_ERROR(TextCache::open(file_), ErrorCategory::input, HasSubstr("studies.a"));
}

TEST_F(PackedTextCache, NaNIsFoundWhenItIsAskedFor) {
  at::Tensor broken = rows();
  broken[0][2] = std::numeric_limits<float>::quiet_NaN();
  const TextCache cache = TextCache::open(write(broken, digests()));
  int refused = 0;
  for (const char* id : {"A1", "B2", "C3"}) {
    try {
      cache.vector(id);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(id), HasSubstr("NaN")));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace pillar
