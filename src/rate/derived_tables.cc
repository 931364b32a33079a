// The CSV tables of an extraction.
#include "pillar/core/csv.h"

#include "core/shared/streamed_file.h"
#include "rate/derived_answers.h"

#include <initializer_list>
#include <system_error>

namespace pillar {
namespace {

namespace fs = std::filesystem;

// A table with a last column that says where no language model was asked.
class DerivedTable {
 public:
  DerivedTable(const DerivedSource& source, const char* name, std::string_view header)
      : file_(source.options.out / name), labeller_(source.labeller) {
    file_ << header << (labeller_.empty() ? "\n" : ",provider\n");
  }
  void row(std::initializer_list<std::string_view> fields) {
    bool first = true;
    for (const std::string_view field : fields) {
      if (!first) file_ << ",";
      file_ << csv_field(field);
      first = false;
    }
    if (!labeller_.empty()) file_ << "," << csv_field(labeller_);
    file_ << "\n";
  }
  void commit() { file_.commit(); }

 private:
  StreamedFile file_;
  std::string labeller_;
};

void remove_table(const DerivedSource& source, const char* name) {
  std::error_code ignored;
  fs::remove(source.options.out / name, ignored);
}

void write_report_texts(const DerivedAnswers& answers, RateStage stage, const char* name,
                        std::string_view header) {
  const DerivedSource& source = answers.source();
  if (!answers.any(stage)) return remove_table(source, name);
  DerivedTable table(source, name, header);
  for (std::size_t report = 0; report < source.answers.reports(); ++report) {
    if (const auto text = answers.text(stage, report, 0))
      table.row({source.reports.reports[report].accession, *text});
  }
  table.commit();
}

void write_category_texts(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  constexpr const char* kName = "category_findings.csv";
  if (!answers.any(RateStage::map_categories)) return remove_table(source, kName);
  DerivedTable table(source, kName, "report_id,category,findings");
  for (std::size_t report = 0; report < source.answers.reports(); ++report) {
    for (std::size_t category = 0; category < source.questions.categories.size(); ++category) {
      if (const auto text = answers.text(RateStage::map_categories, report, category)) {
        table.row(
            {source.reports.reports[report].accession, source.questions.categories[category].name, *text});
      }
    }
  }
  table.commit();
}

// Calls `visit(report, question)` for each answer that there is, in the order of the list.
template <typename Visit>
void for_each_question(const DerivedSource& source, const Visit& visit) {
  for (std::size_t report = 0; report < source.answers.reports(); ++report) {
    for (std::size_t question = 0; question < source.questions.questions.size(); ++question) {
      if (source.answers.has(RateStage::process_questions, report, question)) visit(report, question);
    }
  }
}

void write_question_tables(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  DerivedTable table(source, "questions.csv", "report_id,category,question_id,question,answer");
  DerivedTable missing(source, "missing.csv", "report_id,category,question_id,question,reason,text");
  for_each_question(source, [&](std::size_t report, std::size_t index) {
    const RateQuestion& question = source.questions.questions[index];
    const std::string& accession = source.reports.reports[report].accession;
    const std::string& category = source.questions.categories[question.category].name;
    if (const auto label = answers.label(report, index)) {
      table.row({accession, category, question.id, question.text, *label});
      return;
    }
    const JournalAnswer answer = *answers.answer(RateStage::process_questions, report, index);
    missing.row({accession, category, question.id, question.text,
                 answer.outcome == Outcome::unsupported ? "unsupported" : "unclear", answer.text});
  });
  table.commit();
  missing.commit();
}

void write_evidence(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  DerivedTable table(source, "evidence.csv", "report_id,question_id,question,answer,quote,supported");
  for_each_question(source, [&](std::size_t report, std::size_t index) {
    const RateQuestion& question = source.questions.questions[index];
    const JournalAnswer answer = *answers.answer(RateStage::process_questions, report, index);
    const bool unsupported = answer.outcome == Outcome::unsupported;
    const auto label = answers.label(report, index);
    if (!label && !unsupported) return;
    table.row({source.reports.reports[report].accession, question.id, question.text,
               unsupported ? answer.text : *label, answer.quote, unsupported ? "no" : "yes"});
  });
  table.commit();
}

void write_probabilities(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  DerivedTable table(source, "probabilities.csv", "report_id,question_id,question,p_yes");
  for_each_question(source, [&](std::size_t report, std::size_t index) {
    const RateQuestion& question = source.questions.questions[index];
    const JournalAnswer answer = *answers.answer(RateStage::process_questions, report, index);
    if (answer.p_yes.empty()) return;
    table.row({source.reports.reports[report].accession, question.id, question.text, answer.p_yes});
  });
  table.commit();
}

}  // namespace

void write_derived_tables(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  write_report_texts(answers, RateStage::remove_comparisons, "no_comparisons.csv",
                     "report_id,no_comparison_text");
  write_report_texts(answers, RateStage::extract_findings, "findings.csv", "report_id,findings");
  write_category_texts(answers);
  const bool asked = answers.any(RateStage::process_questions);
  if (asked)
    write_question_tables(answers);
  else
    for (const char* name : {"questions.csv", "missing.csv"}) remove_table(source, name);
  if (asked && source.options.answers == AnswerKind::tri_state)
    write_evidence(answers);
  else
    remove_table(source, "evidence.csv");
  if (asked && source.options.logprobs)
    write_probabilities(answers);
  else
    remove_table(source, "probabilities.csv");
}

}  // namespace pillar
