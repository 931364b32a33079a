// The processes of embed: how many there are, who starts them, what each computes on, and how they talk.
#pragma once

#include "pillar/embed/embed_team.h"
#include "pillar/world/world.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace pillar {

struct ProcessFlags {
  std::int64_t nproc = 0;        // 0: one, or one for each of several devices
  std::string devices = "auto";  // one for all processes, or one for each of a host with commas between
};
// --device and --nproc.
void add_process_flags(CLI::App& command, ProcessFlags& flags);

struct ProcessPlan {
  std::optional<Rendezvous>
      place;               // among the processes that a launcher has started, this program or another
  std::int64_t start = 0;  // how many this process has to start
  // Processes that embed together, 1 where this one is alone.
  std::int64_t size() const { return place ? place->size : start > 0 ? start : 1; }
};
// Throws Error(usage) for --nproc under a launcher, or another number of processes than of devices.
ProcessPlan plan_processes(const ProcessFlags& flags);

// The one for this process: of "cuda" and "auto" the GPU of its number on this host. Throws Error(usage)
// where several devices are named and none is left for it, Error(unsupported) where there is no such device.
std::string device_of_process(const ProcessFlags& flags, const ProcessPlan& plan);

// Before so many are started on this host. Throws what device_of_process() would in one of them.
void require_devices(const ProcessFlags& flags, std::int64_t processes);

// Waits for the others.
World join_processes(const ProcessPlan& plan);
EmbedTeam team_of(const World& world);
std::int64_t processes_on_this_host(const EmbedTeam& team);  // collective

}  // namespace pillar
