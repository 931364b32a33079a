// Internal: a report as sentences and words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pillar {

struct Sentence {
  std::string_view text;  // without white space around it
  bool is_read = true;    // false in a section that is skipped
  bool begins_line = false;
};

// A sentence ends at a line end, or at a full stop, question mark, exclamation mark or semicolon that white
// space follows ("1.4 cm" is no end). A line that begins with a heading ("INDICATION:") begins a section.
std::vector<Sentence> sentences_of_report(std::string_view report,
                                          const std::vector<std::string>& skipped_sections);

// Runs of letters and digits in lower case; characters of `more` count as letters.
std::vector<std::string> words_of(std::string_view text, std::string_view more = {});

}  // namespace pillar
