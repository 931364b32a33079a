#include "http/shared/json_server.h"

#include "support/expect_error.h"
#include "support/http_server.h"

#include <atomic>

namespace pillar {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

JsonServerOptions options_for(const HttpServer& server) {
  JsonServerOptions options;
  options.url = server.url();
  options.service = "chat/completions";
  options.contents = "the reports";
  options.first_wait_s = 0.001;
  options.retries = 2;
  return options;
}

TEST(JsonServer, TakesABodyToTheServiceAndBringsTheAnswerBack) {
  const HttpServer server([](const HttpRequest& request) { return HttpReply{201, request.body + "!"}; });
  JsonServerOptions options = options_for(server);
  options.api_key = "secret-key";
  for (const char* path : {"", "/", "/v1", "/v1/", "/v1/chat/completions"}) {
    options.url = server.url() + path;
    EXPECT_EQ(JsonServer(options).post("{}"), "{}!");
    const HttpRequest request = server.requests().back();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/chat/completions") << path;
    EXPECT_EQ(request.headers.at("content-type"), "application/json");
    EXPECT_EQ(request.headers.at("authorization"), "Bearer secret-key");
  }
  options.url = server.url() + "/deployed?version=1";
  const JsonServer asked(options);
  asked.post("{}");
  EXPECT_EQ(server.requests().back().path, "/deployed?version=1");
  EXPECT_EQ(asked.name(), server.url() + "/deployed") << "a query may hold a key";
}

TEST(JsonServer, TriesAgainWhatMayPass) {
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest&) {
    return calls++ == 0 ? HttpReply{0, ""} : HttpReply{200, "{}"};
  });
  EXPECT_EQ(JsonServer(options_for(server)).post("[]"), "{}");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(JsonServer, SaysWhoseFaultItIsAndNeverTheKey) {
  const auto refused = [](int status, ErrorCategory category) {
    const HttpServer server([status](const HttpRequest&) {
      return HttpReply{status, R"({"error":{"message":"no, secret-key"}})"};
    });
    JsonServerOptions options = options_for(server);
    options.api_key = "secret-key";
    EXPECT_PILLAR_ERROR(JsonServer(options).post("{}"), category,
                        AllOf(HasSubstr(server.url()), HasSubstr(": no, ***"), Not(HasSubstr("secret"))));
  };
  refused(413, ErrorCategory::input);
  refused(403, ErrorCategory::io);
  refused(501, ErrorCategory::io);
}

TEST(JsonServer, WordsOfAServerAreFoundWhereverItPutsThem) {
  EXPECT_EQ(server_message(R"({"error": {"message": "too\nlong"}})"), "too\\x0Along");
  EXPECT_EQ(server_message(R"({"error": "no such model"})"), "no such model");
  EXPECT_EQ(server_message(R"({"detail": [1]})"), "[1]");
  EXPECT_EQ(server_message("<html>"), "<html>");
  EXPECT_EQ(server_message(""), "(it says no more)");
}

}  // namespace
}  // namespace pillar
