#include "label_options.h"

#include <fmt/format.h>

namespace pillar {

AnswerRules LabelFlags::rules() const {
  AnswerRules rules;
  if (missing == "drop") rules.missing = MissingAnswers::drop;
  if (uncertain == "drop") rules.uncertain = UncertainAnswers::drop;
  if (uncertain == "yes") rules.uncertain = UncertainAnswers::yes;
  return rules;
}

CLI::Option* add_label_flags(CLI::App& command, std::filesystem::path& labels,
                             std::filesystem::path& label_map, LabelFlags& flags) {
  CLI::Option* option = command.add_option(
      "--labels", labels,
      "JSON: {accession: {\"qa_results\": {category: [{question: Yes|No}]}}}; or *.csv: accession, and a "
      "column a question");
  command
      .add_option(
          "--label-map", label_map,
          "YAML: what other answers mean, {yes: [WORD], no: [], uncertain: [], missing: []}; of a CSV "
          "also accession: COLUMN and leave_out: [COLUMN]")
      ->needs(option);
  command.add_option("--missing", flags.missing, "an answer that is not there: counts as no, or is left out")
      ->check(CLI::IsMember({"no", "drop"}))
      ->capture_default_str();
  command
      .add_option("--uncertain", flags.uncertain,
                  "an uncertain answer (-1, Uncertain): counts as no or yes, or is left out")
      ->check(CLI::IsMember({"no", "yes", "drop"}))
      ->capture_default_str();
  return option;
}

void print_unknown(const Evaluation& evaluation) {
  if (!evaluation.unknown || evaluation.unknown->missing + evaluation.unknown->uncertain == 0) return;
  const UnknownAnswers& unknown = *evaluation.unknown;
  fmt::print("answers not given     {} missing, {} uncertain", unknown.missing, unknown.uncertain);
  if (unknown.counted > 0)
    fmt::print("; {} counted: macro AUROC {:+.3f} against {:.3f} on those given", unknown.counted,
               evaluation.auroc.mean.value - unknown.auroc_of_given.mean.value,
               unknown.auroc_of_given.mean.value);
  fmt::print("\n");
}

}  // namespace pillar
