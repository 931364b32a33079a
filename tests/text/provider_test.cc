#include "pillar/text/provider.h"

#include "pillar/core/file.h"

#include "support/expect_error.h"
#include "support/http_server.h"
#include "support/temp_dir.h"

#include <ATen/ops/equal.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::TempDir;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::vector<std::string> kProviderTexts = {"A small nodule.", "No effusion."};

fs::path write_reports(const TempDir& dir) {
  write_file_atomic(dir / "reports.jsonl", R"({"sample_name": "A", "report_metadata": "No effusion."})"
                                           "\n"
                                           R"({"sample_name": "B", "report_metadata": "A nodule."})"
                                           "\n");
  return dir / "reports.jsonl";
}

TEST(TextProvider, HashWeighsWordsByTheReportsOfTheCache) {
  const TempDir dir;
  const fs::path reports = write_reports(dir), cache = dir / "text";
  HashNgramOptions options;
  options.width = 64;
  const TextProvider made = hash_provider(cache, {reports}, options);
  const Json settings = Json::parse(made.cache_settings);
  EXPECT_EQ(settings.at("provider"), "hash-ngrams");
  EXPECT_EQ(settings.at("weighted_by_reports"), 2);
  EXPECT_EQ(settings.at("width"), 64);
  TextEmbedJob job;
  describe_provider(job, made);
  EXPECT_EQ(job.max_length, 0) << "no tokens, none too many";
  EXPECT_EQ(job.settings, made.cache_settings);
  EXPECT_THAT(job.model_name, HasSubstr("not a language model"));

  write_file_atomic(reports, "");
  EXPECT_TRUE(
      at::equal(hash_provider(cache, {reports}, options).embed(kProviderTexts), made.embed(kProviderTexts)))
      << "weighted as the first reports were";
  const TextProvider same = hash_provider_like(cache, 7);
  EXPECT_TRUE(at::equal(same.embed(kProviderTexts), made.embed(kProviderTexts)));
  EXPECT_THAT(same.run_settings,
              UnorderedElementsAre(Pair("text provider", "hash"), Pair("words weighted by reports", "2")));
}

TEST(TextProvider, HashNeedsWeightsOfItsOwn) {
  const TempDir dir;
  write_file_atomic(dir / "metadata.json", "{}");
  EXPECT_PILLAR_ERROR(hash_provider(dir.path(), {}, {}), ErrorCategory::usage,
                      HasSubstr("choose another folder"));
  EXPECT_PILLAR_ERROR(hash_provider_like(dir.path(), 64), ErrorCategory::usage, HasSubstr(kHashNgramFile));
  const TextProvider plain = hash_provider_like({}, 64);
  EXPECT_EQ(plain.embed(kProviderTexts).size(1), 64);
  EXPECT_EQ(plain.run_settings.at("words weighted by reports"), "0");
}

TEST(TextProvider, AServersSettingsAreItsRequests) {
  const test::HttpServer server([](const test::HttpRequest&) {
    return test::HttpReply{200, R"({"data":[{"embedding":[1,2]}]})"};
  });
  EmbeddingServerOptions options;
  options.url = server.url();
  options.model = std::string("m");
  TextProvider provider = server_provider(options);
  EXPECT_EQ(provider.embed({"a"}).size(1), 2);
  EXPECT_EQ(provider.cache_settings, R"({"provider":"server"})");
  EXPECT_THAT(provider.run_settings,
              UnorderedElementsAre(Pair("text provider", "server"), Pair("text model", "m")));
  options.prefix = "Read: ";
  options.body = R"({"dimensions": 2})";
  provider = server_provider(options);
  EXPECT_EQ(Json::parse(provider.cache_settings),
            Json({{"provider", "server"}, {"prefix", "Read: "}, {"body", {{"dimensions", 2}}}}));
  EXPECT_EQ(provider.run_settings.at("text prefix"), "Read: ");
  EXPECT_EQ(provider.run_settings.at("text request"), R"({"dimensions": 2})");
  TextEmbedJob job;
  describe_provider(job, provider);
  EXPECT_EQ(job.model_name, "m");
  EXPECT_EQ(job.max_length, 512) << "as the user says";
}

}  // namespace
}  // namespace pillar
