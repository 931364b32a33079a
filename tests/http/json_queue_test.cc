#include "http/shared/json_queue.h"

#include "support/expect_error.h"
#include "support/http_server.h"

#include <atomic>
#include <map>

#include <fmt/format.h>

namespace pillar {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct QueueOutcome {
  JsonQueueStats stats;
  std::map<std::uint64_t, std::string> answers, reasons;
};

JsonQueueOptions queue_options_for(const std::string& url) {
  JsonQueueOptions options;
  options.server.url = url;
  options.server.service = "chat/completions";
  options.server.first_wait_s = 0.001;
  options.server.longest_wait_s = 0.05;
  options.server.retries = 3;
  options.connections = 4;
  return options;
}

// Asks "0", "1", ...; an answer "bad" is refused by whoever takes it.
QueueOutcome asked_of(const JsonQueueOptions& options, int tasks) {
  QueueOutcome outcome;
  int next = 0;
  JsonQueueCalls calls;
  calls.next = [&]() -> std::optional<JsonTask> {
    if (next == tasks) return std::nullopt;
    const int id = next++;
    return JsonTask{static_cast<std::uint64_t>(id), std::to_string(id)};
  };
  calls.take = [&](std::uint64_t id, const std::string& body) -> std::string {
    if (body == "bad") return "a bad answer";
    outcome.answers[id] = body;
    return {};
  };
  calls.give_up = [&](std::uint64_t id, const std::string& reason) { outcome.reasons[id] = reason; };
  outcome.stats = run_json_queue(options, calls);
  return outcome;
}

TEST(JsonQueue, AnswersEveryRequestOnce) {
  const HttpServer server([](const HttpRequest& request) { return HttpReply{200, request.body + "!"}; });
  const QueueOutcome outcome = asked_of(queue_options_for(server.url()), 50);
  EXPECT_EQ(outcome.answers.size(), 50u);
  EXPECT_EQ(outcome.answers.at(49), "49!");
  EXPECT_EQ(outcome.stats.answered, 50);
  EXPECT_EQ(server.requests().size(), 50u);
}

TEST(JsonQueue, TriesAgainWhatFailsOnceAndWhatIsNoAnswer) {
  std::map<std::string, int> times;
  const HttpServer server([&](const HttpRequest& request) {
    const int time = times[request.body]++;
    if (time > 0) return HttpReply{200, "ok"};
    switch (std::stoi(request.body) % 5) {
      case 0:
        return HttpReply{429, "", {"Retry-After: 0"}};
      case 1:
        return HttpReply{500, ""};
      case 2:
        return HttpReply{200, "bad"};
      default:
        return HttpReply{200, "ok"};
    }
  });
  const QueueOutcome outcome = asked_of(queue_options_for(server.url()), 40);
  EXPECT_EQ(outcome.answers.size(), 40u);
  EXPECT_EQ(outcome.stats.retries, 24);
  EXPECT_EQ(outcome.stats.given_up, 0);
}

TEST(JsonQueue, GivesUpWhatIsRefusedAndWhatKeepsFailing) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.body == "3") return HttpReply{422, R"({"error": {"message": "too long"}})"};
    if (request.body == "5") return HttpReply{500, "x"};
    if (request.body == "6") return HttpReply{429, "", {"Retry-After: 4000"}};
    return HttpReply{200, "ok"};
  });
  const QueueOutcome outcome = asked_of(queue_options_for(server.url()), 10);
  EXPECT_EQ(outcome.answers.size(), 7u);
  EXPECT_EQ(outcome.reasons.at(3), "HTTP 422: too long");
  EXPECT_THAT(outcome.reasons.at(5), AllOf(HasSubstr("HTTP 500"), HasSubstr("4 tries")));
  EXPECT_THAT(outcome.reasons.at(6), HasSubstr("asks to come again in 4000 s"));
}

TEST(JsonQueue, PausesWhileTheServerIsDownAndGoesOn) {
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest&) {
    const int call = calls++;
    return call >= 10 && call < 17 ? HttpReply{503, ""} : HttpReply{200, "ok"};
  });
  const QueueOutcome outcome = asked_of(queue_options_for(server.url()), 40);
  EXPECT_EQ(outcome.answers.size(), 40u);
  EXPECT_GE(outcome.stats.pauses, 1);
}

TEST(JsonQueue, GivesUpWhatIsLeftWhereTheServerStaysDown) {
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest&) {
    return calls++ < 10 ? HttpReply{200, "ok"} : HttpReply{0, ""};
  });
  const QueueOutcome outcome = asked_of(queue_options_for(server.url()), 200);
  EXPECT_EQ(outcome.answers.size(), 10u);
  EXPECT_EQ(outcome.reasons.size(), 190u);
  EXPECT_THAT(outcome.reasons.at(199), HasSubstr("not asked: the server was down"));
  EXPECT_LT(server.requests().size(), 40u);
}

TEST(JsonQueue, AServerThatIsNotThereOrTurnsEverybodyAwayEndsTheRun) {
  const JsonQueueOptions nobody = queue_options_for("http://127.0.0.1:9");
  EXPECT_PILLAR_ERROR(asked_of(nobody, 10), ErrorCategory::io, HasSubstr("http://127.0.0.1:9"));
  const HttpServer locked([](const HttpRequest&) { return HttpReply{401, "no, secret-key"}; });
  JsonQueueOptions options = queue_options_for(locked.url());
  options.server.api_key = "secret-key";
  EXPECT_PILLAR_ERROR(asked_of(options, 10), ErrorCategory::io,
                      AllOf(HasSubstr("HTTP 401: no, ***"), Not(HasSubstr("secret"))));
  const HttpServer strict([](const HttpRequest&) { return HttpReply{400, "no such parameter"}; });
  EXPECT_PILLAR_ERROR(asked_of(queue_options_for(strict.url()), 30), ErrorCategory::input,
                      AllOf(HasSubstr("no such parameter"), HasSubstr("first 20")));
  options.server.url = "ftp://x";
  EXPECT_PILLAR_ERROR(asked_of(options, 1), ErrorCategory::usage, HasSubstr("no address of a server"));
}

TEST(JsonQueue, AnAnswerThatIsTooLongIsGivenUpAlone) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpReply{200, request.body == "2" ? std::string(100'000, 'x') : "ok"};
  });
  JsonQueueOptions options = queue_options_for(server.url());
  options.most_bytes = 10'000;
  const QueueOutcome outcome = asked_of(options, 5);
  EXPECT_EQ(outcome.answers.size(), 4u);
  EXPECT_THAT(outcome.reasons.at(2), HasSubstr("longer than any that is read"));
}

}  // namespace
}  // namespace pillar
