// `pillar_parity qwen-ids`, as others run it.
#include "pillar/core/file.h"

#include "support/goldens.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using ParityJson = nlohmann::json;

TEST(QwenIdsParity, TheFileHasWhatTheGoldenHas) {
  PILLAR_NEEDS_GOLDEN("qwen/tokenizer");
  const test::TempDir dir;
  const auto folder = test::golden("qwen/tokenizer");
  const auto result = test::run_program({PILLAR_PARITY, "qwen-ids", (folder / "tokenizer.json").string(),
                                         (folder / "ids.json").string(), (dir / "out.json").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ParityJson expected = ParityJson::parse(read_text_file(folder / "ids.json"));
  for (ParityJson& entry : expected) entry.erase("text");
  EXPECT_EQ(ParityJson::parse(read_text_file(dir / "out.json")), expected);
}

TEST(QwenIdsParity, WrongUse) {
  const test::TempDir dir;
  write_file_atomic(dir / "texts.json", "{}");
  EXPECT_EQ(test::run_program({PILLAR_PARITY, "qwen-ids", "a", "b"}).exit_code, 2);
  EXPECT_EQ(test::run_program({PILLAR_PARITY, "qwen-ids", (dir / "absent.json").string(),
                               (dir / "texts.json").string(), (dir / "out.json").string()})
                .exit_code,
            1);
}

}  // namespace
}  // namespace pillar
