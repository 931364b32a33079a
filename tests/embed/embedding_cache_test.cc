#include "pillar/embed/embedding_cache.h"

#include "pillar/core/file.h"
#include "pillar/core/npy.h"

#include "support/expect_error.h"
#include "support/goldens.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"

#include <fstream>
#include <limits>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

at::Tensor ramp(int start) {
  return at::arange(start, start + 8).to(at::kFloat);
}

bool has(const EmbeddingCache& cache, const std::string& accession) {
  std::string fault;
  return cache.contains(accession, fault);
}

class EveryFormat : public ::testing::TestWithParam<EmbeddingFormat> {};
INSTANTIATE_TEST_SUITE_P(EmbeddingCache, EveryFormat,
                         ::testing::Values(EmbeddingFormat::npz, EmbeddingFormat::safetensors,
                                           EmbeddingFormat::csv));

TEST_P(EveryFormat, WhatIsPutComesBackSortedByAccession) {
  TempDir dir;
  EmbeddingCache cache(dir.path(), "test", GetParam());
  EXPECT_TRUE(EmbeddingCache::is_empty(dir.path(), "test"));
  cache.put("B2", ramp(5));
  cache.put("CT/7", ramp(100));
  cache.put("A1", ramp(0));
  cache.flush();
  EXPECT_FALSE(EmbeddingCache::is_empty(dir.path(), "test"));
  EXPECT_TRUE(EmbeddingCache::is_empty(dir.path(), "valid"));
  const EmbeddingSet set = load_embeddings(dir.path(), "test");
  EXPECT_THAT(set.accessions, ElementsAre("A1", "B2", "CT/7"));
  EXPECT_EQ(set.embeddings.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(set.embeddings[0], ramp(0)));
  EXPECT_TRUE(at::equal(set.embeddings[1], ramp(5)));
  EXPECT_TRUE(at::equal(set.embeddings[2], ramp(100)));
}

TEST_P(EveryFormat, ANewRunFindsWhatIsThere) {
  TempDir dir;
  {
    EmbeddingCache cache(dir.path(), "test", GetParam());
    EXPECT_FALSE(has(cache, "A1"));
    cache.put("A1", ramp(0));
    cache.flush();
  }
  EmbeddingCache again(dir.path(), "test", GetParam());
  EXPECT_TRUE(has(again, "A1"));
  EXPECT_FALSE(has(again, "A2"));
  again.put("A1", ramp(3));
  again.put("A2", ramp(9));
  again.flush();
  const EmbeddingSet set = load_embeddings(dir.path(), "test");
  EXPECT_THAT(set.accessions, ElementsAre("A1", "A2"));
  EXPECT_TRUE(at::equal(set.embeddings[0], ramp(3)));
}

TEST_P(EveryFormat, NaNAndOtherShapesAreRefusedAndLeaveNothing) {
  TempDir dir;
  EmbeddingCache cache(dir.path(), "test", GetParam());
  EXPECT_PILLAR_ERROR(cache.put("N1", at::full({8}, std::numeric_limits<float>::quiet_NaN())),
                      ErrorCategory::input, HasSubstr("N1: the embedding has NaN"));
  EXPECT_PILLAR_ERROR(cache.put("N1", at::full({8}, std::numeric_limits<float>::infinity())),
                      ErrorCategory::input, HasSubstr("infinite"));
  EXPECT_PILLAR_ERROR(cache.put("N1", at::zeros({2, 4})), ErrorCategory::input, HasSubstr("2 axes"));
  EXPECT_PILLAR_ERROR(cache.put("N1", at::zeros({8}, at::kDouble)), ErrorCategory::input,
                      HasSubstr("Double"));
  cache.flush();
  EXPECT_TRUE(EmbeddingCache::is_empty(dir.path(), "test"));
}

TEST(EmbeddingCache, ATruncatedFileIsNotThereAndSaysWhy) {
  TempDir dir;
  EmbeddingCache cache(dir.path(), "test", EmbeddingFormat::npz);
  cache.put("A1", ramp(0));
  fs::resize_file(dir / "embeddings/test/A1.npz", 40);
  std::string fault;
  EXPECT_FALSE(cache.contains("A1", fault));
  EXPECT_THAT(fault, HasSubstr("A1.npz"));
  EXPECT_PILLAR_ERROR(load_embeddings(dir.path(), "test"), ErrorCategory::input, HasSubstr("A1.npz"));
}

