#include "embed_processes.h"

#include "pillar/core/fail.h"
#include "pillar/core/host_name.h"
#include "pillar/device/device.h"
#include "pillar/train/training_options.h"
#include "pillar/world/launch.h"
#include "pillar/world/world_text.h"

#include <chrono>
#include <cstdlib>

namespace pillar {
namespace {

// A process that is done waits for those that still embed, which may be long where most of what was there
// already was its own.
constexpr std::chrono::hours kLongestWait{24};

std::vector<std::string> devices_of(const ProcessFlags& flags) {
  return CLI::detail::split(flags.devices, ',');
}

}  // namespace

void add_process_flags(CLI::App& command, ProcessFlags& flags) {
  command
      .add_option("--device", flags.devices,
                  "cpu, cuda, cuda:N, or auto; several processes take a GPU each. cuda:0,cuda:2 starts a "
                  "process for each of them")
      ->capture_default_str();
  command
      .add_option("--nproc", flags.nproc,
                  "processes to start on this machine, each of which embeds its share of --manifest; the "
                  "result is that of one")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
}

ProcessPlan plan_processes(const ProcessFlags& flags) {
  ProcessPlan plan;
  plan.place = rendezvous_from_environment([](const char* name) -> const char* { return std::getenv(name); });
  const std::int64_t devices = std::ssize(devices_of(flags));
  if (flags.nproc > 0 && devices > 1 && flags.nproc != devices)
    fail(ErrorCategory::usage, "--nproc {}, but --device names {} devices: a process each", flags.nproc,
         devices);
  if (launched_locally()) return plan;
  if (plan.place && flags.nproc > 1)
    fail(ErrorCategory::usage,
         "--nproc starts processes itself; a launcher (torchrun, srun, mpirun) has done so");
  const std::int64_t wanted = std::max(flags.nproc, devices);
  if (!plan.place && wanted > 1) plan.start = wanted;
  return plan;
}

std::string device_of_process(const ProcessFlags& flags, const ProcessPlan& plan) {
  const std::int64_t local_rank = plan.place ? plan.place->local_rank : 0;
  const std::vector<std::string> devices = devices_of(flags);
  if (devices.size() < 2) return training_device(flags.devices, local_rank).str();
  if (local_rank >= std::ssize(devices))
    fail(ErrorCategory::usage, "--device {} names {} devices, this is process {} of this host (from 0)",
         flags.devices, devices.size(), local_rank);
  return training_device(devices[static_cast<std::size_t>(local_rank)], local_rank).str();
}

void require_devices(const ProcessFlags& flags, std::int64_t processes) {
  const std::vector<std::string> devices = devices_of(flags);
  // Of one word for all, the last process is the first to find no device.
  if (devices.size() < 2) return check_device(flags.devices, processes - 1);
  for (std::size_t i = 0; i < devices.size(); ++i) check_device(devices[i], static_cast<std::int64_t>(i));
}

World join_processes(const ProcessPlan& plan) {
  if (!plan.place) return {};
  // They exchange words alone, on the CPU, whatever they compute on.
  return World::join(
      *plan.place, at::kCPU, [] { std::_Exit(1); }, kLongestWait);
}

EmbedTeam team_of(const World& world) {
  return {world.rank(), world.size(),
          [&world](const std::string& text, std::int64_t from) { return broadcast_text(world, text, from); }};
}

std::int64_t processes_on_this_host(const EmbedTeam& team) {
  std::int64_t count = 0;
  for (std::int64_t rank = 0; rank < team.size; ++rank)
    if (team.broadcast(host_name(), rank) == host_name()) ++count;
  return count;
}

}  // namespace pillar
