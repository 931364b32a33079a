// Pages of evidence maps.
#pragma once

#include "pillar/eval/evidence_job.h"

#include <filesystem>

namespace pillar {

// <out>/view/<accession>.html: the scan, and over it each question's evidence with its strongest places. A
// scan is thinned until its page is below 5 MB.
void write_evidence_view(const std::filesystem::path& out, const StudyMaps& study);

// <out>/report.html: a row for each map of the folder.
void write_evidence_index(const std::filesystem::path& out, const EvidenceJob& job,
                          const EvidenceSummary& summary);

}  // namespace pillar
