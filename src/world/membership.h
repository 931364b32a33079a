// Internal: who still belongs to the processes that train together: what each says of itself, and what
// follows when one falls silent. No threads, no network: times are given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

using MembershipClock = std::chrono::steady_clock;

// How often a process speaks, and how long a silence means what.
struct MembershipTiming {
  std::chrono::milliseconds period{2000};    // between two signs of life
  std::chrono::milliseconds suspect{6000};   // silence that explains a broken connection
  std::chrono::milliseconds silence{30000};  // silence that is a death by itself
  std::chrono::milliseconds blocked{10000};  // how long a call that cannot be interrupted may last after that
  std::chrono::milliseconds goodbye{10000};  // how long rank 0 waits for the others to end
  std::chrono::milliseconds late{std::chrono::minutes(30)};  // how long a living rank may let others wait
};

// One process's line in the rendezvous store.
struct MemberLine {
  enum class State : char { alive = 'A', failed = 'F', left = 'L' };
  State state = State::alive;
  std::int64_t beats = 0;
  std::int64_t calls = 0;    // collectives it has begun
  std::string message = {};  // failed: why; left: whose fault, empty after an ordinary end
};
std::string to_text(const MemberLine& entry);
MemberLine parse_member_line(const std::string& text);  // anything unreadable is a rank that is alive

// What one process knows of all of them, itself included.
class Membership {
 public:
  // `names` by rank: "rank 3 (host gpu7, pid 4242)".
  Membership(std::vector<std::string> names, std::int64_t own, const MembershipTiming& timing,
             MembershipClock::time_point now);

  // What the store holds now, by rank.
  void update(const std::vector<std::string>& texts, MembershipClock::time_point now);
  // This process did not run for a while (stopped, suspended): silence during it proves nothing.
  void forgive(MembershipClock::time_point now);
  // The store does not answer any more: `reason`.
  void lose_store(const std::string& reason);

  // Whose fault it is that the processes cannot go on, and why; nothing if all is well. `broken`: a
  // collective has failed, so less silence says more.
  std::optional<std::string> culprit(MembershipClock::time_point now, bool broken) const;
  // Two signs of life were read after `moment` from every other rank that has not ended. One would not do:
  // the last sign of a rank that has died may be read late.
  bool all_live_since(MembershipClock::time_point moment) const;
  // Ranks that have begun fewer collectives than `calls`: "rank 1 (...), rank 2 (...)"; empty: none.
  std::string behind(std::int64_t calls) const;
  bool others_gone(MembershipClock::time_point now) const;  // each has left, failed, or fallen silent

 private:
  std::chrono::milliseconds silence_of(std::size_t rank, MembershipClock::time_point now) const;
  std::optional<std::size_t> longest_silent(MembershipClock::time_point now,
                                            std::chrono::milliseconds limit) const;

  std::vector<std::string> names_;
  std::size_t own_;
  MembershipTiming timing_;
  std::vector<MemberLine> entries_;
  std::vector<MembershipClock::time_point> changed_, changed_before_;  // when the last two signs were read
  MembershipClock::time_point updated_;
  std::optional<std::string> store_lost_;
};

}  // namespace pillar
