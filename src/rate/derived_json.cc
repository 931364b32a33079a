// final_results.json and labels.json, a report at a time.
#include "core/shared/streamed_file.h"
#include "rate/derived_answers.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::ordered_json;

// {category: [{question: answer}]}; an Uncertain only where it is wanted.
ordered_json answers_by_category(const DerivedAnswers& answers, std::size_t report, bool with_uncertain) {
  const RateQuestions& questions = answers.source().questions;
  ordered_json by_category = ordered_json::object();
  for (const RateCategory& category : questions.categories) {
    ordered_json list = ordered_json::array();
    for (const std::size_t question : category.questions) {
      const auto label = answers.label(report, question);
      if (label && (with_uncertain || *label != "Uncertain"))
        list.push_back(ordered_json::object({{questions.questions[question].text, *label}}));
    }
    if (!list.empty()) by_category[category.name] = std::move(list);
  }
  return by_category;
}

ordered_json final_result(const DerivedAnswers& answers, std::size_t report) {
  const DerivedSource& source = answers.source();
  ordered_json result = ordered_json::object();
  if (!source.labeller.empty()) result["provider"] = source.labeller;
  result["raw_text"] = source.reports.reports[report].text;
  result["no_comparison_text"] = answers.text(RateStage::remove_comparisons, report, 0).value_or("");
  result["findings_text"] = answers.text(RateStage::extract_findings, report, 0).value_or("");
  ordered_json by_category = ordered_json::object();
  for (std::size_t category = 0; category < source.questions.categories.size(); ++category) {
    if (const auto text = answers.text(RateStage::map_categories, report, category))
      by_category[source.questions.categories[category].name] = *text;
  }
  result["category_findings"] = std::move(by_category);
  result["qa_results"] = answers_by_category(answers, report, true);
  result["processing_time"] = 0.0;  // a time would differ from run to run
  return result;
}

template <typename MakeResult>
void write_by_accession(const DerivedAnswers& answers, const char* name, const MakeResult& make) {
  const DerivedSource& source = answers.source();
  StreamedFile file(source.options.out / name);
  file << "{";
  for (std::size_t report = 0; report < source.answers.reports(); ++report) {
    file << (report == 0 ? "\n" : ",\n") << ordered_json(source.reports.reports[report].accession).dump()
         << ": " << make(report).dump();
  }
  file << "\n}\n";
  file.commit();
}

}  // namespace

void write_final_results(const DerivedAnswers& answers) {
  write_by_accession(answers, "final_results.json",
                     [&](std::size_t report) { return final_result(answers, report); });
}

void write_label_file(const DerivedAnswers& answers) {
  const DerivedSource& source = answers.source();
  if (!answers.any(RateStage::process_questions)) {
    std::error_code ignored;
    std::filesystem::remove(source.options.out / "labels.json", ignored);
    return;
  }
  write_by_accession(answers, "labels.json", [&](std::size_t report) {
    ordered_json study = ordered_json::object();
    if (!source.labeller.empty()) study["provider"] = source.labeller;
    study["qa_results"] = answers_by_category(answers, report, false);
    return study;
  });
}

}  // namespace pillar
