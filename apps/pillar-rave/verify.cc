#include "pillar/rave/verify.h"

#include "pillar/core/progress.h"
#include "pillar/core/thread_pool.h"

#include "commands.h"

#include <fmt/format.h>

namespace pillar {
namespace {

struct VerifyArguments {
  std::vector<std::filesystem::path> paths;
  int jobs = 0;
};

void print_table(const std::vector<VerifyResult>& results) {
  std::size_t width = 6;
  for (const VerifyResult& r : results) width = std::max(width, r.path.string().size());
  fmt::print("{:<{}}  {:<20}  {:>13}  {:>9}  {}\n", "sample", width, "stored as", "D x H x W", "MB",
             "result");
  for (const VerifyResult& r : results) {
    fmt::print("{:<{}}  {:<20}  {:>13}  {:>9.3f}  {}\n", r.path.string(), width, r.kind,
               fmt::format("{}", fmt::join(r.size_dhw, "x")), static_cast<double>(r.bytes_on_disk) / 1e6,
               r.fault.empty() ? "ok" : r.fault);
  }
}

ExitCode verify(const VerifyArguments& a, bool quiet) {
  const std::vector<std::filesystem::path> samples = find_samples(a.paths);
  const int processors = usable_processors();
  const int jobs = a.jobs > 0 ? a.jobs : processors;
  std::vector<VerifyResult> results(samples.size());
  {
    ProgressOptions bar;
    bar.label = "verify";
    bar.unit = "samples";
    bar.total = static_cast<std::int64_t>(samples.size());
    bar.quiet = quiet;
    Progress progress(bar);
    parallel_for(bar.total, jobs, [&](std::int64_t i) {
      results[i] = verify_sample(samples[i], std::max(1, processors / jobs));
      progress.advance();
    });
  }
  const auto bad =
      std::count_if(results.begin(), results.end(), [](const VerifyResult& r) { return !r.fault.empty(); });
  print_table(results);
  fmt::print("{} of {} samples are whole\n", results.size() - bad, results.size());
  return bad > 0 ? ExitCode::failed : ExitCode::ok;
}

}  // namespace

void add_verify(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("verify", "decode everything, check counts, sizes and metadata");
  auto a = std::make_shared<VerifyArguments>();
  command->add_option("PATH", a->paths, "samples, or folders of samples")->required();
  command->add_option("--jobs,-j", a->jobs, "samples at once; 0: one a processor")
      ->check(CLI::NonNegativeNumber);
  command->callback([a, &context] { context.result = verify(*a, context.log.quiet); });
}

}  // namespace pillar
