#include "embed/split_settings.h"

#include "pillar/core/file.h"
#include "pillar/embed/embedding_cache.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"

#include <ATen/ops/ones.h>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void put_one(const TempDir& dir) {
  EmbeddingCache(dir.path(), "test", EmbeddingFormat::npz).put("A1", at::ones({4}));
}

TEST(SplitSettings, ASplitGoesOnOnlyAsItWasBegun) {
  TempDir dir;
  const Settings first = {{"model", "a"}, {"dtype", "fp32"}};
  claim_split(dir.path(), "test", {{"model", "z"}});
  claim_split(dir.path(), "test", first);  // nothing embedded yet: no harm
  put_one(dir);
  claim_split(dir.path(), "test", first);
  EXPECT_PILLAR_ERROR(claim_split(dir.path(), "test", {{"model", "a"}, {"dtype", "bf16"}, {"new", "1"}}),
                      ErrorCategory::usage,
                      AllOf(HasSubstr("dtype: 'fp32' then, 'bf16' now"),
                            HasSubstr("new: 'unset' then, '1' now"), Not(HasSubstr("model:"))));
  claim_split(dir.path(), "valid", {{"model", "b"}});  // another split
  claim_split(dir.path(), "test", first);              // the refusal changed nothing
}

TEST(SplitSettings, WithoutARecordProcessedCsvTellsTheModel) {
  TempDir dir;
  put_one(dir);
  write_processed(dir.path(), {{"A1", "a", "d", "test", ""}, {"Q", "q", "d", "valid", ""}});
  EXPECT_PILLAR_ERROR(claim_split(dir.path(), "test", {{"model", "b"}}), ErrorCategory::usage,
                      HasSubstr("of the model a, not of b"));
  claim_split(dir.path(), "test", {{"model", "a"}});
  EXPECT_PILLAR_ERROR(claim_split(dir.path(), "test", {{"model", "b"}}), ErrorCategory::usage,
                      HasSubstr("'a' then, 'b' now"));
}

TEST(SplitSettings, ABrokenRecordIsRefused) {
  TempDir dir;
  put_one(dir);
  write_file_atomic(dir / "embeddings/test.json", "[1]");
  EXPECT_PILLAR_ERROR(claim_split(dir.path(), "test", {}), ErrorCategory::input, HasSubstr("test.json"));
  write_file_atomic(dir / "embeddings/test.json", "{\"model\": 1}");
  EXPECT_PILLAR_ERROR(claim_split(dir.path(), "test", {}), ErrorCategory::input,
                      HasSubstr("model is no text"));
}

}  // namespace
}  // namespace pillar
