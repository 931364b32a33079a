#include "http/shared/json_queue.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/http_pool.h"
#include "http/server_words.h"

#include <algorithm>
#include <chrono>
#include <queue>
#include <unordered_map>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace pillar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFaultsThatOpen = 5;          // in a row, without an answer between them
constexpr std::int64_t kMostRefusals = 20;  // with nothing answered: then it is not the requests
constexpr double kLongestPoll = 1;          // seconds
constexpr std::size_t kLongestReason = 300;

struct QueuedTask {
  JsonTask task;
  int tries = 0;  // that failed
};

struct WaitingTask {
  Clock::time_point due;
  std::uint64_t id = 0;
  bool operator<(const WaitingTask& other) const { return due > other.due; }  // the earliest on top
};

double seconds_until(Clock::time_point then) {
  return std::chrono::duration<double>(then - Clock::now()).count();
}

Clock::time_point from_now(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

bool says_server_is_down(const HttpAnswer& answer) {
  return (answer.status == 0 && !answer.too_long) || (answer.status >= 502 && answer.status <= 504);
}

// A wrong key, model or path.
bool turns_everybody_away(const HttpAnswer& answer) {
  return answer.status == 401 || answer.status == 403 || answer.status == 404;
}

class JsonQueue {
 public:
  JsonQueue(const JsonQueueOptions& options, const JsonQueueCalls& calls)
      : options_(options.server),
        calls_(calls),
        url_(service_address(options_.url, options_.service)),
        named_(printable_address(url_)),
        connections_(options.connections),
        pool_(url_, json_headers(options_.api_key), options_.timeout_s, options.connections,
              options.most_bytes) {
    warn_of_plain_http(url_, named_, options_);
  }

  JsonQueueStats run() {
    for (;;) {
      start_what_may();
      if (pool_.running() == 0 && waiting_.empty()) return stats_;
      pool_.wait(longest_wait(),
                 [this](std::uint64_t id, HttpAnswer answer) { done(id, std::move(answer)); });
    }
  }

 private:
  // Starts requests as far as connections and the circuit allow.
  void start_what_may() {
    if (is_open_ && Clock::now() < open_until_) return;
    while (!pool_.is_full() && !(is_open_ && pool_.running() > 0)) {
      if (!waiting_.empty() && (waiting_.top().due <= Clock::now() || is_open_)) {
        const std::uint64_t id = waiting_.top().id;
        waiting_.pop();
        pool_.start(id, tasks_.at(id).task.body);
        continue;
      }
      std::optional<JsonTask> task = calls_.next();
      if (!task) return;
      const std::uint64_t id = task->id;
      pool_.start(id, task->body);
      tasks_.emplace(id, QueuedTask{std::move(*task)});
    }
  }

  double longest_wait() const {
    double wait = kLongestPoll;
    if (is_open_ && pool_.running() == 0) return std::min(wait, seconds_until(open_until_));
    if (!waiting_.empty() && !pool_.is_full()) wait = std::min(wait, seconds_until(waiting_.top().due));
    return wait;
  }

  void done(std::uint64_t id, HttpAnswer answer) {
    const int patience = kFaultsThatOpen + 4 * connections_;
    if (is_success(answer)) {
      const std::string fault = calls_.take(id, answer.body);
      if (fault.empty()) return answered(id);
      return failed(id, answer, fault, patience);
    }
    const std::string reason = reason_of(id, answer);
    if (refuses_the_request(answer)) return refused(id, reason);
    if (stats_.answered == 0 && (turns_everybody_away(answer) || (answer.hopeless && !answer.too_long)))
      fail(ErrorCategory::io, "{}: {}", named_, reason);
    const bool is_down = says_server_is_down(answer) || turns_everybody_away(answer);
    failed(id, answer, reason, is_down ? kFaultsThatOpen : patience);
  }

  // The request's own fault: the server is there.
  void refused(std::uint64_t id, const std::string& reason) {
    if (stats_.answered == 0 && ++refused_ >= kMostRefusals) {
      fail(ErrorCategory::input, "{}: {}; and so for each of the first {} requests", named_, reason,
           kMostRefusals);
    }
    is_there();
    give_up(id, reason);
  }

  void is_there() {
    if (is_open_) spdlog::info("{}: answers again", named_);
    is_open_ = false;
    faults_in_a_row_ = probes_ = 0;
  }

  void answered(std::uint64_t id) {
    ++stats_.answered;
    is_there();
    tasks_.erase(id);
  }

  std::string reason_of(std::uint64_t id, const HttpAnswer& answer) const {
    if (answer.status == 0) return printable(answer.fault, kLongestReason);
    const std::string body = text_without_key(answer.body, options_.api_key);
    return fmt::format("HTTP {}: {}", answer.status,
                       calls_.words ? calls_.words(id, body) : server_message(body));
  }

  void retry(std::uint64_t id, const HttpAnswer& answer, const std::string& reason) {
    QueuedTask& queued = tasks_.at(id);
    if (queued.tries >= options_.retries)
      return give_up(id, fmt::format("{} ({} tries)", reason, queued.tries + 1));
    if (answer.retry_after_s > options_.longest_wait_s) {
      return give_up(id, fmt::format("{}; asks to come again in {:.0f} s, longer than the {:.0f} s that are "
                                     "waited",
                                     reason, answer.retry_after_s, options_.longest_wait_s));
    }
    waiting_.push({from_now(retry_wait(answer, options_, queued.tries, id)), id});
    ++queued.tries;
    ++stats_.retries;
    spdlog::debug("{}: {}; again ({} of {})", named_, reason, queued.tries, options_.retries);
  }

  // A request that may do better later. After `most` of them in a row the circuit opens: the requests wait
  // for the server then, not for their own turn.
  void failed(std::uint64_t id, const HttpAnswer& answer, const std::string& reason, int most) {
    if (is_open_ && Clock::now() < open_until_) {  // it was under way when the circuit opened
      waiting_.push({open_until_, id});
      return;
    }
    if (!is_open_ && ++faults_in_a_row_ < most) return retry(id, answer, reason);
    waiting_.push({Clock::now(), id});
    if (is_open_ && ++probes_ > options_.retries) return give_up_all(reason);
    const double wait = std::min(retry_wait(answer, options_, probes_, id), options_.longest_wait_s);
    is_open_ = true;
    ++stats_.pauses;
    open_until_ = from_now(wait);
    spdlog::warn("{}: {}; the server seems to be down: nothing is sent for {:.1f} s", named_, reason, wait);
  }

  void give_up(std::uint64_t id, const std::string& reason) {
    ++stats_.given_up;
    tasks_.erase(id);
    calls_.give_up(id, reason);
  }

  void give_up_all(const std::string& reason) {
    if (stats_.answered == 0) fail(ErrorCategory::io, "{}: {} ({} tries)", named_, reason, probes_);
    spdlog::error("{}: {}; given up after {} pauses", named_, reason, probes_);
    while (!waiting_.empty()) {
      const std::uint64_t id = waiting_.top().id;
      waiting_.pop();
      give_up(id, reason);
    }
    while (const auto task = calls_.next()) {
      ++stats_.given_up;
      calls_.give_up(task->id, "not asked: the server was down");
    }
  }

  JsonServerOptions options_;
  const JsonQueueCalls& calls_;
  std::string url_, named_;
  int connections_;
  HttpPool pool_;
  std::unordered_map<std::uint64_t, QueuedTask> tasks_;  // running or waiting
  std::priority_queue<WaitingTask> waiting_;
  JsonQueueStats stats_;
  std::int64_t refused_ = 0;
  int faults_in_a_row_ = 0, probes_ = 0;
  bool is_open_ = false;  // the circuit: nothing is sent
  Clock::time_point open_until_;
};

}  // namespace

JsonQueueStats run_json_queue(const JsonQueueOptions& options, const JsonQueueCalls& calls) {
  return JsonQueue(options, calls).run();
}

}  // namespace pillar
