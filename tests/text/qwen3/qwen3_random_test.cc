#include "pillar/text/qwen3_random.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "text/qwen3/small_models.h"

namespace pillar {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

TEST(Qwen3Random, TheSameSeedGivesTheSameBytes) {
  const TempDir dir;
  const std::string config = test::small_qwen3_config(R"({"torch_dtype": "bfloat16"})");
  const std::int64_t parameters = write_random_qwen3(dir / "a", config, "config.json", 3);
  write_random_qwen3(dir / "b", config, "config.json", 3);
  write_random_qwen3(dir / "c", config, "config.json", 4);
  const auto bytes = [&](const char* name) {
    return read_file(dir / (std::string(name) + "/model.safetensors"));
  };
  EXPECT_EQ(bytes("a"), bytes("b"));
  EXPECT_NE(bytes("a"), bytes("c"));
  const test::TensorsByName tensors = test::read_weights(dir / "a");
  std::int64_t counted = 0;
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(tensor.scalar_type(), at::kBFloat16) << name;
    counted += tensor.numel();
  }
  EXPECT_EQ(parameters, counted);
  EXPECT_NEAR(tensors.at("embed_tokens.weight").to(at::kDouble).std().item<double>(), 0.02, 1e-3);
  EXPECT_PILLAR_ERROR(
      write_random_qwen3(dir / "d", test::small_qwen3_config(R"({"vocab_size": 100})"), "x.json", 3),
      ErrorCategory::input, HasSubstr("x.json: vocab_size: 100 are too few"));
}

}  // namespace
}  // namespace pillar
