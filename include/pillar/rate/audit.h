// A sample of labels for reviewers, and what their answers say of all labels.
#pragma once

#include "pillar/core/notes.h"
#include "pillar/metrics/label_quality.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

enum class AuditStrata {
  predicted,  // half of the questions' budget from labels that say Yes, half from No, questions evenly
  none,       // every label is as likely as any other
};

struct AuditOptions {
  std::filesystem::path results;  // the folder of extract, or of the public engine
  std::filesystem::path out;
  std::int64_t questions_budget = 50;
  std::int64_t category_budget = 10;  // of each category, 70 % of them with findings
  std::int64_t findings_budget = 40;
  AuditStrata strata = AuditStrata::predicted;
  std::uint64_t seed = 42;
};

struct AuditSummary {
  std::int64_t questions = 0, categories = 0, findings = 0;  // drawn
};

// Writes combined_findings_qc.csv, categories_qc.csv and questions_qc.csv as the public engine has them;
// audit.csv: what each query is, and how many labels it stands for; review.html: one page to answer them on,
// without a server. Throws Error(io | input), and Error(usage) for a folder that has an audit already: it may
// hold a reviewer's answers.
AuditSummary write_rate_audit(const AuditOptions& options);

struct ScoreOptions {
  std::vector<std::filesystem::path> audits;  // folders of audits, with answers in them
  std::filesystem::path out;
  BootstrapOptions bootstrap;
};

// Reads the answers: the columns that the QC files left empty, and review*.csv as the page saves it. The
// truth of a query is what most reviewers said; where as many said Yes as No it is disputed and left out.
// Folders with the same audit.csv are reviewers of one sample. Without an audit.csv (the public engine's) all
// weigh the same, and a note says so. Writes score.json, score.csv and score.html into `out`. Throws Error(io
// | input) naming file and row: an answer that is none, a query twice; Error(input) where nothing was
// answered.
LabelScore score_rate_audits(const ScoreOptions& options, Notes& notes);

}  // namespace pillar
