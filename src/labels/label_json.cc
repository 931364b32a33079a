#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/printable.h"

#include "core/shared/json_nan.h"
#include "core/shared/path_format.h"
#include "labels/label_readers.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr auto kMissing = static_cast<std::int8_t>(Answer::missing);

// Where the reader is: the levels of {accession: {"qa_results": {category: [{question: answer}]}}}.
enum class Level { file, study, results, category, pair, elsewhere };

// What nlohmann's parser calls, token by token. Columns are numbered as questions are met.
class LabelReader : public nlohmann::json_sax<json> {
 public:
  LabelReader(const fs::path& file, AnswerReader& reader, LabelTable& table)
      : file_(file), reader_(reader), table_(table) {}

  bool key(string_t& text) override {
    if (levels_.empty()) return true;
    switch (levels_.back()) {
      case Level::file:
        start_study(text);
        break;
      case Level::study:
        in_results_ = text == "qa_results";
        break;
      case Level::results:
        category_ = text;
        break;
      case Level::pair:
        question_ = text;
        break;
      default:
        break;
    }
    return true;
  }

  bool start_object(std::size_t) override {
    levels_.push_back(level_of_object());
    return true;
  }
  bool end_object() override {
    levels_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    if (!levels_.empty() && levels_.back() == Level::results) {
      levels_.push_back(Level::category);
    } else {
      odd();
      levels_.push_back(Level::elsewhere);
    }
    return true;
  }
  bool end_array() override {
    levels_.pop_back();
    return true;
  }

  bool null() override { return answer(Answer::missing); }
  bool boolean(bool value) override { return word(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return word(fmt::format("{}", value)); }
  bool number_unsigned(number_unsigned_t value) override { return word(fmt::format("{}", value)); }
  bool number_float(number_float_t value, const string_t&) override { return word(fmt::format("{}", value)); }
  bool string(string_t& text) override { return word(text); }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    const std::string_view what = error.what();
    const std::size_t text = what.find("syntax error");
    fail(ErrorCategory::input, "{}: no JSON at byte {}: {}", file_, position,
         printable(text == std::string_view::npos ? what : what.substr(text), 300));
  }

 private:
  bool at_answer() const { return !levels_.empty() && levels_.back() == Level::pair; }

  Level level_of_object() {
    if (levels_.empty()) return Level::file;
    switch (levels_.back()) {
      case Level::file:
        return Level::study;
      case Level::study:
        return in_results_ ? Level::results : Level::elsewhere;
      case Level::category:
        return Level::pair;
      case Level::pair:
        refuse_answer("an object");
      default:
        odd();
        return Level::elsewhere;
    }
  }

  // A list or object where none belongs.
  void odd() {
    if (levels_.empty()) fail(ErrorCategory::input, "{}: a list, not an object of accessions", file_);
    if (levels_.back() == Level::file) not_a_study();
    if (levels_.back() == Level::study && in_results_) no_results();
    if (levels_.back() == Level::pair) refuse_answer("a list");
    if (levels_.back() == Level::results || levels_.back() == Level::category) ++table_.left_out;
  }

  [[noreturn]] void not_a_study() const {
    fail(ErrorCategory::input, "{}: {}: not an object with qa_results", file_, printable(accession_));
  }
  [[noreturn]] void no_results() const {
    fail(ErrorCategory::input, "{}: {}: qa_results is no object of categories", file_, printable(accession_));
  }
  [[noreturn]] void refuse_answer(std::string_view what) const {
    fail(ErrorCategory::input, "{}: {}: the answer to '{}' is {}, not one value", file_,
         printable(accession_), printable(question_), what);
  }

  void start_study(const std::string& accession) {
    accession_ = accession;
    in_results_ = false;
    if (!table_.rows.emplace(accession, table_.answers.size()).second)
      fail(ErrorCategory::input, "{}: accession {} is in it twice", file_, printable(accession));
    table_.answers.emplace_back(table_.questions.size(), kMissing);
    answered_.assign(table_.questions.size(), false);
  }

  bool word(std::string_view text) {
    return answer(at_answer() ? reader_.meaning(text, accession_, question_) : Answer::no);
  }

  // A study's first answer to a question counts.
  bool answer(Answer value) {
    if (levels_.empty()) fail(ErrorCategory::input, "{}: not an object of accessions", file_);
    if (levels_.back() == Level::file) not_a_study();
    if (levels_.back() == Level::study && in_results_ && value != Answer::missing) no_results();
    if (levels_.back() == Level::results || levels_.back() == Level::category) ++table_.left_out;
    if (levels_.back() != Level::pair) return true;
    const std::size_t column = column_of_question();
    if (!answered_[column]) {
      answered_[column] = true;
      table_.answers.back()[column] = static_cast<std::int8_t>(value);
    }
    return true;
  }

  std::size_t column_of_question() {
    const auto [place, is_new] = columns_.emplace(question_, table_.questions.size());
    if (is_new) {
      table_.questions.push_back(question_);
      table_.categories.push_back(category_);
      table_.answers.back().push_back(kMissing);
      answered_.push_back(false);
    }
    return place->second;
  }

  const fs::path& file_;
  AnswerReader& reader_;
  LabelTable& table_;
  std::vector<Level> levels_;
  std::string accession_, category_, question_;
  bool in_results_ = false;
  std::unordered_map<std::string, std::size_t> columns_;
  std::vector<bool> answered_;  // by the study that is read
};

}  // namespace

void read_label_json(const fs::path& file, AnswerReader& answers, LabelTable& table) {
  const MappedFile mapped(file);
  const ByteView bytes = mapped.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  LabelReader reader(file, answers, table);
  json::sax_parse(NanAsNull(text, 0), NanAsNull(text, text.size()), &reader);
  if (table.questions.empty()) {
    fail(ErrorCategory::input,
         "{}: no question in it; labels are {{accession: {{\"qa_results\": {{category: "
         "[{{question: \"Yes\" or \"No\"}}]}}}}}}",
         file);
  }
  if (table.left_out > 0)
    table.notes.add(
        fmt::format("{}: {} entries are no {{question: answer}} and are left out", file, table.left_out));
}

}  // namespace pillar
