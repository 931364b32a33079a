// Internal: the journal of an extraction, the one file that is the truth: every answer that was got, in the
// order in which they came. All other files are made from it.
//
// A record is a line of tab-separated fields, the first of which is the CRC-32 of the rest in hex; tabs, line
// ends and backslashes within a field are \t, \n, \r and \\. The first record holds the settings.
#pragma once

#include "pillar/core/file.h"
#include "pillar/core/notes.h"
#include "pillar/rate/stage.h"

#include "core/shared/append_file.h"
#include "core/shared/settings.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pillar {

enum class Outcome : char {
  yes = 'Y',
  no = 'N',
  uncertain = 'U',
  text = 'T',         // of the stages that answer in text
  unclear = '?',      // to be asked once more, strictly
  missing = 'M',      // unclear again
  unsupported = 'X',  // yes or uncertain with a quote that is not in the report; `text` has the answer
};

// An answer as the journal has it.
struct JournalAnswer {
  RateStage stage = RateStage::process_questions;
  std::string_view accession;
  std::string_view item;  // the question's id, the category's name; empty for stages of whole reports
  Outcome outcome = Outcome::missing;
  std::string_view p_yes;  // a number from 0 to 1, or empty
  std::string_view quote;
  std::string_view text;  // of text stages, and what the model said where it is no plain answer
};

// A field as a record holds it: names in what a visitor sees are to be compared with this.
std::string journal_field(std::string_view text);

// What a visitor sees has its fields as they are stored.
struct JournalVisitor {
  std::function<void(std::string_view accession, std::string_view digest)> report;
  // `offset` is where read_journal_answer() finds it.
  std::function<void(const JournalAnswer& answer, std::uint64_t offset)> answer;
};

// One record of a journal that was mapped, its fields as they were given. `storage` holds what was escaped.
JournalAnswer read_journal_answer(std::string_view journal, std::uint64_t offset, std::string& storage);

class Journal {
 public:
  // Goes on with the journal at `path`, or starts it. What a killed process did not finish is cut off, and a
  // note says so. Throws Error(usage) where it was made with other settings, unless `restart`, which begins
  // it anew; Error(input) naming line and byte where a record within it is damaged; Error(io).
  Journal(std::filesystem::path path, const Settings& settings, bool restart, Notes& notes);

  // All records there are. Call before anything is appended.
  void replay(const JournalVisitor& visitor) const;

  void append_report(std::string_view accession, std::string_view digest);
  // Where the record begins. What is appended is in the file when this returns: kill -9 does not lose it.
  std::uint64_t append(const JournalAnswer& answer);
  void sync();  // to the disk: a power failure does not lose it

 private:
  std::uint64_t append_line(const std::string& line);

  std::filesystem::path path_;
  std::optional<AppendFile> file_;
  std::string line_;  // kept, so that a record costs no allocation
};

}  // namespace pillar
