#include "train/run/stop_signal.h"

#include <atomic>
#include <csignal>
#include <cstddef>

namespace pillar {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGINT};
// What a handler may touch. One run a process has them.
std::atomic<int> g_received{0};
static_assert(std::atomic<int>::is_always_lock_free);
struct sigaction g_before[std::size(kSignals)];

void on_signal(int number) {
  if (number == SIGINT && g_received.exchange(number) == SIGINT) {
    ::signal(SIGINT, SIG_DFL);
    ::raise(SIGINT);
  }
  g_received = number;
}

}  // namespace

StopSignal::StopSignal() {
  g_received = 0;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &g_before[i]);
    // Under nohup a hang-up is to be ignored.
    if (g_before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &g_before[i], nullptr);
}

int StopSignal::received() const noexcept {
  return g_received;
}

}  // namespace pillar
