#include "pillar/text/text_pack.h"

#include "pillar/core/file.h"
#include "pillar/core/safetensors.h"
#include "pillar/text/text_cache.h"
#include "pillar/text/text_info.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/text_caches.h"
#include "support/tiny_disk.h"

#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::ramp;
using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TextPack : public ::testing::Test {
 protected:
  TextPack() {
    std::map<std::string, test::Vectors> studies;
    for (int i = 0; i < 20; ++i)
      studies[fmt::format("S{}", i)] = {{"all_findings", ramp(6, static_cast<float>(i) + 0.3f)}};
    studies["S7"]["lungs"] = ramp(6, 100);
    studies["S11"] = {{"lungs", ramp(6, 200)}};
    test::write_public_cache(folder_, studies, 6);
  }
  TempDir dir_;
  fs::path folder_ = dir_ / "public cache", file_ = dir_ / "packed.safetensors";
};

TEST_F(TextPack, EveryVectorIsThereToTheBit) {
  const TextPackSummary summary = pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true});
  EXPECT_EQ(summary.studies, 20);
  EXPECT_EQ(summary.width, 6);
  EXPECT_THAT(summary.categories, ElementsAre("all_findings", "lungs"));
  const TextCache folder = TextCache::open(folder_), packed = TextCache::open(file_);
  EXPECT_EQ(packed.count(), 20);
  for (int i = 0; i < 20; ++i) {
    const std::string id = fmt::format("S{}", i);
    if (i == 11) continue;
    EXPECT_TRUE(at::equal(packed.vector(id), folder.vector(id))) << id;
  }
  EXPECT_TRUE(at::equal(packed.vector("S7", "lungs"), ramp(6, 100)));
  EXPECT_TRUE(at::equal(packed.vector("S11", "lungs"), ramp(6, 200)));
  EXPECT_PILLAR_ERROR(packed.vector("S11"), ErrorCategory::input, HasSubstr("it has: lungs"));
}

TEST_F(TextPack, IsASafetensorsFileThatOthersRead) {
  pack_text_cache(folder_, file_, {.dtype = at::kBFloat16, .quiet = true});
  const SafetensorsFile file(file_);
  const at::Tensor vectors = file.tensor("embeddings.all_findings");
  EXPECT_EQ(vectors.scalar_type(), at::kBFloat16);
  EXPECT_EQ(vectors.sizes(), (at::IntArrayRef{19, 6}));
  EXPECT_EQ(file.tensor("studies.all_findings").sizes(), (at::IntArrayRef{19, 32}));
  EXPECT_TRUE(at::equal(TextCache::open(file_).vector("S3"), ramp(6, 3.3f).to(at::kBFloat16).to(at::kFloat)));
}

TEST_F(TextPack, UnpackedItIsThePublicFolderAgain) {
  pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true});
  const fs::path again = dir_ / "a/b/again";
  unpack_text_cache(file_, again, true);
  EXPECT_EQ(nlohmann::json::parse(read_text_file(again / "metadata.json")),
            nlohmann::json::parse(read_text_file(folder_ / "metadata.json")));
  const TextCache before = TextCache::open(folder_), after = TextCache::open(again);
  EXPECT_EQ(after.count(), 20);
  EXPECT_TRUE(at::equal(after.vector("S19"), before.vector("S19")));
  EXPECT_TRUE(at::equal(after.vector("S11", "lungs"), before.vector("S11", "lungs")));
  pack_text_cache(again, dir_ / "second.safetensors", {.dtype = at::kFloat, .quiet = true});
  EXPECT_EQ(read_file(dir_ / "second.safetensors"), read_file(file_));
}

TEST_F(TextPack, APackedFileIsWholeOrIsNot) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true});
  const Bytes before = read_file(file_);
  test::write_public_cache(
      folder_, {{"S1", {{"all_findings", ramp(6, 0)}}}, {"S2", {{"all_findings", at::full({6}, nan)}}}}, 6);
  EXPECT_PILLAR_ERROR(pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true}),
                      ErrorCategory::input, AllOf(HasSubstr(test::hash_of("S2")), HasSubstr("NaN")));
  EXPECT_EQ(read_file(file_), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator()), 2)
      << "nothing half";
}

