// Child processes: the measuring half of this program, and the programs it is compared with.
#include "pillar/core/fail.h"

#include "runner.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar::bench {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read() { close_end(read_end); }
  void close_write() { close_end(write_end); }
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

pid_t spawn(const std::vector<std::string>& command, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(ErrorCategory::io, "{}: cannot start: {}", command[0], std::strerror(error));
  return pid;
}

// Feeds and drains at once, so that neither side waits for the other with a full pipe.
void exchange(Pipe& in, Pipe& out, const std::string& input, std::string* output) {
  std::size_t sent = 0;
  auto buffer = std::make_unique<std::array<char, 1 << 16>>();
  if (input.empty()) in.close_write();
  while (out.read_end >= 0) {
    std::array<pollfd, 2> waits = {{{out.read_end, POLLIN, 0}, {in.write_end, POLLOUT, 0}}};
    if (::poll(waits.data(), in.write_end >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) break;
    if (in.write_end >= 0 && (waits[1].revents & (POLLOUT | POLLERR)) != 0) {
      const ssize_t put =
          ::write(in.write_end, input.data() + sent, std::min<std::size_t>(input.size() - sent, 1 << 16));
      if (put > 0) sent += static_cast<std::size_t>(put);
      if (put < 0 || sent == input.size()) in.close_write();
    }
    if ((waits[0].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t got = ::read(out.read_end, buffer->data(), buffer->size());
      if (got <= 0) {
        out.close_read();
      } else if (output != nullptr) {
        output->append(buffer->data(), static_cast<std::size_t>(got));
      }
    }
  }
}

}  // namespace

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Not ru_maxrss, which takes over the peak of the process that started this one.
double peak_rss_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(line.find(':') + 1)) / 1024.0;
  }
  fail(ErrorCategory::unsupported, "/proc/self/status: no VmHWM, the peak of this process's memory");
}

double run_program(const std::vector<std::string>& command, const std::string& input, std::string* output) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  const pid_t pid = spawn(command, in, out);
  in.close_read();
  out.close_write();
  exchange(in, out, input, output);
  int status = 0;
  rusage usage = {};
  ::wait4(pid, &status, 0, &usage);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail(ErrorCategory::io, "{} failed with status {}", fmt::format("{}", fmt::join(command, " ")), status);
  }
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

}  // namespace pillar::bench
