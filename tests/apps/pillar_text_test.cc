// The program as a user meets it, with a server of the test's own.
#include "pillar/core/csv.h"
#include "pillar/core/file.h"
#include "pillar/text/text_cache.h"
#include "pillar/text/tokenizer.h"

#include "support/http_server.h"
#include "support/program.h"
#include "support/temp_dir.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::ProgramResult;
using test::run_program;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// Vectors (length of the text, 1, 0).
HttpReply lengths(const HttpRequest& request) {
  Json data = Json::array();
  const Json asked = Json::parse(request.body);
  for (const Json& text : asked["input"])
    data.push_back({{"index", data.size()}, {"embedding", {text.get<std::string>().size(), 1, 0}}});
  return {200, Json{{"data", data}}.dump()};
}

class PillarText : public ::testing::Test {
 protected:
  void write_reports(int count, const std::string& name = "train.jsonl") {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const std::string report = fmt::format("Finding {} of the {} lung.", i, i % 2 == 0 ? "left" : "right");
      text += Json{{"sample_name", fmt::format("S{}", i)}, {"report_metadata", report}}.dump() + "\n";
    }
    write_file_atomic(dir_ / name, text);
  }
  ProgramResult embed(std::vector<std::string> words) {
    std::vector<std::string> command = {"pillar-text", "embed",
                                        "--json",      (dir_ / "train.jsonl").string(),
                                        "--out",       (dir_ / "a cache").string()};
    command.insert(command.end(), words.begin(), words.end());
    return run_program(command);
  }
  ProgramResult embed_by(const HttpServer& server, std::vector<std::string> words = {}) {
    std::vector<std::string> all = {"--url", server.url(), "--model", "m", "--retry-wait", "0.01"};
    all.insert(all.end(), words.begin(), words.end());
    return embed(all);
  }
  TempDir dir_;
};

TEST_F(PillarText, ReportsToACacheThroughAServer) {
  write_reports(10);
  const HttpServer server(lengths);
  ::setenv("PILLAR_TEST_KEY", "secret-key-123", 1);
  const auto result =
      embed_by(server, {"--batch", "4", "--jobs", "2", "--api-key-env", "PILLAR_TEST_KEY", "--prefix",
                        "Instruct: ", "--max-length", "256", "--log-level", "trace"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("10 embedded"));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("secret-key-123")));
  ASSERT_EQ(server.requests().size(), 3u);
  for (const HttpRequest& request : server.requests()) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer secret-key-123");
    EXPECT_THAT(request.body, HasSubstr("Instruct: Finding"));
  }
  const std::string metadata = read_text_file(dir_ / "a cache/metadata.json");
  EXPECT_THAT(metadata, Not(HasSubstr("secret-key-123")));
  const Json json = Json::parse(metadata);
  EXPECT_EQ(json["max_length"], 256);
  EXPECT_EQ(json["split"], "train");
  EXPECT_EQ(json["pillar"]["prefix"], "Instruct: ");
  const TextCache cache = TextCache::open(dir_ / "a cache");
  EXPECT_EQ(cache.count(), 10);
  EXPECT_NEAR(cache.vector("S3").norm().item<float>(), 1, 1e-6);

  const auto again = embed_by(server, {"--prefix", "Instruct: ", "--max-length", "256"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("0 embedded, 10 there already"));
  EXPECT_EQ(server.requests().size(), 3u);
  const auto otherwise = embed_by(server);
  EXPECT_EQ(otherwise.exit_code, 2);
  EXPECT_THAT(otherwise.err, HasSubstr("embedded otherwise"));
}

TEST_F(PillarText, AKilledRunGoesOn) {
  write_reports(40);
  int calls = 0;
  const HttpServer server([&calls](const HttpRequest& request) {
    return ++calls > 5 ? HttpReply{401, R"({"error":{"message":"quota used up"}})"} : lengths(request);
  });
  const auto stopped = embed_by(server, {"--batch", "2", "--jobs", "1"});
  EXPECT_EQ(stopped.exit_code, 1);
  EXPECT_THAT(stopped.err, HasSubstr("quota used up"));
  EXPECT_EQ(TextCache::open(dir_ / "a cache").count(), 10);
  const HttpServer slow([](const HttpRequest& request) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    return lengths(request);
  });
  test::run_and_kill(
      {"pillar-text", "embed", "--json", (dir_ / "train.jsonl").string(), "--out",
       (dir_ / "a cache").string(), "--url", slow.url(), "--model", "m", "--batch", "1", "--jobs", "2"},
      700);
  const HttpServer healthy(lengths);
  const auto result = embed_by(healthy);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("10 there already"));
  EXPECT_EQ(TextCache::open(dir_ / "a cache").count(), 40);
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "a cache"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".partial")) << entry.path();
}

TEST_F(PillarText, AnEmptyReportExitsWithThree) {
  write_file_atomic(dir_ / "train.jsonl",
                    "{\"sample_name\":\"A\",\"report_metadata\":\"\"}\n{\"sample_name\":\"B\",\"report_"
                    "metadata\":\"x\"}\n");
  const HttpServer server(lengths);
  const auto result = embed_by(server);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, AllOf(HasSubstr("1 embedded, 1 failed"), HasSubstr("failures.csv")));
  const CsvTable failures = read_csv(dir_ / "a cache/failures.csv");
  ASSERT_EQ(failures.rows.size(), 1u);
  EXPECT_EQ(failures.rows[0][0], "A");
}

