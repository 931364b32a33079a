// Starts the processes of one training as a launcher does.
#pragma once

#include "support/program.h"

#include <map>
#include <string>
#include <vector>

namespace pillar::test {

struct RankSettings {
  std::map<std::string, std::string> environment = {};  // over the launcher's variables, for all
  std::vector<int> numbers = {};                        // RANK of each process; empty: 0, 1, ...
  int size = 0;                                         // WORLD_SIZE; 0: the number of processes
};

// `world_rank SCENARIO` in `count` processes. Returns when all have ended; a process that still runs 20 s
// after the first has ended is killed (exit code
// 137).
std::vector<ProgramResult> run_ranks(int count, const std::string& scenario,
                                     const RankSettings& settings = {});

// A port of 127.0.0.1 that listens, and whose connections nobody takes.
class BusyPort {
 public:
  BusyPort();
  ~BusyPort();
  BusyPort(const BusyPort&) = delete;
  BusyPort& operator=(const BusyPort&) = delete;
  int fd() const { return fd_; }
  std::string number() const { return std::to_string(port_); }

 private:
  int fd_ = -1;
  int port_ = 0;
};

}  // namespace pillar::test
