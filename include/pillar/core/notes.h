// What a reader found odd, or decided on its own: nothing is repaired or guessed silently.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

// Lines of text, in the order in which they were added. A function that may have something to say takes
// `Notes&` and adds to it; a result that carries what was said of it has a member of this type. Showing them
// is the caller's business.
class Notes {
 public:
  using value_type = std::string;
  using const_iterator = std::vector<std::string>::const_iterator;
  using const_reference = const std::string&;

  Notes() = default;
  explicit Notes(std::vector<std::string> lines) : lines_(std::move(lines)) {}

  void add(std::string line);
  void add(const Notes& others);
  void clear() noexcept { lines_.clear(); }

  const std::vector<std::string>& lines() const noexcept { return lines_; }
  bool empty() const noexcept { return lines_.empty(); }
  std::size_t size() const noexcept { return lines_.size(); }
  const std::string& operator[](std::size_t index) const { return lines_[index]; }
  const_iterator begin() const noexcept { return lines_.begin(); }
  const_iterator end() const noexcept { return lines_.end(); }
  bool operator==(const Notes&) const = default;

 private:
  std::vector<std::string> lines_;
};

// Each line as a warning of the process's log.
void log_notes(const Notes& notes);

}  // namespace pillar
