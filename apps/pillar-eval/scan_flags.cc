#include "scan_flags.h"

#include "pillar/embed/embed_plan.h"

#include "support/reading_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

CLI::Option* add_dtype_flag(CLI::App& command, std::string& dtype) {
  return command
      .add_option("--dtype", dtype,
                  "fp32, bf16, tf32 (GPUs: fp32 with factors rounded to 10 bits), or auto: bf16 where it is "
                  "native")
      ->capture_default_str();
}

void plan_loader(ScanBatch& batch, at::Device device, std::uint64_t model_bytes, std::uint64_t available,
                 std::int64_t processes) {
  if (batch.jobs == 0) batch.jobs = default_loader_jobs(processes);
  batch.device = device;
  EmbedMemory memory;
  memory.model_bytes = model_bytes;
  memory.available_bytes = available;
  memory.batch_size = batch.batch_size;
  memory.batches = batches_at_once(batch);
  memory.jobs = batch.jobs;
  memory.processes = processes;
  batch.loader_bytes = plan_loader_bytes(batch.spec, memory);
}

bool is_nothing_to_do(const ScanBatch& batch) {
  if (!batch.scans.empty() || !batch.missing.empty()) return false;
  if (!batch.quiet) fmt::print("nothing to do: what was found is no scan\n");
  return true;
}

MemoryAdvice scan_memory_advice(const std::string& work, const ScanBatch& batch, std::uint64_t needed_bytes,
                                const std::string& dtype) {
  std::vector<std::string> ways;
  if (batch.batch_size > 1) ways.push_back("a smaller --batch-size");
  if (dtype != "bf16") ways.push_back("--dtype bf16");
  MemoryAdvice advice;
  advice.work = batch.batch_size == 1 ? fmt::format("{} a volume", work)
                                      : fmt::format("{} {} volumes at a time", work, batch.batch_size);
  advice.needed_bytes = needed_bytes;
  advice.lower = ways.empty() ? "close other programs that hold memory, or use a larger device"
                              : fmt::format("{} needs less", fmt::join(ways, " or "));
  return advice;
}

void apply_scan_flags(const ScanFlags& flags, ScanBatch& batch) {
  batch.reading.prepare.reading = flags.reading;
  batch.reading.series.number = flags.series.number;
  batch.reading.series.description = flags.series.description;
  if (flags.all_series) batch.scans = with_all_series(batch.scans, batch.reading);
}

}  // namespace pillar
