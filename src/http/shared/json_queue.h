// Internal: many requests to a server that answers JSON to a POST of JSON, so many at a time, each until it
// is answered or given up.
#pragma once

#include "http/shared/json_server.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pillar {

struct JsonQueueOptions {
  JsonServerOptions server;
  int connections = 64;               // kept, and requests at a time
  std::size_t most_bytes = 16 << 20;  // of an answer: a longer one is a fault
};

struct JsonTask {
  std::uint64_t id = 0;
  std::string body;
};

// All are called on the thread of run_json_queue().
struct JsonQueueCalls {
  // The next request; unset while there is none. Asked again whenever a request is done.
  std::function<std::optional<JsonTask>()> next;
  // The body of an answer. Returns what is wrong with it, so that it is asked for again; empty: it is taken.
  std::function<std::string(std::uint64_t id, const std::string& body)> take;
  // A request without an answer, and why.
  std::function<void(std::uint64_t id, const std::string& reason)> give_up;
  // What may be shown of the body of an answer that is no success. Empty function: server_message().
  std::function<std::string(std::uint64_t id, const std::string& body)> words;
};

struct JsonQueueStats {
  std::int64_t answered = 0, given_up = 0, retries = 0, pauses = 0;
};

// Returns when nothing is left to ask. A fault is tried again as JsonServer does, `retries` times, while
// others go on. Where nothing but faults comes back, the circuit opens: nothing is sent, the log says so, and
// after a wait that doubles one request tries whether the server is back; what failed meanwhile is not
// counted as tried. After `retries` such tries all that is left is given up. Throws Error(usage) as
// JsonServer does; Error(io) where nothing was answered yet and the server is not there or turns everybody
// away (401, 403, 404); Error(input) where it refuses each of the first 20 requests (400, 413, 422).
JsonQueueStats run_json_queue(const JsonQueueOptions& options, const JsonQueueCalls& calls);

}  // namespace pillar
