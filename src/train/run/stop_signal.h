// Internal: SIGTERM, SIGUSR1, SIGUSR2, SIGHUP and SIGINT ask a run to stop at the next step; a second SIGINT
// ends it at once.
#pragma once

namespace pillar {

// Handlers are set while it lives.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  int received() const noexcept;  // signal number, 0: none
};

}  // namespace pillar
