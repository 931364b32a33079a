// Internal: what the processes say of themselves, and what follows when one falls silent. No threads, no
// network: times are given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

using RollClock = std::chrono::steady_clock;

struct RollTiming {
  std::chrono::milliseconds period{2000};    // between two signs of life
  std::chrono::milliseconds suspect{6000};   // silence that explains a broken connection
  std::chrono::milliseconds silence{30000};  // silence that is a death by itself
  std::chrono::milliseconds blocked{10000};  // how long a call that cannot be interrupted may last after that
  std::chrono::milliseconds goodbye{10000};  // how long rank 0 waits for the others to end
  std::chrono::milliseconds late{std::chrono::minutes(30)};  // how long a living rank may let others wait
};

// One process's line in the store.
struct RollEntry {
  enum class State : char { alive = 'A', failed = 'F', left = 'L' };
  State state = State::alive;
  std::int64_t beats = 0;
  std::int64_t calls = 0;    // collectives it has begun
  std::string message = {};  // failed: why; left: whose fault, empty after an ordinary end
};
std::string to_text(const RollEntry& entry);
RollEntry parse_roll_entry(const std::string& text);  // anything unreadable is a rank that is alive

class Roll {
 public:
  // `names` by rank: "rank 3 (host gpu7, pid 4242)".
  Roll(std::vector<std::string> names, std::int64_t own, const RollTiming& timing, RollClock::time_point now);

  // What the store holds now, by rank.
  void update(const std::vector<std::string>& texts, RollClock::time_point now);
  // This process did not run for a while (stopped, suspended): silence during it proves nothing.
  void forgive(RollClock::time_point now);
  // The store does not answer any more: `reason`.
  void lose_store(const std::string& reason);

  // Whose fault it is that the processes cannot go on, and why; nothing if all is well. `broken`: a
  // collective has failed, so less silence says more.
  std::optional<std::string> culprit(RollClock::time_point now, bool broken) const;
  // Ranks that have begun fewer collectives than `calls`: "rank 1 (...), rank 2 (...)"; empty: none.
  std::string behind(std::int64_t calls) const;
  bool others_gone(RollClock::time_point now) const;  // each has left, failed, or fallen silent

 private:
  std::chrono::milliseconds silence_of(std::size_t rank, RollClock::time_point now) const;

  std::vector<std::string> names_;
  std::size_t own_;
  RollTiming timing_;
  std::vector<RollEntry> entries_;
  std::vector<RollClock::time_point> changed_;
  RollClock::time_point updated_;
  std::optional<std::string> store_lost_;
};

}  // namespace pillar
