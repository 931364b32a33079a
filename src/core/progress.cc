#include "pillar/core/progress.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pillar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedrawInterval{100};  // often enough for the eye
constexpr std::size_t kMinBarWidth = 5, kMaxBarWidth = 40;

// "1:02", "2:03:04".
std::string format_duration(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(seconds));
  const std::int64_t hours = total / 3600, minutes = total / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, total % 60);
  return fmt::format("{}:{:02}", minutes, total % 60);
}

// "3.1 series/s", or for slow work "25.0 s each".
std::string format_rate(double rate, const std::string& unit) {
  if (rate < 0.1) return fmt::format("{:.1f} s each", 1 / rate);
  return rate < 10 ? fmt::format("{:.1f} {}/s", rate, unit) : fmt::format("{:.0f} {}/s", rate, unit);
}

int terminal_width() {
  struct winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_stderr(std::string_view text) {
  // Progress is no result: a closed standard error is no reason to stop.
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

struct Progress::State {
  ProgressOptions options;
  bool terminal = false;
  std::mutex mutex;
  std::int64_t done = 0;
  std::string note;
  Clock::time_point start = Clock::now();
  Clock::time_point last_draw = start;
  bool drawn = false, finished = false;

  void draw(Clock::time_point now, bool last) {
    drawn = true;
    last_draw = now;
    const double elapsed = std::chrono::duration<double>(now - start).count();
    const std::string head = options.label + ": ";
    const std::string tail = note.empty() ? "" : "  " + note;
    if (!terminal) {
      write_stderr(head + format_progress(options, done, elapsed, 0) + tail + "\n");
      return;
    }
    const auto width =
        static_cast<std::size_t>(std::max(terminal_width() - 1, 0));  // a full last column would wrap
    const std::size_t bare = (head + format_progress(options, done, elapsed, 0) + tail).size() + 4;  // "  ||"
    const int bar_width =
        bare + kMinBarWidth > width ? 0 : static_cast<int>(std::min(width - bare, kMaxBarWidth));
    std::string line = head + format_progress(options, done, elapsed, bar_width) + tail;
    // A line that wraps could not be drawn over. Its bytes are at least its columns.
    if (line.size() > width) {
      std::size_t end = width;
      while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
      line.resize(end);
    }
    write_stderr("\r" + line + "\x1b[K" + (last ? "\n" : ""));
  }
};

Progress::Progress(ProgressOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
  state_->terminal = ::isatty(STDERR_FILENO) == 1;
}

Progress::~Progress() {
  finish();
}

void Progress::advance(std::int64_t count, const std::string& note) {
  const std::lock_guard lock(state_->mutex);
  state_->done += count;
  if (!note.empty()) state_->note = note;
  if (state_->options.quiet || state_->finished) return;
  const bool complete = state_->options.total > 0 && state_->done >= state_->options.total;
  if (complete && !state_->terminal) return;  // finish() prints the last line
  const Clock::time_point now = Clock::now();
  const Clock::duration interval =
      state_->terminal ? Clock::duration(kRedrawInterval) : state_->options.plain_interval;
  const bool first_on_terminal = state_->terminal && !state_->drawn;
  if (first_on_terminal || now - state_->last_draw >= interval) state_->draw(now, false);
}

void Progress::finish() {
  const std::lock_guard lock(state_->mutex);
  if (std::exchange(state_->finished, true) || state_->options.quiet) return;
  state_->draw(Clock::now(), true);
}

std::string format_progress(const ProgressOptions& options, std::int64_t done, double elapsed_seconds,
                            int bar_width) {
  const double rate = elapsed_seconds > 0 ? static_cast<double>(done) / elapsed_seconds : 0;
  const std::string speed = done > 0 && rate > 0 ? "  " + format_rate(rate, options.unit) : std::string();
  if (options.total <= 0)
    return fmt::format("{} {}{}  {}", done, options.unit, speed, format_duration(elapsed_seconds));
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(options.total), 0.0, 1.0);
  std::string text =
      fmt::format("{}/{} {}  {:.0f}%", done, options.total, options.unit, std::floor(100 * share));
  if (bar_width > 0) {
    const auto filled = static_cast<std::size_t>(share * bar_width);
    text += fmt::format("  |{}{}|", std::string(filled, '#'),
                        std::string(static_cast<std::size_t>(bar_width) - filled, '.'));
  }
  text += speed;
  if (done >= options.total) return text + "  in " + format_duration(elapsed_seconds);
  if (!speed.empty()) text += "  ETA " + format_duration(static_cast<double>(options.total - done) / rate);
  return text;
}

}  // namespace pillar
