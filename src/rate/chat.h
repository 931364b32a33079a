// Internal: OpenAI's POST /v1/chat/completions as JSON text.
#pragma once

#include "pillar/rate/extract.h"

#include "rate/ask.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace pillar {

struct ChatSettings {
  std::string model;
  ModelSampling sampling;
  std::string body;  // JSON object that is merged into each request; empty: none
  bool logprobs = false;
  bool tri_state = false;
};
ChatSettings chat_settings(const ExtractOptions& options);
// Throws Error(usage) where `body` is no JSON object, or names what a request has already.
void check_chat_body(const std::string& body);

// `questions`: how many a request by category asks, which is answered by a JSON schema; 0 for all others.
std::string chat_request(const ChatSettings& settings, const ChatPrompt& prompt, std::size_t questions);

// The answer in the body of a response; its fault where there is none: no JSON, no choice in it. An empty
// content is an empty text; a refusal is its text.
Reply read_chat_reply(std::string_view body);

// What a message may show of the body of an answer that is no success: the words of the server, unless they
// repeat some of the report, and then its error codes alone.
std::string shown_server_words(const std::string& body, std::string_view report);

}  // namespace pillar