TEST_F(TextPack, ACategoryThatNoSafetensorsFileCanNameIsRefused) {
  test::write_public_cache(dir_ / "odd", {{"S1", {{"\xFF", ramp(6, 0)}}}}, 6);
  EXPECT_PILLAR_ERROR(pack_text_cache(dir_ / "odd", file_, {.dtype = at::kFloat, .quiet = true}),
                      ErrorCategory::input, HasSubstr("not UTF-8"));
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(TextPack, RefusesToReplaceFoldersAndNothing) {
  EXPECT_PILLAR_ERROR(pack_text_cache(folder_, dir_.path()), ErrorCategory::usage, HasSubstr("is a folder"));
  EXPECT_PILLAR_ERROR(pack_text_cache(folder_, file_, {.dtype = at::kHalf}), ErrorCategory::usage,
                      HasSubstr("bf16"));
  pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true});
  EXPECT_PILLAR_ERROR(unpack_text_cache(file_, folder_, true), ErrorCategory::usage,
                      HasSubstr("there already"));
  EXPECT_PILLAR_ERROR(unpack_text_cache(dir_ / "x", dir_ / "y", true), ErrorCategory::io, HasSubstr("/x"));
  test::write_public_cache(dir_ / "empty", {}, 6);
  EXPECT_PILLAR_ERROR(pack_text_cache(dir_ / "empty", file_), ErrorCategory::input, HasSubstr("no studies"));
}

TEST_F(TextPack, AFullDiskLeavesNothing) {
  fs::create_directories(dir_ / "disk");
  pack_text_cache(folder_, file_, {.dtype = at::kFloat, .quiet = true});
  const int answer = test::on_tiny_disk(dir_ / "disk", 40, [&] {
    try {
      pack_text_cache(folder_, dir_ / "disk/packed", {.dtype = at::kFloat, .quiet = true});
    } catch (const Error& error) {
      return error.category() == ErrorCategory::io && fs::is_empty(dir_ / "disk") ? 0 : 1;
    }
    return 2;
  });
  if (answer == -1) GTEST_SKIP() << "no mount namespaces here";
  EXPECT_EQ(answer, 0);
}

TEST_F(TextPack, InfoCountsAndMeasures) {
  TextCacheInfo info = describe_text_cache(folder_, true);
  EXPECT_FALSE(info.packed);
  EXPECT_EQ(info.model_name, "Qwen/Qwen3-Embedding-8B");
  EXPECT_EQ(info.studies, 20);
  EXPECT_EQ(info.width, 6);
  EXPECT_EQ(info.broken, 0);
  ASSERT_EQ(info.categories.size(), 2u);
  EXPECT_EQ(info.categories[1].name, "lungs");
  EXPECT_EQ(info.categories[1].studies, 2);
  const double low = ramp(6, 100).norm().item<double>(), high = ramp(6, 200).norm().item<double>();
  EXPECT_NEAR(info.categories[1].min_norm, low, 1e-3);
  EXPECT_NEAR(info.categories[1].mean_norm, (low + high) / 2, 1e-3);
  EXPECT_NEAR(info.categories[1].max_norm, high, 1e-3);

  write_file_atomic(folder_ / fmt::format("embeddings/{}.pt", test::hash_of("S4")), "broken");
  info = describe_text_cache(folder_, true);
  EXPECT_EQ(info.broken, 1);
  ASSERT_EQ(info.faults.size(), 1u);
  EXPECT_THAT(info.faults[0], HasSubstr(test::hash_of("S4")));
  EXPECT_EQ(info.categories[0].studies, 18);
}

TEST_F(TextPack, MissingStudiesAreNamedInTheirOrder) {
  write_file_atomic(dir_ / "r.jsonl",
                    "{\"sample_name\":\"Z\"}\n{\"sample_name\":\"S3\"}\n\n{\"sample_name\":\"A\"}");
  EXPECT_THAT(studies_without_text(TextCache::open(folder_), dir_ / "r.jsonl"), ElementsAre("Z", "A"));
  write_file_atomic(dir_ / "r.jsonl", "{\"sample_name\":\"Z\"}\n{\"sample_name\":[7]}\n");
  EXPECT_PILLAR_ERROR(studies_without_text(TextCache::open(folder_), dir_ / "r.jsonl"), ErrorCategory::input,
                      HasSubstr("r.jsonl:2: sample_name is no text"));
}

}  // namespace
}  // namespace pillar
