#include "pillar/core/fail.h"
#include "pillar/world/world.h"

#include <charconv>

#include <fmt/format.h>

namespace pillar {
namespace {

using Lookup = std::function<const char*(const char*)>;

constexpr std::int64_t kMostProcesses = 1 << 20;

std::optional<std::string> text_of(const Lookup& lookup, const char* name) {
  const char* value = lookup(name);
  if (value == nullptr || *value == '\0') return std::nullopt;  // an empty variable says nothing
  return value;
}

std::string needed_text(const Lookup& lookup, const char* name, const char* because) {
  std::optional<std::string> text = text_of(lookup, name);
  if (!text) fail(ErrorCategory::usage, "{} is not set, but {}", name, because);
  return *std::move(text);
}

std::int64_t number(const char* name, const std::string& text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < low || value > high)
    fail(ErrorCategory::usage, "{} is '{}': a whole number from {} to {} is needed", name, text, low, high);
  return value;
}

std::optional<std::int64_t> number_of(const Lookup& lookup, const char* name, std::int64_t low,
                                      std::int64_t high) {
  const std::optional<std::string> text = text_of(lookup, name);
  if (!text) return std::nullopt;
  return number(name, *text, low, high);
}

// One launcher's names for the same three numbers.
struct Names {
  const char* rank;
  const char* size;
  const char* local_rank;
};
constexpr Names kTorchrun = {"RANK", "WORLD_SIZE", "LOCAL_RANK"};
constexpr Names kOpenMpi = {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"};
constexpr Names kSlurm = {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"};

Rendezvous numbers_of(const Lookup& lookup, const Names& names) {
  Rendezvous found;
  const std::string because = fmt::format("{} is", names.rank);
  found.size = number(names.size, needed_text(lookup, names.size, because.c_str()), 1, kMostProcesses);
  found.rank = number(names.rank, needed_text(lookup, names.rank, "it says which process this is"), 0,
                      kMostProcesses - 1);
  if (found.rank >= found.size) {
    fail(ErrorCategory::usage, "{} is {}, but {} is {}: ranks go from 0 to {}", names.rank, found.rank,
         names.size, found.size, found.size - 1);
  }
  found.local_rank = number_of(lookup, names.local_rank, 0, kMostProcesses - 1).value_or(0);
  return found;
}

void read_master(const Lookup& lookup, const Names& names, Rendezvous& found) {
  const std::string because =
      fmt::format("{} is {}: the processes need it to find rank 0", names.size, found.size);
  found.master_address = needed_text(lookup, "MASTER_ADDR", because.c_str());
  found.master_port = number("MASTER_PORT", needed_text(lookup, "MASTER_PORT", because.c_str()), 1, 65535);
}

// "gpu[003-006,009],login1" -> "gpu003": a list's first host, each range at its first number.
std::string first_host(const char* name, const std::string& list) {
  std::string host;
  std::size_t at = 0;
  for (; at < list.size() && list[at] != ','; ++at) {
    if (list[at] != '[') {
      host += list[at];
      continue;
    }
    const std::size_t close = list.find(']', at);
    const std::size_t stop = list.find_first_of(",-]", at);
    if (close == std::string::npos || stop == at + 1)
      fail(ErrorCategory::usage, "{} is '{}': not a list of hosts", name, list);
    host.append(list, at + 1, stop - at - 1);
    at = close;
  }
  if (host.empty()) fail(ErrorCategory::usage, "{} is '{}': not a list of hosts", name, list);
  return host;
}

// Below the ports that systems hand out by themselves (32768 and up on Linux).
std::int64_t port_of_job(std::int64_t job) {
  return 15000 + job % 16000;
}

void read_slurm_master(const Lookup& lookup, Rendezvous& found) {
  if (const auto address = text_of(lookup, "MASTER_ADDR")) {
    found.master_address = *address;
  } else {
    // A step may run on some of the job's hosts; its rank 0 is on the first of those.
    const bool step = text_of(lookup, "SLURM_STEP_NODELIST").has_value();
    const char* name = step ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
    found.master_address =
        first_host(name, needed_text(lookup, name, "SLURM_NTASKS is: rank 0 is on its first host"));
  }
  if (const auto port = number_of(lookup, "MASTER_PORT", 1, 65535)) {
    found.master_port = *port;
  } else {
    const char* because = "SLURM_NTASKS is, and MASTER_PORT is not: a port is made from it";
    found.master_port =
        port_of_job(number("SLURM_JOB_ID", needed_text(lookup, "SLURM_JOB_ID", because), 0, INT64_MAX));
  }
}

}  // namespace

std::optional<Rendezvous> rendezvous_from_environment(const Lookup& lookup) {
  const bool torchrun = text_of(lookup, kTorchrun.rank).has_value();
  const bool open_mpi = !torchrun && text_of(lookup, kOpenMpi.rank).has_value();
  const bool slurm = !torchrun && !open_mpi && text_of(lookup, kSlurm.rank).has_value();
  const auto world_size = number_of(lookup, kTorchrun.size, 1, kMostProcesses);
  if (!torchrun && !open_mpi && !slurm) {
    if (world_size)
      fail(ErrorCategory::usage, "RANK is not set, but WORLD_SIZE is: each process needs its number");
    return std::nullopt;
  }
  const Names& names = torchrun ? kTorchrun : open_mpi ? kOpenMpi : kSlurm;
  Rendezvous found = numbers_of(lookup, names);
  if (world_size && *world_size != found.size) {
    fail(ErrorCategory::usage, "WORLD_SIZE is {}, but {} is {}", *world_size, names.size, found.size);
  }
  if (found.size == 1 && !torchrun) return std::nullopt;
  if (slurm) {
    read_slurm_master(lookup, found);
  } else {
    read_master(lookup, names, found);
  }
  if (const auto listening = number_of(lookup, "PILLAR_LISTENING", 0, INT32_MAX); listening && torchrun)
    found.listening = static_cast<int>(*listening);
  return found;
}

}  // namespace pillar
