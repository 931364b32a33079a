#include "support/ranks.h"

#include "support/temp_dir.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar::test {
namespace {

using Clock = std::chrono::steady_clock;

std::string output_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

pid_t start(const std::string& scenario, std::map<std::string, std::string> environment, int listening,
            const std::string& out, const std::string& err) {
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid != 0) return pid;
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (listening >= 0) ::fcntl(listening, F_SETFD, 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
  ::execl(PILLAR_WORLD_RANK, "train_rank", scenario.c_str(), nullptr);
  ::_exit(127);
}

struct Process {
  pid_t pid = 0;
  int code = -1;  // 128 + signal if it was killed
  bool ended = false, stopped = false;
};

void look_at(Process& process) {
  int status = 0;
  if (process.ended || ::waitpid(process.pid, &status, WNOHANG | WUNTRACED) != process.pid) return;
  process.stopped = WIFSTOPPED(status);
  process.ended = !process.stopped;
  if (process.ended) process.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Waits for all; those that only stopped, and those that go on long after the first has ended, are killed.
void wait_for(std::vector<Process>& processes) {
  Clock::time_point kill_at = Clock::now() + std::chrono::seconds(180);
  bool first = true;
  while (true) {
    bool running = false, waiting = false;
    for (Process& process : processes) {
      look_at(process);
      running = running || !(process.ended || process.stopped);
      waiting = waiting || !process.ended;
      if (process.ended && first) {
        kill_at = Clock::now() + std::chrono::seconds(30);
        first = false;
      }
    }
    if (!waiting) return;
    if (!running || Clock::now() > kill_at) {
      for (const Process& process : processes)
        if (!process.ended) ::kill(process.pid, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

std::vector<ProgramResult> run_ranks(int count, const std::string& scenario, const RankSettings& settings) {
  const TempDir logs;
  const BusyPort port;
  std::vector<Process> processes;
  for (int i = 0; i < count; ++i) {
    const int rank = settings.numbers.empty() ? i : settings.numbers.at(i);
    std::map<std::string, std::string> environment = {
        {"RANK", std::to_string(rank)},
        {"WORLD_SIZE", std::to_string(settings.size == 0 ? count : settings.size)},
        {"LOCAL_RANK", std::to_string(rank)},
        {"MASTER_ADDR", "127.0.0.1"},
        {"MASTER_PORT", port.number()},
        {"OMP_NUM_THREADS", "1"}};
    const bool hosts = rank == 0 && !settings.environment.contains("MASTER_PORT");
    if (hosts) environment["PILLAR_LISTENING"] = std::to_string(port.fd());
    for (const auto& [name, value] : settings.environment) environment[name] = value;
    const std::string number = std::to_string(i);
    processes.push_back({start(scenario, environment, hosts ? port.fd() : -1,
                               (logs / ("out" + number)).string(), (logs / ("err" + number)).string())});
  }
  wait_for(processes);
  std::vector<ProgramResult> results;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    results.push_back(
        {processes[i].code, output_of(logs / ("out" + number)), output_of(logs / ("err" + number))});
  }
  return results;
}

BusyPort::BusyPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd_, generic, size) != 0 || ::listen(fd_, 16) != 0 || ::getsockname(fd_, generic, &size) != 0)
    throw std::runtime_error("no port to listen on");
  port_ = ::ntohs(address.sin_port);
}

BusyPort::~BusyPort() {
  ::close(fd_);
}

}  // namespace pillar::test
