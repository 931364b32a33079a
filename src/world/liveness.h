// Internal: two threads that keep the processes honest. One tells the store every few seconds that this
// process lives and reads what the others say; one judges, and ends collectives that cannot end any more.
#pragma once

#include "pillar/world/world.h"

#include "world/membership.h"

#include <functional>
#include <memory>

#include <ATen/core/ivalue.h>

namespace pillar {

// The lines that the processes write of themselves, wherever they are kept. Called by one thread; may block
// and throw.
struct MembershipStore {
  std::function<void(const std::string& line)> write_own;
  std::function<std::vector<std::string>()> read_all;  // by rank
};

class Liveness {
 public:
  // `device_queues`: collectives return before they are done (CUDA), so only the process's end stops them.
  // `end_process`: called by a thread, once, when the processes cannot go on and this one hangs in a call
  // that nothing can interrupt.
  Liveness(MembershipStore store, std::vector<std::string> names, std::int64_t own,
           const MembershipTiming& timing, bool device_queues, EndProcess end_process);
  ~Liveness();  // says goodbye
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  // Counts a collective that begins. Throws Error(io) naming the culprit if the processes cannot go on.
  void begin();
  // A future with `result` that ends when `done` does, or with an Error(io) that names the culprit.
  c10::intrusive_ptr<c10::ivalue::Future> guard(c10::ivalue::Future& done, at::Tensor result);
  // Error(io) for what a collective threw: waits until it is known whose fault it was.
  [[noreturn]] void fail_for(const std::string& reason);
  void announce_failure(const std::string& message) noexcept;
  // The processes cannot go on: threads of collectives under way may never end.
  bool broken() const;

  // A call of LibTorch's that nothing can interrupt: while one lasts after a verdict, `end_process` is
  // called.
  class Blocking {
   public:
    explicit Blocking(Liveness& liveness);
    ~Blocking();
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;

   private:
    Liveness& liveness_;
  };

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace pillar
