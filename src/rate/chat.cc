#include "rate/chat.h"

#include "pillar/core/fail.h"

#include "http/shared/json_server.h"
#include "rate/answer_text.h"
#include "rate/chat_logprobs.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kTopLogprobs = 10;
constexpr std::size_t kRepeatedBytes = 8;  // as long a piece of the report in a message is a repetition
constexpr std::size_t kLongestCode = 40;

// {"1": ..., "2": ...} with one of the answers each.
ordered_json answer_schema(std::size_t questions, bool tri_state) {
  ordered_json answer = {{"type", "string"}, {"enum", {"Yes", "No"}}};
  if (tri_state) {
    answer["enum"].push_back("Uncertain");
    answer = {{"type", "object"},
              {"properties", {{"answer", answer}, {"quote", {{"type", "string"}}}}},
              {"required", {"answer", "quote"}},
              {"additionalProperties", false}};
  }
  ordered_json properties = ordered_json::object(), required = ordered_json::array();
  for (std::size_t i = 1; i <= questions; ++i) {
    properties[std::to_string(i)] = answer;
    required.push_back(std::to_string(i));
  }
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

// The text of a message's content: text, or a list of parts with texts.
std::string content_text(const json& message) {
  const auto content = message.find("content");
  if (content != message.end() && content->is_string()) return content->get<std::string>();
  std::string text;
  if (content != message.end() && content->is_array()) {
    for (const json& part : *content) {
      if (part.is_object() && part.contains("text") && part["text"].is_string())
        text += part["text"].get<std::string>();
    }
  }
  const auto refusal = message.find("refusal");
  if (text.empty() && refusal != message.end() && refusal->is_string()) return refusal->get<std::string>();
  return text;
}

std::int64_t token_count(const json& response, const char* key) {
  const auto usage = response.find("usage");
  if (usage == response.end() || !usage->is_object()) return 0;
  const auto count = usage->find(key);
  if (count == usage->end() || !count->is_number_integer()) return 0;
  return std::clamp<std::int64_t>(count->get<std::int64_t>(), 0, std::int64_t{1} << 40);
}

bool is_code(const std::string& text) {
  return !text.empty() && text.size() <= kLongestCode &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool repeats(std::string_view message, std::string_view report) {
  for (std::size_t i = 0; i + kRepeatedBytes <= message.size(); ++i) {
    if (report.find(message.substr(i, kRepeatedBytes)) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

ChatSettings chat_settings(const ExtractOptions& options) {
  return {options.server.model, options.sampling, options.server.body, options.logprobs,
          options.answers == AnswerKind::tri_state};
}

void check_chat_body(const std::string& body) {
  if (body.empty()) return;
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) fail(ErrorCategory::usage, "--body is no JSON object");
  for (const char* key : {"model", "messages", "n", "stream"}) {
    if (object.contains(key)) fail(ErrorCategory::usage, "--body: {} is not to be set", key);
  }
}

std::string chat_request(const ChatSettings& settings, const ChatPrompt& prompt, std::size_t questions) {
  ordered_json request = {
      {"model", settings.model},
      {"messages",
       {{{"role", "system"}, {"content", prompt.system}}, {{"role", "user"}, {"content", prompt.user}}}},
      {"temperature", settings.sampling.temperature},
      {"top_p", settings.sampling.top_p},
      {"max_tokens", settings.sampling.max_tokens}};
  if (questions > 0) {
    request["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "answers"}, {"strict", true}, {"schema", answer_schema(questions, settings.tri_state)}}}};
  } else if (settings.logprobs) {
    request["logprobs"] = true;
    request["top_logprobs"] = kTopLogprobs;
  }
  if (!settings.body.empty()) request.update(ordered_json::parse(settings.body));
  return request.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Reply read_chat_reply(std::string_view body) {
  Reply reply;
  const json response = json::parse(body, nullptr, false);
  if (!response.is_object()) {
    reply.fault = "the answer is no JSON object";
    return reply;
  }
  const auto choices = response.find("choices");
  if (choices == response.end() || !choices->is_array() || choices->empty() || !(*choices)[0].is_object() ||
      !(*choices)[0].contains("message") || !(*choices)[0]["message"].is_object()) {
    reply.fault = "the answer has no choices[0].message";
    return reply;
  }
  const json& choice = (*choices)[0];
  reply.text = content_text(choice["message"]);
  reply.p_yes = yes_probability(choice);
  reply.tokens_in = token_count(response, "prompt_tokens");
  reply.tokens_out = token_count(response, "completion_tokens");
  return reply;
}

std::string shown_server_words(const std::string& body, std::string_view report) {
  const std::string message = server_message(body);
  if (!repeats(folded_spaces(message), folded_spaces(report))) return message;
  std::string codes;
  const json answer = json::parse(body, nullptr, false);
  if (answer.is_object()) {
    const json error = answer.value("error", answer);
    for (const char* key : {"type", "code"}) {
      if (error.is_object() && error.contains(key) && error[key].is_string() &&
          is_code(error[key].get<std::string>()))
        codes += fmt::format("{}{}", codes.empty() ? "" : ", ", error[key].get<std::string>());
    }
  }
  if (repeats(codes, report)) codes.clear();
  return codes + (codes.empty() ? "" : " ") + "(its words repeat some of the report and are not shown)";
}

}  // namespace pillar
