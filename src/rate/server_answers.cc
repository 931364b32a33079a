#include "rate/server_answers.h"

#include "http/shared/json_queue.h"
#include "rate/chat.h"

#include <unordered_map>

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

JsonQueueOptions queue_options(const RateServer& server) {
  JsonQueueOptions options;
  options.server.url = server.url;
  options.server.service = "chat/completions";
  options.server.api_key = server.api_key;
  options.server.contents = "the reports";
  options.server.retries = server.retries;
  options.server.first_wait_s = server.first_wait_s;
  options.server.longest_wait_s = server.longest_wait_s;
  options.server.timeout_s = server.timeout_s;
  options.connections = server.connections;
  return options;
}

struct Asked {
  Ask ask;
  std::string text;  // the report, so that no message repeats it
};

}  // namespace

AnswerAll server_answers(const ExtractOptions& options, Prompts prompts, const RateQuestions& questions) {
  check_chat_body(options.server.body);
  return [settings = chat_settings(options), queue = queue_options(options.server),
          prompts = std::move(prompts), &questions](AskSession& session) {
    std::unordered_map<std::uint64_t, Asked> under_way;
    std::uint64_t last_id = 0;
    JsonQueueCalls calls;
    calls.next = [&]() -> std::optional<JsonTask> {
      const auto ask = session.next();
      if (!ask) return std::nullopt;
      AskContent content = session.content(*ask);
      const ChatPrompt prompt = chat_prompt(prompts, questions, *ask, content, settings.tri_state);
      const std::size_t by_schema = ask->whole_category ? content.questions.size() : 0;
      under_way.emplace(++last_id, Asked{*ask, std::move(content.text)});
      return JsonTask{last_id, chat_request(settings, prompt, by_schema)};
    };
    calls.take = [&](std::uint64_t id, const std::string& body) -> std::string {
      Reply reply = read_chat_reply(body);
      if (!reply.fault.empty()) return reply.fault;
      const auto asked = under_way.extract(id);
      session.take(asked.mapped().ask, std::move(reply));
      return {};
    };
    calls.give_up = [&](std::uint64_t id, const std::string& reason) {
      const auto asked = under_way.extract(id);
      Reply reply;
      reply.fault = reason;
      session.take(asked.mapped().ask, std::move(reply));
    };
    calls.words = [&](std::uint64_t id, const std::string& body) {
      return shown_server_words(body, under_way.at(id).text);
    };
    const JsonQueueStats stats = run_json_queue(queue, calls);
    if (stats.retries > 0)
      spdlog::info("{} requests were sent again, {} given up", stats.retries, stats.given_up);
  };
}

}  // namespace pillar
