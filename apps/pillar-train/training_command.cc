#include "training_command.h"

#include "pillar/core/fail.h"
#include "pillar/device/device.h"
#include "pillar/viz/training_report.h"
#include "pillar/world/launch.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace pillar {

void add_training_options(CLI::App& app, TrainingArguments& a, const char* skip_missing) {
  app.add_option("--config,-c", a.config, "the run's YAML file")->required()->type_name("FILE");
  app.add_option("KEY=VALUE", a.assignments, "keys to set on top of the file: train.epochs=10");
  app.add_option(
         "--resume", a.resume,
         "auto: the newest good checkpoint of output, if any; none: start, in an output without one; or a "
         "checkpoint's folder")
      ->capture_default_str();
  app.add_flag(
      "--allow-changes", a.allow_changes,
      "go on although configuration, data or architecture have changed since the checkpoint; says what "
      "has, and keeps the configuration before");
  app.add_option("--max-steps", a.max_steps, "stop after so many steps in all, with a checkpoint; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--device", a.device, "cpu, cuda, cuda:N, or auto; several processes take a GPU each")
      ->capture_default_str();
  app.add_option("--nproc", a.nproc, "processes to start on this machine, training together")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->type_name("N");
  app.add_flag("--skip-missing", a.skip_missing, skip_missing);
  app.add_flag(
      "--dry-run", a.dry_run,
      "print what would be done, the memory that a step takes, the largest micro-batch that has room, "
      "and the time of one step; write nothing");
}

TrainingOptions training_options(const TrainingArguments& a, const AppContext& context) {
  TrainingOptions options;
  options.resume = a.resume;
  options.allow_changes = a.allow_changes;
  options.max_steps = a.max_steps;
  options.skip_missing = a.skip_missing;
  options.version = context.app.version();
  // The program's log goes to the run's log.txt, too, unless a flag names another file.
  options.open_log = [log = context.log](const std::filesystem::path& file) {
    LogOptions opened = log;
    if (opened.file.empty()) opened.file = file;
    init_logging(opened);
  };
  options.after_epoch = [](const std::filesystem::path& run) { write_training_report(run); };
  return options;
}

ExitCode run_training(const TrainingArguments& a, const std::vector<std::string>& words,
                      const TrainingBody& body) {
  const auto place =
      rendezvous_from_environment([](const char* name) -> const char* { return std::getenv(name); });
  if (place && a.nproc > 1 && !launched_locally())
    fail(ErrorCategory::usage,
         "--nproc starts processes itself; a launcher (torchrun, srun, mpirun) has done so");
  if (a.dry_run) {
    const at::Device device = training_device(a.device, 0);
    with_memory_advice(body.memory, [&] { std::fputs(body.plan(device).c_str(), stdout); });
    return ExitCode::ok;
  }
  if (a.nproc > 1 && !launched_locally()) {
    check_device(a.device, a.nproc - 1);  // the last one is the first to find none
    return static_cast<ExitCode>(launch_local(a.nproc, words));
  }
  const at::Device device = training_device(a.device, place ? place->local_rank : 0);
  const std::chrono::seconds wait(static_cast<std::int64_t>(std::ceil(60 * body.max_wait_minutes)));
  const World world = place ? World::join(
                                  *place, device, [] { std::_Exit(1); }, wait)
                            : World();
  ExitCode code = ExitCode::ok;
  with_memory_advice(body.memory, [&] { code = body.train(device, world); });
  return code;
}

ExitCode report_training(const World& world, const std::filesystem::path& output, std::int64_t steps,
                         bool stopped, std::int64_t failed_studies) {
  const ExitCode code = failed_studies > 0 && !stopped ? ExitCode::some_inputs_failed : ExitCode::ok;
  if (world.rank() != 0) return code;
  std::printf("%s: %lld steps done%s\n", output.c_str(), static_cast<long long>(steps),
              stopped ? ", stopped as asked; the same command goes on" : "");
  if (failed_studies > 0) {
    std::printf("%lld studies failed (see %s)\n", static_cast<long long>(failed_studies),
                (output / "failures.csv").c_str());
  }
  return code;
}

}  // namespace pillar
