#include "pillar/text/embedding_server.h"

#include "support/expect_error.h"
#include "support/http_server.h"

#include <atomic>
#include <chrono>

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kOne = R"({"data":[{"index":0,"embedding":[1,2,3]}]})";

EmbeddingServerOptions options_for(const HttpServer& server) {
  EmbeddingServerOptions options;
  options.url = server.url();
  options.model = std::string("m");
  options.first_wait_s = 0.001;
  options.retries = 3;
  return options;
}

TEST(EmbeddingServer, AsksAsOpenAIDoesAndSortsByIndex) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{
        200, R"({"object":"list","data":[{"index":1,"embedding":[3,4.5]},{"index":0,"embedding":[1,-2]}]})"};
  });
  EmbeddingServerOptions options = options_for(server);
  options.api_key = "secret-key";
  options.prefix = "Instruct: read.\n";
  options.body = R"({"dimensions":2})";
  const at::Tensor rows = EmbeddingServer(options).embed({"No \"nodule\".\n", "K\xC3\xA4se"});
  EXPECT_TRUE(at::equal(rows, at::tensor({1.0f, -2.0f, 3.0f, 4.5f}).reshape({2, 2})));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].path, "/v1/embeddings");
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer secret-key");
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_EQ(nlohmann::json::parse(requests[0].body),
            nlohmann::json({{"model", "m"},
                            {"input", {"Instruct: read.\nNo \"nodule\".\n", "Instruct: read.\nK\xC3\xA4se"}},
                            {"encoding_format", "float"},
                            {"dimensions", 2}}));
}

TEST(EmbeddingServer, CompletesTheAddress) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{200, kOne}; });
  EmbeddingServerOptions options = options_for(server);
  for (const char* path : {"", "/", "/v1", "/v1/", "/v1/embeddings", "/v1/embeddings/"}) {
    options.url = fmt::format("{}{}", server.url(), path);
    EmbeddingServer(options).embed({"a"});
    EXPECT_EQ(server.requests().back().path, "/v1/embeddings") << path;
    EXPECT_EQ(server.requests().back().headers.count("authorization"), 0u);
  }
  options.url = fmt::format("{}/openai/e?api-version=1", server.url());
  EmbeddingServer(options).embed({"a"});
  EXPECT_EQ(server.requests().back().path, "/openai/e?api-version=1");
}

