// Flags of what is true of each study, for all subcommands that hold scores against it.
#pragma once

#include "pillar/labels/labels.h"
#include "pillar/metrics/evaluation.h"

#include "support/app.h"

#include <filesystem>
#include <string>

namespace pillar {

struct LabelFlags {
  std::string missing = "no", uncertain = "no";
  AnswerRules rules() const;
};

// --labels, --label-map, --missing and --uncertain. Returns the first, so that a command may require it.
CLI::Option* add_label_flags(CLI::App& command, std::filesystem::path& labels,
                             std::filesystem::path& label_map, LabelFlags& flags);

// Of standard output: how many answers were not given, and what it does to count them. Nothing where all
// were.
void print_unknown(const Evaluation& evaluation);

}  // namespace pillar
