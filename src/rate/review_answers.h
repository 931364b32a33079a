// Internal: what reviewers answered, from the files of one audit folder.
#pragma once

#include "pillar/core/notes.h"

#include "rate/audit_file.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pillar {

enum class ReviewAnswer { yes, no, unsure };

// By query and field: "human_label", "correct", "no_comparison_correct", "findings_correct".
using ReviewerAnswers = std::map<std::pair<std::string, std::string>, ReviewAnswer>;

struct ReviewedAudit {
  AuditTable table;
  std::map<std::string, ReviewerAnswers> by_reviewer;
};

// Answers in the QC files are those of the reviewer `folder_name`; review-NAME.csv those of NAME. Throws
// Error(io | input) naming file and row.
ReviewedAudit read_reviewed_audit(const std::filesystem::path& folder, const std::string& folder_name,
                                  Notes& notes);

}  // namespace pillar
