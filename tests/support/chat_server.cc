#include "support/chat_server.h"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar::test {
namespace {

std::vector<std::string> server_command(const TempDir& folder, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"/usr/bin/env", "python3", PILLAR_CHAT_SERVER,
                                      (folder / "port").string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

ChatServer::ChatServer(const std::vector<std::string>& arguments)
    : program_(server_command(folder_, arguments)) {
  for (int tries = 0; tries < 1000 && port_ == 0; ++tries) {
    std::ifstream(folder_ / "port") >> port_;
    if (port_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (port_ == 0) throw std::runtime_error("the test's language model does not start");
}

std::string ChatServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

ChatStats ChatServer::stats() const {
  const ProgramResult got = run_program(
      {"/usr/bin/env", "python3", "-c",
       fmt::format("import urllib.request; print(urllib.request.urlopen('{}/stats').read().decode())",
                   url())});
  const auto json = nlohmann::json::parse(got.out);
  return {json["answered"], json["again"], json["faults"]};
}

}  // namespace pillar::test
