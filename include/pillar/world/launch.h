// `--nproc N`: local processes that work together, without a launcher.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pillar {

// Starts `count` copies of this program (argv[0] is found through /proc/self/exe) with the same arguments and
// torchrun's variables set, rank 0 on this terminal, the others' standard output dropped and their errors
// passed on. SIGTERM, SIGUSR1 and SIGINT are handed on to all. When one ends badly, the others get SIGTERM,
// after a grace of 20 s SIGKILL; the log names the rank and how it ended. If this process is killed, the
// children end too. Returns the exit code: 0 if all ended with 0, else that of the first that did not (1 for
// a signal). ExitCode::some_inputs_failed is a good end, and is what is returned where none ended otherwise.
int launch_local(std::int64_t count, const std::vector<std::string>& arguments);

// Whether this process was started by launch_local().
bool launched_locally();

}  // namespace pillar
