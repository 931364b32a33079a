// The page of a folder of evidence maps: its studies and questions, and the strongest place of each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pillar {

struct EvidenceReportRow {
  std::string accession, question;
  double probability = 0;
  double evidence = 0;  // of all tokens
  std::string place;    // "-57, 42, -130 mm"; empty where no evidence is for a yes
  double value = 0;     // of the scan there
  double share = 0;     // of all evidence for a yes
};

struct EvidenceReport {
  std::string title, about, note;  // any text
  std::string unit;                // of values: "HU", or empty
  std::vector<EvidenceReportRow> rows;
};

// Accessions link view/ACCESSION.html beside the page, where it is there. Atomic. Throws Error(io).
void write_evidence_report(const EvidenceReport& report, const std::filesystem::path& out_html);

}  // namespace pillar
