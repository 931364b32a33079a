// A language model's server on this machine that answers by rule, with faults on a seeded plan
// (chat_server.py).
#pragma once

#include "support/program.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pillar::test {

struct ChatStats {
  std::int64_t answered = 0;
  std::int64_t again = 0;  // of requests that had been answered before
  std::map<std::string, std::int64_t> faults;
};

class ChatServer {
 public:
  explicit ChatServer(const std::vector<std::string>& arguments = {});
  std::string url() const;  // http://127.0.0.1:PORT
  ChatStats stats() const;

 private:
  TempDir folder_;
  RunningProgram program_;
  int port_ = 0;
};

}  // namespace pillar::test
