#include "world/membership.h"

#include "pillar/core/fail.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <fmt/format.h>

namespace pillar {
namespace {

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:.0f} s", std::chrono::duration<double>(time).count());
}

}  // namespace

std::string to_text(const MemberLine& entry) {
  return fmt::format("{} {} {} {}", static_cast<char>(entry.state), entry.beats, entry.calls, entry.message);
}

MemberLine parse_member_line(const std::string& text) {
  MemberLine entry;
  char state = 0;
  std::istringstream words(text);
  words >> state >> entry.beats >> entry.calls;
  if (!words) return {};
  if (state == 'F') entry.state = MemberLine::State::failed;
  if (state == 'L') entry.state = MemberLine::State::left;
  words.ignore(1);
  entry.message.assign(std::istreambuf_iterator<char>(words), {});
  return entry;
}

Membership::Membership(std::vector<std::string> names, std::int64_t own, const MembershipTiming& timing,
                       MembershipClock::time_point now)
    : names_(std::move(names)),
      own_(static_cast<std::size_t>(own)),
      timing_(timing),
      entries_(names_.size()),
      changed_(names_.size(), now),
      changed_before_(changed_),
      updated_(now) {}

void Membership::update(const std::vector<std::string>& texts, MembershipClock::time_point now) {
  for (std::size_t rank = 0; rank < entries_.size() && rank < texts.size(); ++rank) {
    MemberLine entry = parse_member_line(texts[rank]);
    if (entry.beats != entries_[rank].beats || entry.state != entries_[rank].state)
      changed_before_[rank] = std::exchange(changed_[rank], now);
    entries_[rank] = std::move(entry);
  }
  updated_ = now;
}

void Membership::forgive(MembershipClock::time_point now) {
  std::fill(changed_.begin(), changed_.end(), now);
  changed_before_ = changed_;
  updated_ = now;
}

void Membership::lose_store(const std::string& reason) {
  store_lost_ = reason;
}

// Silence counts only as far as the store was read; where rank 0, which holds it, hangs, it is rank 0's.
std::chrono::milliseconds Membership::silence_of(std::size_t rank, MembershipClock::time_point now) const {
  const auto until = rank == 0 ? now : updated_;
  return std::chrono::duration_cast<std::chrono::milliseconds>(until - changed_[rank]);
}

// One that has died keeps others from running, who then fall silent too: it is the first to have done so.
std::optional<std::size_t> Membership::longest_silent(MembershipClock::time_point now,
                                                      std::chrono::milliseconds limit) const {
  std::optional<std::size_t> found;
  for (std::size_t rank = 0; rank < entries_.size(); ++rank) {
    const bool alive = entries_[rank].state == MemberLine::State::alive;
    if (rank == own_ || !alive || silence_of(rank, now) <= limit) continue;
    if (!found || changed_[rank] < changed_[*found]) found = rank;
  }
  return found;
}

std::optional<std::string> Membership::culprit(MembershipClock::time_point now, bool broken) const {
  using State = MemberLine::State;
  const auto others = [&](auto&& wanted) -> std::optional<std::string> {
    for (std::size_t rank = 0; rank < entries_.size(); ++rank) {
      if (rank == own_) continue;
      if (auto text = wanted(rank); !text.empty()) return text;
    }
    return std::nullopt;
  };
  if (auto failed = others([&](std::size_t rank) {
        const bool bad = entries_[rank].state == State::failed;
        return bad ? fmt::format("{} failed: {}", names_[rank], entries_[rank].message) : std::string();
      }))
    return failed;
  // One that has left because of another knows more than we do.
  if (auto told = others([&](std::size_t rank) {
        return entries_[rank].state == State::left ? entries_[rank].message : std::string();
      }))
    return told;
  if (store_lost_ && own_ != 0 && (entries_[0].state == State::alive || broken)) {
    return fmt::format("{} is gone: it does not answer any more ({})", names_[0], *store_lost_);
  }
  if (const auto silent = longest_silent(now, broken ? timing_.suspect : timing_.silence))
    return fmt::format("{} is gone: no sign of life for {}", names_[*silent],
                       seconds(silence_of(*silent, now)));
  if (!broken) return std::nullopt;
  return others([&](std::size_t rank) {
    const bool left = entries_[rank].state == State::left;
    return left ? fmt::format("{} has ended while others go on", names_[rank]) : std::string();
  });
}

bool Membership::all_live_since(MembershipClock::time_point moment) const {
  for (std::size_t rank = 0; rank < entries_.size(); ++rank) {
    const bool unseen = entries_[rank].state == MemberLine::State::alive && changed_before_[rank] <= moment;
    if (rank != own_ && unseen) return false;
  }
  return true;
}

std::string Membership::behind(std::int64_t calls) const {
  std::vector<std::string> found;
  for (std::size_t rank = 0; rank < entries_.size(); ++rank)
    if (rank != own_ && entries_[rank].calls < calls) found.push_back(names_[rank]);
  return fmt::format("{}", fmt::join(found, ", "));
}

bool Membership::others_gone(MembershipClock::time_point now) const {
  for (std::size_t rank = 0; rank < entries_.size(); ++rank) {
    const bool present =
        entries_[rank].state == MemberLine::State::alive && silence_of(rank, now) < timing_.suspect;
    if (rank != own_ && present) return false;
  }
  return true;
}

}  // namespace pillar
