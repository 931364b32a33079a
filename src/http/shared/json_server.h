// Internal: a server that answers JSON to a POST of JSON, as OpenAI's does.
#pragma once

#include <memory>
#include <string>

namespace pillar {

// What a server says in the body of an answer: the message of its error where the body is JSON that has one,
// else the body's beginning. Fit to print.
std::string server_message(const std::string& body);

struct JsonServerOptions {
  std::string url;       // http(s)://host[:port][/v1[/<service>]]; what is missing of the path is added
  std::string service;   // what is asked for: "embeddings"
  std::string api_key;   // sent as a bearer token; empty: none is sent. Never logged, nor part of a message
  std::string contents;  // what requests carry, for a warning: "the reports"
  int retries = 6;       // after the first try
  double first_wait_s = 1;  // then twice as long each time; a Retry-After counts where it is longer
  double longest_wait_s = 120;
  double timeout_s = 300;  // of one try
};

// Asks until there is an answer. Calls may come from several threads; connections are kept for the next.
class JsonServer {
 public:
  // Warns of an API key that would travel without encryption. Throws Error(usage): no address of a server,
  // one with a password in it, a key that no header can carry.
  explicit JsonServer(JsonServerOptions options);
  JsonServer(JsonServer&&) noexcept;
  ~JsonServer();

  // The body of the answer. No connection, 408, 429 and 5xx are tried again after a wait. Throws Error(input)
  // where the server refuses what it is asked (400, 413, 422) and Error(io) for all else that is no success,
  // with the server's own words, where it has some.
  std::string post(const std::string& body) const;

  // The server's address, fit to print and without its query: what messages begin with.
  const std::string& name() const noexcept;
  // Some servers repeat the key: `text` with stars in its place.
  std::string without_key(std::string text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
