// A path that is kept, not worked with.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace pillar {

// The text of a path. std::filesystem::path also keeps each of its parts, some 50 bytes and more: of hundreds
// of thousands of scans that is most of the memory.
class PathText {
 public:
  PathText() = default;
  PathText(const std::filesystem::path& path) : text_(path.string()) {}
  PathText(std::string text) : text_(std::move(text)) {}
  PathText(const char* text) : text_(text) {}
  operator std::filesystem::path() const { return text_; }
  explicit operator std::string_view() const noexcept { return text_; }  // as fail() shows it
  const std::string& string() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  bool operator==(const PathText&) const = default;
  bool operator==(const char* other) const { return text_ == other; }
  bool operator==(const std::filesystem::path& other) const { return text_ == other.native(); }

 private:
  std::string text_;
};

}  // namespace pillar
