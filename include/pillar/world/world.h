// The processes that train together: who this one is, and what they tell each other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

// Where a process finds the others.
struct Rendezvous {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::int64_t local_rank = 0;  // among those of this host: which GPU is its own
  std::string master_address = {};
  std::int64_t master_port = 0;
  int listening = -1;  // rank 0's: a socket that already listens at that port, handed down by launch_local()
};

// From torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), else Open MPI's
// (OMPI_COMM_WORLD_*; MASTER_ADDR and MASTER_PORT must be set), else SLURM's (SLURM_PROCID, SLURM_NTASKS,
// SLURM_LOCALID; rank 0 is on the first host of SLURM_STEP_NODELIST or SLURM_JOB_NODELIST and its port comes
// from SLURM_JOB_ID, unless MASTER_ADDR and MASTER_PORT say otherwise). Open MPI goes before SLURM because an
// mpirun inside a SLURM job inherits SLURM's numbers. Unset: none of them, or one process. Throws
// Error(usage) naming the variable that is missing or makes no sense. `lookup` stands for getenv in tests.
std::optional<Rendezvous> rendezvous_from_environment(const std::function<const char*(const char*)>& lookup);

// Ends this process at once, without waiting for anything (std::_Exit). World calls it, from a thread of its
// own and after it has said why in the log, when another rank has died and this one hangs in a call that
// nothing can interrupt (NCCL's, or connecting). It should not return: where it does, the process hangs on.
using EndProcess = std::function<void()>;

// Collectives block until every rank has called them, in the same order. A rank that has died or failed makes
// them throw Error(io) that names it, within a minute.
class World {
 public:
  World();  // alone
  // Connects all ranks: TCPStore, Gloo on the CPU, NCCL on CUDA devices (Gloo where NCCL was not built).
  // `timeout`: how long a rank that lives may keep the others waiting in a collective. Throws Error(io |
  // usage): port in use, a host nobody answers at, ranks that do not come within ten minutes, two with one
  // rank, no `end_process`.
  static World join(const Rendezvous& rendezvous, at::Device device, const EndProcess& end_process,
                    std::chrono::seconds timeout = std::chrono::minutes(30));
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;
  ~World();

  std::int64_t rank() const noexcept;
  std::int64_t size() const noexcept;

  void all_reduce_sum(at::Tensor& tensor) const;  // in place; contiguous, on the world's device or the CPU
  void broadcast(at::Tensor& tensor, std::int64_t from = 0) const;
  // Rows of all ranks, rank 0's first; every rank may bring another number of rows (0 too) of the same width.
  at::Tensor all_gather_rows(const at::Tensor& rows) const;
  // Sum over ranks that gradients flow through (their sum over ranks flows back).
  at::Tensor all_reduce_sum_autograd(const at::Tensor& tensor) const;
  void barrier() const;
  // Throws Error(usage) on every rank if their texts differ, naming `what` and the first rank that differs
  // from rank 0: configurations, versions.
  void require_same(const std::string& what, const std::string& text) const;

  // This rank fails with `message`: the others' next collective throws it, with this rank's number.
  void announce_failure(const std::string& message) const noexcept;

 private:
  friend class GradientReducer;
  friend struct WorldAccess;
  struct State;
  explicit World(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// Sums gradients over all ranks while the last backward still runs (c10d::Reducer). Alone it does nothing.
class GradientReducer {
 public:
  // Leaves that require gradients; each rank gives the same ones in the same order. Every one of them must
  // get a gradient in the backward that expect_backward() announces.
  GradientReducer(const World& world, std::vector<at::Tensor> parameters);
  GradientReducer(GradientReducer&&) noexcept;
  GradientReducer& operator=(GradientReducer&&) noexcept;
  ~GradientReducer();
  // Before the last backward of a step: `.grad`, whatever earlier backwards added to it included, is summed
  // over ranks bucket by bucket as it becomes final. Earlier backwards are left alone.
  // Throws Error(usage) if the announced backward before left a parameter without a gradient.
  void expect_backward();
  // After that backward, before the gradients are used: throws the same Error.
  void require_reduced() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
