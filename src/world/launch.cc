#include "pillar/world/launch.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pillar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kLaunched = "PILLAR_LAUNCHED";
constexpr auto kGrace = std::chrono::seconds(20);

// A socket that listens on a port the system chose. Rank 0 inherits it, so nobody can take the port
// meanwhile.
struct Listener {
  Listener();
  ~Listener() { ::close(fd); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int fd = -1;
  int port = 0;
};

Listener::Listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  const bool good = fd >= 0 && ::bind(fd, generic, size) == 0 && ::listen(fd, SOMAXCONN) == 0 &&
                    ::getsockname(fd, generic, &size) == 0;
  if (!good) {
    const std::string reason = std::strerror(errno);
    ::close(fd);
    fail(ErrorCategory::io, "no port for the processes to meet at: {}", reason);
  }
  port = ::ntohs(address.sin_port);
}

std::int64_t processors() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return CPU_COUNT(&set);
}

// This process's environment with `changes` put over it.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> lines;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view line = *each;
    const bool changed = std::any_of(changes.begin(), changes.end(), [&](const auto& change) {
      return line.starts_with(change.first) && line.substr(change.first.size()).starts_with('=');
    });
    if (!changed) lines.emplace_back(line);
  }
  for (const auto& [name, value] : changes) lines.push_back(fmt::format("{}={}", name, value));
  return lines;
}

std::vector<std::string> environment_of(std::int64_t rank, std::int64_t count, const Listener& listener) {
  std::vector<std::pair<std::string, std::string>> changes = {{"RANK", std::to_string(rank)},
                                                              {"LOCAL_RANK", std::to_string(rank)},
                                                              {"WORLD_SIZE", std::to_string(count)},
                                                              {"LOCAL_WORLD_SIZE", std::to_string(count)},
                                                              {"MASTER_ADDR", "127.0.0.1"},
                                                              {"MASTER_PORT", std::to_string(listener.port)},
                                                              {kLaunched, "1"}};
  if (rank == 0) changes.emplace_back("PILLAR_LISTENING", std::to_string(listener.fd));
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    const std::int64_t threads = std::max<std::int64_t>(1, processors() / count);
    changes.emplace_back("OMP_NUM_THREADS", std::to_string(threads));
    if (rank == 0)
      spdlog::info("{} processes, threads of each: {} (OMP_NUM_THREADS sets another number)", count, threads);
  }
  return environment_with(changes);
}

std::vector<char*> pointers(std::vector<std::string>& lines) {
  std::vector<char*> found;
  found.reserve(lines.size() + 1);
  for (std::string& line : lines) found.push_back(line.data());
  found.push_back(nullptr);
  return found;
}

struct Child {
  pid_t pid = 0;
  bool running = true;
};

struct Children {
  std::vector<Child> ranks;
  void signal(int number) const {
    for (const Child& child : ranks)
      if (child.running) ::kill(child.pid, number);
  }
  bool any() const {
    return std::any_of(ranks.begin(), ranks.end(), [](const Child& child) { return child.running; });
  }
};

// The copy that fork made becomes the program again. Between fork and exec only what POSIX allows there;
// _exit() ends the copy, which has nothing else to do, and never the process that called launch_local().
[[noreturn]] void become(std::int64_t rank, pid_t parent, const Listener& listener, char* const* words,
                         char* const* environment, const sigset_t& mask) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  if (rank == 0) {
    ::fcntl(listener.fd, F_SETFD, 0);
  } else {
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    if (nothing > STDERR_FILENO) ::close(nothing);
  }
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::execve("/proc/self/exe", words, environment);
  ::_exit(127);
}

Child start(std::int64_t rank, std::int64_t count, const Listener& listener,
            const std::vector<std::string>& arguments, const sigset_t& mask) {
  std::vector<std::string> words = arguments;
  if (words.empty()) words.emplace_back("pillar");
  std::vector<std::string> environment = environment_of(rank, count, listener);
  const std::vector<char*> word_pointers = pointers(words), environment_pointers = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    fail(ErrorCategory::io, "process {} of {} cannot be started: {}", rank, count, std::strerror(errno));
  if (pid == 0) become(rank, parent, listener, word_pointers.data(), environment_pointers.data(), mask);
  return {pid};
}

// Blocks the signals that the loop below takes one by one; the destructor gives them back.
struct BlockedSignals {
  BlockedSignals() {
    ::sigemptyset(&taken);
    for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGCHLD}) ::sigaddset(&taken, number);
    ::pthread_sigmask(SIG_BLOCK, &taken, &before);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  sigset_t taken, before;
};

std::string ending(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  return fmt::format("was ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
}

struct Outcome {
  int code = 0;      // of the first that ended badly
  int finished = 0;  // of those that ended in order: 0, or that some inputs failed
  Clock::time_point kill_at = Clock::time_point::max();
};

// The job was finished; that some inputs failed is no reason to end the other processes.
bool ended_in_order(int status) {
  return WIFEXITED(status) &&
         (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == static_cast<int>(ExitCode::some_inputs_failed));
}

// Takes note of every child that has ended.
void reap(Children& children, Outcome& outcome) {
  for (std::size_t rank = 0; rank < children.ranks.size(); ++rank) {
    Child& child = children.ranks[rank];
    int status = 0;
    if (!child.running || ::waitpid(child.pid, &status, WNOHANG) != child.pid) continue;
    child.running = false;
    if (ended_in_order(status)) {
      outcome.finished = std::max(outcome.finished, WEXITSTATUS(status));
      continue;
    }
    if (outcome.code != 0) {
      spdlog::debug("rank {} {}", rank, ending(status));
      continue;
    }
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    outcome.kill_at = Clock::now() + kGrace;
    spdlog::error("rank {} (pid {}) {}{}", rank, child.pid, ending(status),
                  children.any() ? "; ending the others" : "");
    children.signal(SIGTERM);
  }
}

// The terminal sends Ctrl-C to the children too; only what was sent to this process is handed on.
void hand_on(const siginfo_t& info, const Children& children) {
  if (info.si_signo == SIGCHLD || info.si_code == SI_KERNEL) return;
  children.signal(info.si_signo);
}

int supervise(Children& children, const BlockedSignals& signals) {
  Outcome outcome;
  while (true) {
    reap(children, outcome);
    if (!children.any()) return outcome.code != 0 ? outcome.code : outcome.finished;
    if (Clock::now() > outcome.kill_at) {
      spdlog::warn("some processes did not end within {} s: killing them", kGrace.count());
      children.signal(SIGKILL);
      outcome.kill_at = Clock::time_point::max();
    }
    const timespec pause = {1, 0};
    siginfo_t info = {};
    if (::sigtimedwait(&signals.taken, &info, &pause) > 0) hand_on(info, children);
  }
}

}  // namespace

int launch_local(std::int64_t count, const std::vector<std::string>& arguments) {
  if (count < 1 || count > 1024)
    fail(ErrorCategory::usage, "{} processes on one host: 1 to 1024 are possible", count);
  const BlockedSignals signals;
  Children children;
  try {
    const Listener listener;
    for (std::int64_t rank = 0; rank < count; ++rank)
      children.ranks.push_back(start(rank, count, listener, arguments, signals.before));
  } catch (...) {
    children.signal(SIGKILL);
    for (const Child& child : children.ranks) ::waitpid(child.pid, nullptr, 0);
    throw;
  }
  return supervise(children, signals);
}

bool launched_locally() {
  return std::getenv(kLaunched) != nullptr;
}

}  // namespace pillar
