// pillar-rate agree: two sets of labels held against each other.
#include "pillar/rate/agree.h"

#include "commands.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

struct AgreeArguments {
  std::filesystem::path first, second, out;
  std::size_t questions = 10, accessions = 5;
};

std::string kappa_text(double kappa) {
  return std::isnan(kappa) ? "undefined" : fmt::format("{:.3f}", kappa);
}

void print_agreement(const AgreeArguments& a, const LabelAgreement& agreement) {
  const QuestionAgreement& all = agreement.overall;
  fmt::print("studies       {} in both, {} and {} in one only\n", agreement.studies, agreement.first_studies,
             agreement.second_studies);
  fmt::print("questions     {} in both, {} in one only\n", agreement.questions.size(),
             agreement.questions_left_out);
  fmt::print("answers       {}, {} missing in one\n",
             all.both_yes + all.first_only + all.second_only + all.both_no, agreement.missing);
  fmt::print("agreement     {:.4f}, kappa {}\n", all.agreement, kappa_text(all.kappa));
  fmt::print("Yes           {} in both, {} and {} in one only\n", all.both_yes, all.first_only,
             all.second_only);
  for (std::size_t i = 0; i < std::min(a.questions, agreement.questions.size()); ++i) {
    const QuestionAgreement& q = agreement.questions[i];
    if (q.differing.empty()) break;
    const std::size_t shown = std::min(a.accessions, q.differing.size());
    fmt::print("  {}: {} differ, kappa {}: {}{}\n", q.question, q.differing.size(), kappa_text(q.kappa),
               fmt::join(q.differing.begin(), q.differing.begin() + static_cast<std::ptrdiff_t>(shown), " "),
               shown < q.differing.size() ? " ..." : "");
  }
}

}  // namespace

void add_agree(AppContext& context) {
  CLI::App* command = context.app.add_subcommand("agree", "two sets of labels held against each other");
  command->footer(
      "Example:\n"
      "  pillar-rate agree labels/labels.json other/labels.json --out agreement.csv\n"
      "Agreement and Cohen's kappa over all answers, and the questions that differ most, with accessions.");
  auto a = std::make_shared<AgreeArguments>();
  command->add_option("LABELS_A", a->first, "labels.json")->required();
  command->add_option("LABELS_B", a->second, "labels.json")->required();
  command->add_option("--out,-o", a->out, "CSV of all questions, with every accession that differs")
      ->type_name("FILE");
  command->add_option("--questions", a->questions, "how many to show")->capture_default_str();
  command->add_option("--accessions", a->accessions, "of each question, how many to show")
      ->capture_default_str();
  command->callback([a] {
    const LabelAgreement agreement = compare_labels(a->first, a->second);
    if (!a->out.empty()) write_label_agreement(a->out, agreement);
    print_agreement(*a, agreement);
  });
}

}  // namespace pillar
