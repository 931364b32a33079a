#include "rate/sentences.h"

#include <algorithm>
#include <cctype>

namespace pillar {
namespace {

constexpr std::size_t kLongestHeading = 40;

bool is_space_character(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

std::string_view without_outer_space(std::string_view text) {
  while (!text.empty() && is_space_character(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space_character(text.back())) text.remove_suffix(1);
  return text;
}

// "clinical history" of the line "Clinical history: cough."; empty where the line begins with no heading.
std::string heading_of(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon > kLongestHeading) return {};
  const std::string_view before = without_outer_space(line.substr(0, colon));
  const bool is_words = !before.empty() && std::all_of(before.begin(), before.end(), [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == ' ' || c == '/' || c == '&';
  });
  if (!is_words) return {};
  std::string heading;
  for (const std::string& word : words_of(before)) heading += (heading.empty() ? "" : " ") + word;
  return heading;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text, std::string_view more) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80 || more.find(c) != std::string_view::npos) {
      word += static_cast<char>(std::tolower(byte));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

std::vector<Sentence> sentences_of_report(std::string_view report,
                                          const std::vector<std::string>& skipped_sections) {
  std::vector<Sentence> sentences;
  bool is_read = true;
  while (!report.empty()) {
    std::string_view line = report.substr(0, report.find('\n'));
    report.remove_prefix(std::min(line.size() + 1, report.size()));
    if (const std::string heading = heading_of(line); !heading.empty()) {
      is_read =
          std::find(skipped_sections.begin(), skipped_sections.end(), heading) == skipped_sections.end();
    }
    bool begins_line = true;
    while (!line.empty()) {
      std::size_t end = 0;
      while (end < line.size()) {
        const char c = line[end++];
        const bool stop = c == '.' || c == '?' || c == '!' || c == ';';
        if (stop && (end == line.size() || is_space_character(line[end]))) break;
      }
      const std::string_view text = without_outer_space(line.substr(0, end));
      if (!text.empty()) sentences.push_back({text, is_read, begins_line});
      begins_line = false;
      line.remove_prefix(end);
    }
  }
  return sentences;
}

}  // namespace pillar
