#include "rate/journal.h"

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "support/tiny_disk.h"

#include <fstream>
#include <vector>

namespace pillar {
namespace {

using test::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Settings kSettings = {{"model", "m"}, {"prompts", "p"}};

struct Seen {
  std::vector<std::string> accessions;
  std::vector<std::uint64_t> offsets;
  std::vector<std::string> reports;
};

Seen replayed(const Journal& journal) {
  Seen seen;
  journal.replay({[&](std::string_view accession, std::string_view) { seen.reports.emplace_back(accession); },
                  [&](const JournalAnswer& answer, std::uint64_t offset) {
                    seen.accessions.emplace_back(answer.accession);
                    seen.offsets.push_back(offset);
                  }});
  return seen;
}

JournalAnswer answer_for(std::string_view accession) {
  JournalAnswer answer;
  answer.accession = accession;
  answer.item = "1a2b3c4d";
  answer.outcome = Outcome::yes;
  return answer;
}

class JournalFile : public ::testing::Test {
 protected:
  // A journal of two reports with an answer each.
  void write_two() const {
    Notes notes;
    Journal journal(file(), kSettings, false, notes);
    journal.append_report("A", "digest");
    journal.append(answer_for("A"));
    journal.append(answer_for("B"));
  }
  std::filesystem::path file() const { return dir_ / "journal.rate"; }
  TempDir dir_;
};

TEST_F(JournalFile, KeepsFieldsWhateverIsInThem) {
  Notes notes;
  std::uint64_t offset = 0;
  {
    Journal journal(file(), kSettings, false, notes);
    JournalAnswer answer = answer_for("A\\1");
    answer.stage = RateStage::map_categories;
    answer.item = "Lungs\tand\\more";
    answer.outcome = Outcome::text;
    answer.p_yes = "0.25";
    answer.quote = "a\tquote\n";
    answer.text = "one\r\ntwo\\n";
    journal.append(answer_for("B"));
    offset = journal.append(answer);
  }
  const std::string text = read_text_file(file());
  std::string storage;
  const JournalAnswer read = read_journal_answer(text, offset, storage);
  EXPECT_EQ(read.stage, RateStage::map_categories);
  EXPECT_EQ(read.accession, journal_field("A\\1"));
  EXPECT_EQ(read.item, journal_field("Lungs\tand\\more"));
  EXPECT_EQ(read.outcome, Outcome::text);
  EXPECT_EQ(read.p_yes, "0.25");
  EXPECT_EQ(read.quote, "a\tquote\n");
  EXPECT_EQ(read.text, "one\r\ntwo\\n");
}

TEST_F(JournalFile, IsReplayedInOrder) {
  write_two();
  Notes notes;
  const Seen seen = replayed(Journal(file(), kSettings, false, notes));
  EXPECT_THAT(seen.accessions, ElementsAre("A", "B"));
  EXPECT_THAT(seen.reports, ElementsAre("A"));
  EXPECT_TRUE(notes.empty());
}

TEST_F(JournalFile, WhatAKilledProcessLeftIsCutAndSaid) {
  write_two();
  const std::string whole = read_text_file(file());
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t size = last + 1; size < whole.size(); ++size) {
    write_file_atomic(file(), std::string_view(whole).substr(0, size));
    Notes notes;
    {
      Journal journal(file(), kSettings, false, notes);
      EXPECT_THAT(replayed(journal).accessions, ElementsAre("A")) << size;
      ASSERT_EQ(notes.size(), 1u);
      EXPECT_THAT(notes[0], AllOf(HasSubstr("journal.rate"), HasSubstr("cut off")));
      journal.append(answer_for("B"));
    }
    EXPECT_EQ(read_text_file(file()), whole);
  }
}

TEST_F(JournalFile, ADamagedRecordWithinItIsRefused) {
  write_two();
  std::string text = read_text_file(file());
  text[text.find("1a2b3c4d")] = '9';
  write_file_atomic(file(), text);
  Notes notes;
  EXPECT_PILLAR_ERROR(Journal(file(), kSettings, false, notes), ErrorCategory::input,
                      AllOf(HasSubstr("journal.rate"), HasSubstr("checksum")));
}

TEST_F(JournalFile, OfOtherSettingsItIsRefusedUnlessBegunAnew) {
  write_two();
  Notes notes;
  const Settings other = {{"model", "m2"}, {"prompts", "p"}};
  EXPECT_PILLAR_ERROR(Journal(file(), other, false, notes), ErrorCategory::usage,
                      AllOf(HasSubstr("model: 'm' then, 'm2' now"), HasSubstr("--restart")));
  EXPECT_TRUE(replayed(Journal(file(), other, true, notes)).accessions.empty());
}

TEST_F(JournalFile, AnotherFileOfTheNameIsRefused) {
  for (const char* text : {"", "x\n", "00000000\tH\n"}) {
    write_file_atomic(file(), std::string_view(text));
    Notes notes;
    EXPECT_PILLAR_ERROR(Journal(file(), kSettings, false, notes), ErrorCategory::input,
                        HasSubstr("no journal"));
  }
}

TEST_F(JournalFile, AFullDiskLeavesItWhole) {
  const int outcome = test::on_tiny_disk(dir_.path(), 16, [&] {
    Notes notes;
    std::size_t kept = 0;
    {
      Journal journal(file(), kSettings, false, notes);
      try {
        for (; kept < 10'000; ++kept) journal.append(answer_for("A"));
        return 1;
      } catch (const Error& error) {
        if (error.category() != ErrorCategory::io) return 2;
      }
    }
    const Seen seen = replayed(Journal(file(), kSettings, false, notes));
    return notes.empty() && seen.accessions.size() == kept ? 0 : 3;
  });
  if (outcome == -1) GTEST_SKIP() << "no mount namespace";
  EXPECT_EQ(outcome, 0);
}

}  // namespace
}  // namespace pillar
