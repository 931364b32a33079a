// Internal: audit.csv, which says what each query of an audit is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

inline constexpr const char* kAuditFile = "audit.csv";

struct AuditQuery {
  std::string query_id;
  std::string kind;  // "question", "category" or "findings"
  std::string report_id, category, question;
  std::string predicted;  // "Yes" or "No" of a question
  std::string stratum;
  double weight = 1;
};

struct AuditTable {
  std::vector<AuditQuery> queries;
  std::string labeller;  // what says of itself that it is no language model; else empty
};

void write_audit_table(const std::filesystem::path& folder, const AuditTable& table);
// Throws Error(io | input) naming file and row: a query twice, a weight that is none, a label that is none.
AuditTable read_audit_table(const std::filesystem::path& folder);

}  // namespace pillar
