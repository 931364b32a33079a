// Internal: answers of the journal in the order of the files, reports first.
#pragma once

#include "rate/derived_files.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pillar {

class DerivedAnswers {
 public:
  explicit DerivedAnswers(const DerivedSource& source);

  const DerivedSource& source() const noexcept { return source_; }
  // The answer, good until the next call; unset where there is none yet.
  std::optional<JournalAnswer> answer(RateStage stage, std::size_t report, std::size_t item) const;
  // A text stage's answer; unset where it is missing.
  std::optional<std::string> text(RateStage stage, std::size_t report, std::size_t item) const;
  // "Yes", "No" or "Uncertain"; unset where the answer is missing or unsupported.
  std::optional<std::string_view> label(std::size_t report, std::size_t question) const;
  bool any(RateStage stage) const;

 private:
  const DerivedSource& source_;
  MappedFile journal_;
  mutable std::string storage_;
};

// CSV tables: one source of this room writes them, another the JSON files.
void write_derived_tables(const DerivedAnswers& answers);
void write_final_results(const DerivedAnswers& answers);
void write_label_file(const DerivedAnswers& answers);

}  // namespace pillar
