#include "scan_flags.h"

#include "support/reading_flags.h"

#include <fmt/format.h>

namespace pillar {

void add_scan_flags(CLI::App& command, ScanFlags& flags, const std::string& group) {
  auto* number =
      command.add_option("--series-number", flags.series.number,
                         "of a DICOM study: the series of this number, not the one that fits best");
  number->group(group);
  command
      .add_option("--series-description", flags.series.description,
                  "of a DICOM study: a series with this in its description, in any case")
      ->group(group);
  command
      .add_flag("--all-series", flags.all_series,
                "of a DICOM study: each series of the model's modality, as ACCESSION.NUMBER")
      ->group(group);
  add_reading_flags(command, flags.reading, group);
}

bool is_nothing_to_do(const ScanBatch& batch) {
  if (!batch.scans.empty() || !batch.missing.empty()) return false;
  if (!batch.quiet) fmt::print("nothing to do: what was found is no scan\n");
  return true;
}

void apply_scan_flags(const ScanFlags& flags, ScanBatch& batch) {
  batch.reading.prepare.reading = flags.reading;
  batch.reading.series.number = flags.series.number;
  batch.reading.series.description = flags.series.description;
  if (flags.all_series) batch.scans = with_all_series(batch.scans, batch.reading);
}

}  // namespace pillar
