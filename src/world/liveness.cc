#include "world/liveness.h"

#include "pillar/core/fail.h"

#include "core/shared/first_line.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using c10::ivalue::Future;
using Moment = MembershipClock::time_point;

// A collective under way, or one that has failed and waits to hear why.
struct Pending {
  c10::intrusive_ptr<Future> promise;
  bool settled = false;  // under Shared::mutex
};

std::exception_ptr error_of(const std::string& message) {
  return std::make_exception_ptr(Error(ErrorCategory::io, message));
}

std::string reason_of(Future& done) {
  try {
    std::rethrow_exception(done.exception_ptr());
  } catch (const std::exception& error) {
    return first_line(error.what());
  } catch (...) {
    return "unknown fault";
  }
}

}  // namespace

// Outlives Liveness where a thread is stuck in a store that does not answer.
struct Liveness::Shared {
  Shared(MembershipStore store_, std::vector<std::string> names, std::int64_t rank_,
         const MembershipTiming& timing_, bool device_queues_, EndProcess end_process_)
      : store(std::move(store_)),
        timing(timing_),
        rank(rank_),
        device_queues(device_queues_),
        end_process(std::move(end_process_)),
        membership(std::move(names), rank_, timing_, MembershipClock::now()) {}

  const MembershipStore store;
  const MembershipTiming timing;
  const std::int64_t rank;
  const bool device_queues;
  const EndProcess end_process;

  std::mutex mutex;
  std::condition_variable pulse_wake, watch_wake, told;
  Membership membership;
  MemberLine own;
  std::uint64_t wanted_line = 1, written_line = 0;  // counted up when `own` changes and when it is written
  bool closing = false, pulse_done = false, watch_stop = false, ended = false;
  std::vector<std::shared_ptr<Pending>> pending;
  std::optional<Moment> broken_since;
  std::string broken_reason;
  std::optional<std::string> verdict;
  Moment verdict_at;
  bool delivered = false;       // the caller knows it, and ends in its own time
  std::int64_t calls_seen = 0;  // of `own`, since `calls_since`
  Moment calls_since = MembershipClock::now();
  int blocking = 0;
  Moment blocking_since;
  std::thread pulse, watch;

  void run_pulse();
  void run_watch();
  bool closed(Moment deadline);
  void break_up(const std::string& reason, Moment now);
  void judge(Moment now);
  void judge_late(Moment now);
  void end_process_if_stuck(std::unique_lock<std::mutex>& lock, Moment now);
  void settle_all();
};

// --- the thread that speaks to the store

// Rank 0 holds the store, so it stays until the others have read its goodbye and said theirs.
bool Liveness::Shared::closed(Moment deadline) {
  const bool said = written_line == wanted_line;
  const bool alone =
      rank != 0 || membership.others_gone(MembershipClock::now()) || MembershipClock::now() > deadline;
  return closing && said && alone;
}

void Liveness::Shared::run_pulse() {
  std::unique_lock lock(mutex);
  std::optional<Moment> deadline;
  while (true) {
    if (closing && !deadline) deadline = MembershipClock::now() + timing.goodbye;
    ++own.beats;
    const std::string line = to_text(own);
    const std::uint64_t writing = wanted_line;
    lock.unlock();
    std::vector<std::string> lines;
    std::optional<std::string> fault;
    try {
      store.write_own(line);
      lines = store.read_all();
    } catch (const std::exception& error) {
      fault = first_line(error.what());
    }
    lock.lock();
    if (fault) membership.lose_store(*fault);
    if (!fault) {
      written_line = writing;
      membership.update(lines, MembershipClock::now());
    }
    told.notify_all();
    watch_wake.notify_all();
    if (fault || closed(deadline.value_or(Moment::max()))) break;
    const auto pause = closing ? std::min(timing.period, std::chrono::milliseconds(50)) : timing.period;
    pulse_wake.wait_for(lock, pause, [&] { return written_line != wanted_line; });
  }
  pulse_done = true;
  told.notify_all();
}

// --- the thread that judges

void Liveness::Shared::break_up(const std::string& reason, Moment now) {
  if (verdict) return;
  verdict = reason;
  verdict_at = now;
}

// All live, but some do not come where this process waits.
void Liveness::Shared::judge_late(Moment now) {
  if (own.calls != calls_seen) {
    calls_seen = own.calls;
    calls_since = now;
  }
  if (now - calls_since < timing.late) return;
  const std::string late = membership.behind(own.calls);
  if (late.empty()) return;
  const auto minutes = std::chrono::duration<double, std::ratio<60>>(timing.late).count();
  break_up(fmt::format("waited {:.3g} minutes for what has not come: {}", minutes, late), now);
}

void Liveness::Shared::judge(Moment now) {
  if (verdict) return;
  if (const auto culprit = membership.culprit(now, broken_since.has_value())) {
    break_up(*culprit, now);
  } else if (broken_since && membership.all_live_since(*broken_since + timing.suspect)) {
    // Everyone lives: a network fault, or ranks that did not come within the time allowed.
    const std::string late = membership.behind(own.calls);
    const std::string who =
        late.empty() ? std::string("all processes still live") : fmt::format("not yet there: {}", late);
    break_up(fmt::format("the processes lost touch: {} ({})", broken_reason, who), now);
  }
  judge_late(now);
}

void Liveness::Shared::settle_all() {
  for (const auto& each : pending) {
    if (each->settled) continue;
    each->settled = true;
    each->promise->setErrorIfNeeded(error_of(*verdict));
  }
  pending.clear();
  told.notify_all();
}

