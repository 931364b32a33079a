// Pages about labels: one to review a sample on, one that shows what the reviews say.
#pragma once

#include "pillar/metrics/label_quality.h"

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

// One thing to decide.
struct LabelReviewItem {
  std::string query_id, field;        // what the answer is saved under
  std::string kind;                   // "question", "category", "findings" or "comparisons"
  std::string title;                  // "Is there a lung nodule?"
  std::string report;                 // the whole text
  std::string text;                   // what is to be judged beside it; empty for a question
  std::vector<std::string> evidence;  // passages of the report to mark
  std::string label;                  // the model's, shown when it is asked for
};

// Writes one HTML file that needs no network: an item at a time, answered by the keys y, n and u, with undo,
// progress, a name for the reviewer, and the answers saved to and loaded from review-<name>.csv
// (query_id,field,answer). Throws Error(io).
void write_label_review(const std::string& title, const std::vector<LabelReviewItem>& items,
                        const std::filesystem::path& out_html);

// Rates of all, of categories and of questions, weighted and unweighted, and how far reviewers agree. Throws
// Error(io).
void write_label_score_page(const std::string& title, const LabelScore& score,
                            const std::filesystem::path& out_html);

}  // namespace pillar
