// A progress bar with rate and time left on a terminal; plain lines, at most one every few seconds, in a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace pillar {

struct ProgressOptions {
  std::string label = "progress";
  std::string unit = "items";
  std::int64_t total = 0;
  bool quiet = false;                       // prints nothing
  std::chrono::seconds plain_interval{10};  // between two lines where standard error is no terminal
};

// Thread-safe. Draws on standard error.
class Progress {
 public:
  explicit Progress(ProgressOptions options);
  ~Progress();  // finish()
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(std::int64_t count = 1, const std::string& note = {});
  void finish();  // draws the last state once and ends the line

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "12/200 series  6% |##........| 3.1 series/s  ETA 1:02": the text of one state, for tests and for logs.
std::string format_progress(const ProgressOptions& options, std::int64_t done, double elapsed_seconds,
                            int bar_width);

}  // namespace pillar