void Liveness::Shared::end_process_if_stuck(std::unique_lock<std::mutex>& lock, Moment now) {
  const bool stuck = blocking > 0 && now - std::max(verdict_at, blocking_since) > timing.blocked;
  const bool queued = device_queues && !delivered && now - verdict_at > timing.blocked;
  if (ended || (!stuck && !queued)) return;
  ended = true;
  spdlog::error("{}; this process hangs in a call that needs it, and ends", *verdict);
  spdlog::default_logger()->flush();
  lock.unlock();
  end_process();
  lock.lock();
}

void Liveness::Shared::run_watch() {
  std::unique_lock lock(mutex);
  Moment last = MembershipClock::now();
  while (!watch_stop) {
    const Moment now = MembershipClock::now();
    if (now - last > 3 * timing.period) {  // this process did not run: the time proves nothing of the others
      membership.forgive(now);
      if (broken_since) broken_since = now;
    }
    last = now;
    judge(now);
    if (verdict) {
      settle_all();
      end_process_if_stuck(lock, now);
    }
    watch_wake.wait_for(lock, timing.period / 2);
  }
}

// --- the callers' side

Liveness::Liveness(MembershipStore store, std::vector<std::string> names, std::int64_t own,
                   const MembershipTiming& timing, bool device_queues, EndProcess end_process)
    : shared_(std::make_shared<Shared>(std::move(store), std::move(names), own, timing, device_queues,
                                       std::move(end_process))) {
  shared_->pulse = std::thread([shared = shared_] { shared->run_pulse(); });
  shared_->watch = std::thread([shared = shared_] { shared->run_watch(); });
}

Liveness::~Liveness() {
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  if (shared.own.state == MemberLine::State::alive) {
    // An exception that unwinds this far ends the process: the others should not take it for a normal end.
    const bool failing = std::uncaught_exceptions() > 0 && !shared.verdict;
    shared.own.state = failing ? MemberLine::State::failed : MemberLine::State::left;
    shared.own.message = failing ? "it ended with an error" : shared.verdict.value_or("");
  }
  ++shared.wanted_line;
  shared.closing = true;
  shared.pulse_wake.notify_all();
  // Where something is wrong, the store may be what does not answer.
  const bool hurry = shared.verdict && shared.rank != 0;
  const auto patience = hurry ? 2 * shared.timing.period : shared.timing.goodbye + shared.timing.period;
  const bool done = shared.told.wait_for(lock, patience, [&] { return shared.pulse_done; });
  shared.watch_stop = true;
  shared.watch_wake.notify_all();
  lock.unlock();
  shared.watch.join();
  if (done) {
    shared.pulse.join();
  } else {
    shared.pulse.detach();  // stuck in a store that does not answer; the process is about to end
  }
}

void Liveness::begin() {
  const std::lock_guard lock(shared_->mutex);
  ++shared_->own.calls;
  if (!shared_->verdict) return;
  shared_->delivered = true;
  throw Error(ErrorCategory::io, *shared_->verdict);
}

c10::intrusive_ptr<Future> Liveness::guard(Future& done, at::Tensor result) {
  auto each = std::make_shared<Pending>(Pending{c10::make_intrusive<Future>(c10::TensorType::get())});
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->pending.push_back(each);
  }
  done.addCallback([shared = shared_, each, result = std::move(result)](Future& ended) {
    {
      const std::lock_guard lock(shared->mutex);
      if (each->settled) return;
      if (ended.hasError()) {  // the watcher will say why
        if (!shared->broken_since) {
          shared->broken_since = MembershipClock::now();
          shared->broken_reason = reason_of(ended);
        }
        ++shared->wanted_line;  // look at the store at once
        shared->pulse_wake.notify_all();
        return;
      }
      each->settled = true;
      std::erase(shared->pending, each);
    }
    each->promise->markCompleted(result);
  });
  return each->promise;
}

void Liveness::fail_for(const std::string& reason) {
  std::unique_lock lock(shared_->mutex);
  if (!shared_->broken_since) {
    shared_->broken_since = MembershipClock::now();
    shared_->broken_reason = first_line(reason);
  }
  ++shared_->wanted_line;
  shared_->pulse_wake.notify_all();
  shared_->told.wait(lock, [&] { return shared_->verdict.has_value(); });
  shared_->delivered = true;
  throw Error(ErrorCategory::io, *shared_->verdict);
}

void Liveness::announce_failure(const std::string& message) noexcept {
  try {
    Shared& shared = *shared_;
    std::unique_lock lock(shared.mutex);
    if (shared.verdict || shared.own.state != MemberLine::State::alive) return;  // a consequence, not a cause
    shared.own.state = MemberLine::State::failed;
    shared.own.message = message;
    shared.break_up(fmt::format("this process failed: {}", message), MembershipClock::now());
    shared.delivered = true;
    const std::uint64_t line = ++shared.wanted_line;
    shared.pulse_wake.notify_all();
    shared.told.wait_for(lock, shared.timing.period + std::chrono::seconds(2),
                         [&] { return shared.written_line >= line || shared.pulse_done; });
  } catch (...) {  // out of memory, say: the others hear of the end by the silence
  }
}

bool Liveness::broken() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->verdict.has_value();
}

Liveness::Blocking::Blocking(Liveness& liveness) : liveness_(liveness) {
  const std::lock_guard lock(liveness_.shared_->mutex);
  if (liveness_.shared_->blocking++ == 0) liveness_.shared_->blocking_since = MembershipClock::now();
}

Liveness::Blocking::~Blocking() {
  const std::lock_guard lock(liveness_.shared_->mutex);
  --liveness_.shared_->blocking;
}

}  // namespace pillar