TEST(EmbeddingCache, NpzIsDeflatedUnderThePublicKey) {
  TempDir dir;
  EmbeddingCache cache(dir.path(), "test", EmbeddingFormat::npz);
  cache.put("A1", at::zeros({4096}));
  EXPECT_LT(fs::file_size(dir / "embeddings/test/A1.npz"), 1000u);
  EXPECT_EQ(read_npz(dir / "embeddings/test/A1.npz").at("embedding").sizes(), (at::IntArrayRef{4096}));
}

TEST(EmbeddingCache, ASplitIsTheNameOfAFolder) {
  TempDir dir;
  for (const char* split : {"", "..", "a/b", ".x"}) {
    EXPECT_PILLAR_ERROR(EmbeddingCache(dir.path(), split, EmbeddingFormat::npz), ErrorCategory::usage,
                        HasSubstr("the split"));
  }
  EXPECT_PILLAR_ERROR(parse_embedding_format("pickle"), ErrorCategory::usage, HasSubstr("pickle"));
}

TEST(EmbeddingCache, AFullDiskLeavesNothingHalf) {
  TempDir dir;
  fs::create_directories(dir / "cache");
  const int answer = test::on_tiny_disk(dir / "cache", 16, [&] {
    EmbeddingCache cache(dir / "cache", "test", EmbeddingFormat::safetensors);
    try {
      cache.put(
          "A1",
          at::zeros({20'000}));  // small enough for LibTorch to fill without threads, which a fork has not
    } catch (const Error& error) {
      const bool clean = fs::is_empty(dir / "cache/embeddings/test");
      return clean && error.category() == ErrorCategory::io ? 0 : 1;
    }
    return 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

TEST(LoadEmbeddings, WhatDoesNotBelongTogetherIsRefused) {
  TempDir dir;
  EXPECT_PILLAR_ERROR(load_embeddings(dir.path(), "test"), ErrorCategory::io, HasSubstr("no embeddings"));
  EmbeddingCache npz(dir.path(), "test", EmbeddingFormat::npz);
  npz.put("A1", ramp(0));
  npz.put("B1", at::zeros({5}));
  EXPECT_PILLAR_ERROR(load_embeddings(dir.path(), "test"), ErrorCategory::input,
                      AllOf(HasSubstr("B1.npz: 5 values"), HasSubstr("A1.npz has 8")));
  npz.put("B1", ramp(1));
  EmbeddingCache(dir.path(), "test", EmbeddingFormat::safetensors).put("B1", ramp(2));
  EXPECT_PILLAR_ERROR(load_embeddings(dir.path(), "test"), ErrorCategory::input, HasSubstr("accession B1"));
  fs::remove(dir / "embeddings/test/B1.safetensors");
  EmbeddingCache csv(dir.path(), "test", EmbeddingFormat::csv);
  csv.put("C1", ramp(3));
  csv.flush();
  std::ofstream(dir / "embeddings/test/notes.txt") << "no embedding";
  std::ofstream(dir / "embeddings/test/.partial-x-1-1-Z.npz") << "half";
  EXPECT_THAT(load_embeddings(dir.path(), "test").accessions, ElementsAre("A1", "B1", "C1"));
}

TEST(LoadEmbeddings, ReadsWhatThePublicCodeWrote) {
  PILLAR_NEEDS_GOLDEN("rate/probe_50_epochs/cache");
  for (const char* split : {"train", "test"}) {
    const EmbeddingSet set = load_embeddings(test::golden("rate/probe_50_epochs/cache"), split);
    const fs::path folder = test::golden("rate/probe_50_epochs/cache/embeddings") / split;
    const auto files = std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    EXPECT_EQ(static_cast<std::int64_t>(set.accessions.size()), files);
    EXPECT_EQ(set.embeddings.size(0), files);
    const at::Tensor last = read_npz(folder / (set.accessions.back() + ".npz")).at("embedding").reshape({-1});
    EXPECT_TRUE(at::equal(set.embeddings[files - 1], last));
  }
}

TEST(Processed, ComesBackAsItWas) {
  TempDir dir;
  EXPECT_TRUE(read_processed(dir.path()).empty());
  write_processed(dir.path(), {{"A,1", "model", "chest", "test", "2026-01-31T12:00:00Z"}});
  EXPECT_EQ(
      read_text_file(dir / "processed.csv"),
      "accession,model_name,dataset_name,split,timestamp\n\"A,1\",model,chest,test,2026-01-31T12:00:00Z\n");
  const auto rows = read_processed(dir.path());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].accession, "A,1");
  EXPECT_EQ(rows[0].split, "test");
  write_file_atomic(dir / "processed.csv", "accession,split\nA,test\n");
  EXPECT_PILLAR_ERROR(read_processed(dir.path()), ErrorCategory::input, HasSubstr("processed.csv"));
}

}  // namespace
}  // namespace pillar
