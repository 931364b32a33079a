// A folder with a text model as a provider: from words to a cache.
#include "pillar/text/qwen3_provider.h"

#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/text/text_cache.h"
#include "pillar/text/tokenizer.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "text/qwen3/small_models.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Qwen3ProviderOptions provider_options(const fs::path& model) {
  Qwen3ProviderOptions options;
  options.model = model;
  options.compute.device = "cpu";
  options.compute.dtype = "fp32";
  return options;
}

TextEmbedJob small_job(const TempDir& dir) {
  TextEmbedJob job;
  job.json_lines = {dir / "reports.jsonl"};
  job.cache = dir / "cache";
  job.dataset_name = "d";
  job.split = "s";
  job.max_length = 16;
  job.quiet = true;
  return job;
}

void write_lines(const TempDir& dir) {
  std::string text;
  for (const auto& [name, report] : std::vector<std::pair<std::string, std::string>>{
           {"A", "No effusion."},
           {"B", "A nodule of 12 mm in the right upper lobe, new since the last scan."},
           {"C", " "},
           {"D", "Clear."}})
    text += Json{{"sample_name", name}, {"report_metadata", report}}.dump() + "\n";
  write_file_atomic(dir / "reports.jsonl", text);
}

TEST(Qwen3Provider, ReportsBecomeACache) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  write_lines(dir);
  TextEmbedJob job = small_job(dir);
  Qwen3ProviderOptions options = provider_options(dir / "m");
  options.compute.longest_text = job.max_length;
  const TextProvider provider = qwen3_provider(options);
  EXPECT_GT(provider.texts_a_call, 0);
  describe_provider(job, provider);
  const TextEmbedSummary summary = run_text_embed(job, provider.embed);
  EXPECT_EQ(summary.embedded, 3);
  EXPECT_EQ(summary.failed, 1) << "the empty report";
  EXPECT_EQ(summary.cut, 1);
  const Tokenizer tokenizer = Tokenizer::load(dir / "m/tokenizer.json");
  const auto length = [&](const char* text) {
    return static_cast<std::int64_t>(tokenizer.encode(text).ids.size());
  };
  EXPECT_EQ(summary.tokens, length("No effusion.") + length("Clear.") + job.max_length);
  const CsvTable cut = read_csv(dir / "cache/cut.csv");
  ASSERT_EQ(cut.rows.size(), 1u);
  EXPECT_EQ(cut.rows[0][0], "B");
  EXPECT_EQ(cut.rows[0][2],
            std::to_string(length("A nodule of 12 mm in the right upper lobe, new since the last scan.")));
  const Json metadata = Json::parse(read_text_file(dir / "cache/metadata.json"));
  EXPECT_EQ(metadata["model_name"], "m");
  EXPECT_EQ(metadata["max_length"], 16);
  EXPECT_EQ(metadata["pillar"]["provider"], "qwen3");
  EXPECT_EQ(metadata["pillar"]["pooling"], "mean");
  for (const char* key : {"config_sha256", "tokenizer_sha256", "weights_sha256"})
    EXPECT_EQ(metadata["pillar"][key].get<std::string>().size(), 64u) << key;
  const Qwen3Model model = Qwen3Model::load(dir / "m", options.compute);
  const at::Tensor expected = model.embed({tokenizer.encode("Clear.").ids}, TextPooling::mean)[0];
  EXPECT_TRUE(at::allclose(TextCache::open(dir / "cache").vector("D"), expected, 1e-5, 1e-6));
  EXPECT_EQ(run_text_embed(job, provider.embed).kept, 3);
}

TEST(Qwen3Provider, ACacheIsNotContinuedWithAnother) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  write_lines(dir);
  Qwen3ProviderOptions options = provider_options(dir / "m");
  options.compute.longest_text = 16;
  const auto embed = [&] {
    TextEmbedJob job = small_job(dir);
    const TextProvider provider = qwen3_provider(options);
    describe_provider(job, provider);
    run_text_embed(job, provider.embed);
  };
  embed();
  options.pooling = TextPooling::last;
  EXPECT_PILLAR_ERROR(embed(), ErrorCategory::usage, HasSubstr("embedded otherwise"));
  options.pooling = TextPooling::mean;
  options.instruction = "Find similar reports";
  EXPECT_PILLAR_ERROR(embed(), ErrorCategory::usage, HasSubstr("Find similar reports"));
  options.instruction.clear();
  test::TensorsByName tensors = test::read_weights(dir / "m");
  tensors["norm.weight"][0] = 2;
  test::write_weights(dir / "m", tensors);
  EXPECT_PILLAR_ERROR(embed(), ErrorCategory::usage, HasSubstr("weights_sha256"));
}

TEST(Qwen3Provider, AnInstructionStandsBeforeTheText) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  Qwen3ProviderOptions options = provider_options(dir / "m");
  const at::Tensor spelt = qwen3_provider(options).embed({"Instruct: Find it\nQuery:A nodule."});
  options.instruction = "Find it";
  EXPECT_TRUE(at::equal(qwen3_provider(options).embed({"A nodule."}), spelt));
  options.instruction = "\xff";
  EXPECT_PILLAR_ERROR(qwen3_provider(options), ErrorCategory::usage, HasSubstr("UTF-8"));
}

TEST(Qwen3Provider, OddTextsHaveVectors) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  const TextProvider provider = qwen3_provider(provider_options(dir / "m"));
  const std::string long_text = [] {
    std::string text;
    while (text.size() < 10 << 20) text += "stable since prior ";
    return text;
  }();
  const at::Tensor rows_nw = provider.embed({"", "\xff\xfe broken \xc3", long_text});
  ASSERT_EQ(rows_nw.size(0), 3);
  EXPECT_NEAR(rows_nw.norm().item<double>() * rows_nw.norm().item<double>(), 3, 1e-5);
}

TEST(Qwen3Provider, AFolderThatIsNotWholeIsNamed) {
  const TempDir dir;
  test::write_small_qwen3(dir / "m");
  write_file_atomic(dir / "m/config.json", test::small_qwen3_config(R"({"vocab_size": 290})"));
  test::TensorsByName tensors = test::read_weights(dir / "m");
  tensors["embed_tokens.weight"] = tensors["embed_tokens.weight"].narrow(0, 0, 290).clone();
  test::write_weights(dir / "m", tensors);
  EXPECT_PILLAR_ERROR(qwen3_provider(provider_options(dir / "m")), ErrorCategory::input,
                      AllOf(HasSubstr("tokenizer.json has 291 tokens"), HasSubstr("290 rows")));
  fs::remove(dir / "m/tokenizer.json");
  EXPECT_PILLAR_ERROR(qwen3_provider(provider_options(dir / "m")), ErrorCategory::io,
                      HasSubstr("no tokenizer.json in it"));
}

}  // namespace
}  // namespace pillar