TEST_F(PillarText, ADeadServerIsNamedOnce) {
  write_reports(5);
  std::string url;
  {
    const HttpServer gone(lengths);
    url = gone.url();
  }
  const auto result = embed({"--url", url, "--model", "m", "--retries", "1", "--retry-wait", "0.01"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("error: "), HasSubstr(url), HasSubstr("2 tries")));
}

TEST_F(PillarText, WordsThatDoNotFitAreUsage) {
  write_reports(1);
  const auto nothing = embed({});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("needs --url and --model"));
  EXPECT_EQ(embed({"--provider", "oracle"}).exit_code, 2);
  const auto key =
      embed({"--url", "http://localhost:1", "--model", "m", "--api-key-env", "PILLAR_NO_SUCH_VARIABLE"});
  EXPECT_EQ(key.exit_code, 2);
  EXPECT_THAT(key.err, HasSubstr("PILLAR_NO_SUCH_VARIABLE"));
  EXPECT_EQ(embed({"--url", "nonsense", "--model", "m"}).exit_code, 2);
  const auto help = run_program({"pillar-text", "embed", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--api-key-env"), HasSubstr("Examples:")));
}

TEST_F(PillarText, HashPackInfoUnpack) {
  write_reports(12);
  const std::string cache = (dir_ / "a cache").string(), file = (dir_ / "packed.safetensors").string();
  const std::string lines = (dir_ / "train.jsonl").string();
  auto result = embed({"--provider", "hash", "--width", "64"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(read_text_file(dir_ / "a cache/metadata.json"));
  EXPECT_EQ(json["model_name"], "hash-ngrams (not a language model)");
  EXPECT_EQ(json["pillar"]["is_language_model"], false);

  result = run_program({"pillar-text", "pack", cache, "--out", file, "--dtype", "fp32"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("12 studies, width 64, all_findings"));
  EXPECT_TRUE(at::equal(TextCache::open(file).vector("S5"), TextCache::open(cache).vector("S5")));

  result = run_program({"pillar-text", "info", file, "--json", lines});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("(packed)"), HasSubstr("studies    12"), HasSubstr("width      64"),
                    HasSubstr("all_findings: 12 studies, length 1 to 1"), HasSubstr("missing    0 of")));
  write_reports(14, "valid.jsonl");
  result = run_program({"pillar-text", "info", file, "--json", (dir_ / "valid.jsonl").string()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, HasSubstr("missing    2 of"));
  EXPECT_THAT(result.out, HasSubstr("\n  \"S13\"\n"));

  result = run_program({"pillar-text", "unpack", file, "--out", (dir_ / "public").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(read_text_file(dir_ / "public/metadata.json")), json);
  EXPECT_EQ(run_program({"pillar-text", "unpack", file, "--out", (dir_ / "public").string()}).exit_code, 2);
}

TEST_F(PillarText, TheHashOfLaterReportsIsWeightedAsThatOfTheFirst) {
  write_reports(12);
  ASSERT_EQ(embed({"--provider", "hash", "--quiet"}).exit_code, 0);
  const at::Tensor before = TextCache::open(dir_ / "a cache").vector("S5");
  write_file_atomic(dir_ / "train.jsonl",
                    "{\"sample_name\":\"N\",\"report_metadata\":\"Finding 5 of the right lung.\"}\n");
  const auto result = embed({"--provider", "hash", "--quiet"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const TextCache cache = TextCache::open(dir_ / "a cache");
  EXPECT_EQ(cache.count(), 13);
  EXPECT_TRUE(at::allclose(cache.vector("N"), before));
  EXPECT_EQ(embed({"--provider", "hash", "--width", "64"}).exit_code, 2) << "another width";
}

TEST_F(PillarText, TokensCountsReportsThatAreTooLong) {
  write_reports(3);
  const std::string model = (dir_ / "model").string();
  fs::create_directories(model);
  const auto count = [&](const std::string& longest) {
    return run_program({"pillar-text", "tokens", (dir_ / "train.jsonl").string(), "--model", model,
                        "--max-length", longest});
  };
  ProgramResult result = count("512");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no tokenizer.json"));
  make_byte_tokenizer(dir_ / "model/tokenizer.json");
  result = count("512");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("reports    3\n"), HasSubstr("over 512   0 (0.00 %)")));
  EXPECT_THAT(count("2").out, HasSubstr("over 2     3 (100.00 %)"));
  EXPECT_EQ(count("0").exit_code, 2);
}

TEST_F(PillarText, AQwen3ModelInAFolderNeedsNoServer) {
  write_reports(6);
  const std::string model = (dir_ / "tiny").string();
  ASSERT_EQ(run_program({"pillar-train", "init", "--arch", "qwen3-tiny", "--out", model}).exit_code, 0);
  const std::vector<std::string> words = {"--provider",   "qwen3", "--model",  model,
                                          "--max-length", "8",     "--device", "cpu"};
  const auto result = embed(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("6 embedded"), HasSubstr("6 cut at 8 tokens"), HasSubstr("cut.csv"),
                                HasSubstr("tokens/s")));
  const TextCache cache = TextCache::open(dir_ / "a cache");
  EXPECT_EQ(cache.count(), 6);
  EXPECT_EQ(cache.width(), 64);
  EXPECT_THAT(embed(words).out, HasSubstr("0 embedded, 6 there already"));
  std::vector<std::string> otherwise = words;
  otherwise.insert(otherwise.end(), {"--pooling", "last"});
  const auto refused = embed(otherwise);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("embedded otherwise"));
  const auto nameless = embed({"--provider", "qwen3"});
  EXPECT_EQ(nameless.exit_code, 2);
  EXPECT_THAT(nameless.err, HasSubstr("needs --model"));
}

}  // namespace
}  // namespace pillar