TEST(EmbeddingServer, TriesAgainWhatMayPass) {
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest&) {
    switch (calls++) {
      case 0:
        return HttpReply{0, ""};
      case 1:
        return HttpReply{503, "busy"};
      case 2:
        return HttpReply{429, "slow down", {"Retry-After: 1"}};
      default:
        return HttpReply{200, kOne};
    }
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(EmbeddingServer(options_for(server)).embed({"a"}).size(1), 3);
  EXPECT_EQ(server.requests().size(), 4u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << "Retry-After";
}

TEST(EmbeddingServer, GivesUpWithTheServersWords) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{500, R"({"error":{"message":"out of GPU\nmemory"}})"};
  });
  EXPECT_PILLAR_ERROR(
      EmbeddingServer(options_for(server)).embed({"a"}), ErrorCategory::io,
      AllOf(HasSubstr("HTTP 500: out of GPU\\x0Amemory"), HasSubstr("(4 tries)"), HasSubstr(server.url())));
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST(EmbeddingServer, DoesNotWaitLongerThanItMay) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{429, "{}", {"Retry-After: 3600"}}; });
  EXPECT_PILLAR_ERROR(EmbeddingServer(options_for(server)).embed({"a"}), ErrorCategory::io,
                      HasSubstr("3600 s"));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(EmbeddingServer, AWrongKeyIsNotTriedAgainNorShown) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpReply{
        401, fmt::format(R"({{"error":{{"message":"bad key {}"}}}})", request.headers.at("authorization"))};
  });
  EmbeddingServerOptions options = options_for(server);
  options.api_key = "secret-key";
  EXPECT_PILLAR_ERROR(EmbeddingServer(options).embed({"a"}), ErrorCategory::io,
                      AllOf(HasSubstr("HTTP 401: bad key Bearer ***"), Not(HasSubstr("secret-key"))));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(EmbeddingServer, WhatTheTextsCausedIsInput) {
  for (const int status : {400, 413, 422}) {
    const HttpServer server([status](const HttpRequest&) {
      return HttpReply{status, R"({"detail":"maximum context length is 512"})"};
    });
    EXPECT_PILLAR_ERROR(EmbeddingServer(options_for(server)).embed({"a"}), ErrorCategory::input,
                        HasSubstr("maximum context length is 512"));
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(EmbeddingServer, RefusesAnswersThatAreNone) {
  const std::vector<std::tuple<std::string, ErrorCategory, std::string>> answers = {
      {"<html>hello</html>", ErrorCategory::io, "no JSON object: <html>hello"},
      {"", ErrorCategory::io, "no JSON object"},
      {R"({"error":"no such model"})", ErrorCategory::io, "without embeddings: no such model"},
      {R"({"data":[]})", ErrorCategory::io, "0 vectors in answer to 2 texts"},
      {R"({"data":[{"embedding":[1]}]})", ErrorCategory::io, "1 vectors in answer to 2 texts"},
      {R"({"data":[{"embedding":[1,2]},{"embedding":[1]}]})", ErrorCategory::io,
       "vectors of 2 and of 1 numbers"},
      {R"({"data":[{"index":1,"embedding":[1]},{"index":1,"embedding":[1]}]})", ErrorCategory::io,
       "index 1 twice"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]})", ErrorCategory::io,
       "the index 2"},
      {R"({"data":[{"index":-1,"embedding":[1]},{"index":0,"embedding":[1]}]})", ErrorCategory::io,
       "the index -1"},
      {R"({"data":[{"embedding":"AAAA"},{"embedding":"AAAA"}]})", ErrorCategory::io, "no list of numbers"},
      {R"({"data":[{"embedding":[]},{"embedding":[]}]})", ErrorCategory::io, "no list of numbers"},
      {R"({"data":[7,8]})", ErrorCategory::io, "no list of numbers"},
      {R"({"data":[{"embedding":[1,null]},{"embedding":[1,2]}]})", ErrorCategory::input, "null"},
      {R"({"data":[{"embedding":[1,NaN]},{"embedding":[1,2]}]})", ErrorCategory::input, "NaN"}};
  for (const auto& [body, category, fault] : answers) {
    const HttpServer server([&body = body](const HttpRequest&) { return HttpReply{200, body}; });
    EXPECT_PILLAR_ERROR(EmbeddingServer(options_for(server)).embed({"a", "b"}), category,
                        AllOf(HasSubstr(fault), HasSubstr(server.url())));
  }
}

TEST(EmbeddingServer, NobodyThere) {
  EmbeddingServerOptions options;
  {
    const HttpServer gone([](const HttpRequest&) { return HttpReply{200, kOne}; });
    options = options_for(gone);
  }
  EXPECT_PILLAR_ERROR(EmbeddingServer(options).embed({"a"}), ErrorCategory::io,
                      AllOf(HasSubstr(options.url), HasSubstr("4 tries")));
}

TEST(EmbeddingServer, RefusesSenselessOptions) {
  EmbeddingServerOptions options;
  options.model = "m";
  for (const char* url : {"", "localhost:8000", "ftp://x", "file:///etc/passwd", "http://", "http://a\nb"}) {
    options.url = url;
    EXPECT_PILLAR_ERROR(EmbeddingServer{options}, ErrorCategory::usage, HasSubstr("no address"));
  }
  options.url = "http://user:password@host";
  EXPECT_PILLAR_ERROR(EmbeddingServer{options}, ErrorCategory::usage,
                      AllOf(HasSubstr("environment variable"), Not(HasSubstr("user:"))));
  options.url = "http://host";
  options.api_key = "a\r\nX-Evil: 1";
  EXPECT_PILLAR_ERROR(EmbeddingServer{options}, ErrorCategory::usage, HasSubstr("API key"));
  options.api_key.clear();
  options.body = "[1]";
  EXPECT_PILLAR_ERROR(EmbeddingServer{options}, ErrorCategory::usage, HasSubstr("no JSON object"));
  options.body.clear();
  options.model.clear();
  EXPECT_PILLAR_ERROR(EmbeddingServer{options}, ErrorCategory::usage, HasSubstr("model"));
}

}  // namespace
}  // namespace pillar
