#include "rate/results_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "rate/answer_text.h"
#include "rate/json_cursor.h"

#include <unordered_map>
#include <unordered_set>

namespace pillar {
namespace {

class ResultsReader {
 public:
  explicit ResultsReader(const std::filesystem::path& file) : path_(file) {
    results_.file = std::make_unique<MappedFile>(file);
  }

  RateResults read() {
    const ByteView bytes = results_.file->bytes();
    JsonCursor cursor({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_);
    cursor.members([&](std::string_view accession) { read_report(cursor, unescaped_json(accession)); });
    if (!cursor.at_end()) cursor.refuse("nothing more");
    if (results_.reports.empty()) fail(ErrorCategory::input, "{}: no report in it", path_);
    return std::move(results_);
  }

 private:
  void read_report(JsonCursor& cursor, const std::string& accession) {
    if (!accessions_.insert(accession).second)
      fail(ErrorCategory::input, "{}: accession {} is in it twice", path_, printable(accession));
    ReportResult report;
    report.accession = accession;
    results_.answers.emplace_back();
    cursor.members([&](std::string_view key) {
      if (key == "raw_text") {
        report.stored_raw = text_or_none(cursor);
      } else if (key == "no_comparison_text") {
        report.stored_no_comparison = text_or_none(cursor);
      } else if (key == "findings_text") {
        report.stored_findings = text_or_none(cursor);
      } else if (key == "category_findings" && cursor.peek() == '{') {
        read_categories(cursor, report);
      } else if (key == "qa_results" && cursor.peek() == '{') {
        cursor.members([&](std::string_view category) { read_answers(cursor, category); });
      } else if (key == "provider" && cursor.peek() == '"') {
        results_.labeller = unescaped_json(cursor.string());
      } else {
        cursor.value();
      }
    });
    results_.reports.push_back(std::move(report));
  }

  static std::string_view text_or_none(JsonCursor& cursor) {
    if (cursor.peek() == '"') return cursor.string();
    cursor.value();
    return {};
  }

  void read_categories(JsonCursor& cursor, ReportResult& report) {
    cursor.members([&](std::string_view name) {
      const auto [place, is_new] = category_places_.emplace(name, results_.categories.size());
      if (is_new) results_.categories.push_back(unescaped_json(name));
      report.categories.push_back({static_cast<std::uint32_t>(place->second), text_or_none(cursor)});
    });
  }

  void read_answers(JsonCursor& cursor, std::string_view category) {
    if (cursor.peek() != '[') {
      cursor.value();
      return;
    }
    cursor.elements([&] {
      cursor.members([&](std::string_view question) {
        const std::size_t place = place_of(question, category);
        std::vector<std::int8_t>& answers = results_.answers.back();
        if (answers.size() <= place) answers.resize(place + 1, -1);
        answers[place] = answer_of(cursor.value());
      });
    });
  }

  std::size_t place_of(std::string_view question, std::string_view category) {
    const auto [place, is_new] = question_places_.emplace(question, results_.questions.size());
    if (is_new) {
      results_.questions.push_back(unescaped_json(question));
      results_.question_categories.push_back(unescaped_json(category));
    }
    return place->second;
  }

  // Of "Yes", "No", or what the public engine stores as a model gave it.
  static std::int8_t answer_of(std::string_view stored) {
    if (stored == "\"Yes\"") return 1;
    if (stored == "\"No\"") return 0;
    if (!stored.starts_with('"')) return -1;
    const auto answer = read_answer(unescaped_json(stored.substr(1, stored.size() - 2)), false);
    return !answer ? -1 : answer->verdict == SpokenVerdict::yes ? 1 : 0;
  }

  std::filesystem::path path_;
  RateResults results_;
  std::unordered_set<std::string> accessions_;
  std::unordered_map<std::string_view, std::size_t> question_places_, category_places_;
};

}  // namespace

RateResults read_rate_results(const std::filesystem::path& final_results) {
  return ResultsReader(final_results).read();
}

}  // namespace pillar
