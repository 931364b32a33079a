#include "world/rank_scenarios.h"

#include "pillar/core/fail.h"
#include "pillar/core/safetensors.h"
#include "pillar/world/world.h"
#include "pillar/world/world_text.h"

#include "support/contrastive_case.h"
#include "world/world_state.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <signal.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <unistd.h>

namespace pillar::test {
namespace {

using std::chrono::milliseconds;

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not as expected: " + what);
}

// Short enough for tests, long enough for a machine that compiles beside them.
WorldTiming quick() {
  WorldTiming timing;
  timing.membership = {milliseconds(200), milliseconds(1500), milliseconds(6000), milliseconds(1500),
                       milliseconds(5000)};
  timing.patience = milliseconds(60000);
  return timing;
}

void end_process() {
  std::_Exit(1);
}

Rendezvous rendezvous() {
  const auto found = rendezvous_from_environment([](const char* name) { return std::getenv(name); });
  if (!found) throw std::runtime_error("no launcher's variables");
  return *found;
}

World join(const WorldTiming& timing = quick()) {
  return WorldAccess::join(rendezvous(), at::kCPU, end_process, std::chrono::minutes(5), timing);
}

int collectives(const std::filesystem::path&) {
  const World world = join();
  const std::int64_t rank = world.rank(), size = world.size();
  at::Tensor sum = at::full({3}, static_cast<double>(rank + 1));
  world.all_reduce_sum(sum);
  expect(sum.equal(at::full({3}, static_cast<double>(size * (size + 1) / 2))), "all_reduce_sum");
  at::Tensor whole = at::full({2}, rank, at::kLong);
  world.all_reduce_sum(whole);
  expect(whole[0].item<std::int64_t>() == size * (size - 1) / 2, "all_reduce_sum of integers");
  at::Tensor told = at::full({2, 2}, static_cast<double>(rank));
  world.broadcast(told, size - 1);
  expect(told.equal(at::full({2, 2}, static_cast<double>(size - 1))), "broadcast");
  const std::string words = rank == size - 1 ? "the last\nrank's" : "of no account";
  expect(broadcast_text(world, words, size - 1) == "the last\nrank's", "broadcast_text");
  expect(broadcast_text(world, rank == 0 ? "" : words).empty(), "broadcast_text of no words");
  world.barrier();
  return 0;
}

constexpr ContrastiveOptions kSiglipOfReports = {ContrastiveKind::siglip, SameReport::positive};

// What each rank ends with goes to $OUT<rank>.
int contrastive(std::int64_t micro_batches, bool batch_statistics, const ContrastiveOptions& options = {}) {
  const World world = join();
  const auto gradients = contrastive_case(world, micro_batches, batch_statistics, options);
  const char* out = std::getenv("OUT");
  if (out == nullptr) throw std::runtime_error("OUT is not set");
  write_safetensors(out + std::to_string(world.rank()), {gradients.begin(), gradients.end()});
  return 0;
}

int gathers(const std::filesystem::path&) {
  const World world = join();
  const std::int64_t rank = world.rank(), size = world.size();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kLong, at::kByte, at::kBool}) {
    // Rank r brings r rows: rank 0 none.
    const at::Tensor own = at::full({rank, 2, 3}, static_cast<double>(rank), at::kFloat).to(type);
    std::vector<at::Tensor> expected;
    for (std::int64_t other = 0; other < size; ++other)
      expected.push_back(at::full({other, 2, 3}, static_cast<double>(other), at::kFloat).to(type));
    const at::Tensor all = world.all_gather_rows(own);
    expect(all.scalar_type() == type && all.equal(at::cat(expected)), at::toString(type));
  }
  expect(world.all_gather_rows(at::ones({0, 5})).sizes() == at::IntArrayRef({0, 5}), "no rows at all");
  expect(world.all_gather_rows(at::ones({2, 0})).sizes() == at::IntArrayRef({2 * size, 0}),
         "rows of no width");
  const at::Tensor strided = at::arange(6).view({2, 3}).t() + rank;
  expect(world.all_gather_rows(strided).narrow(0, 3 * rank, 3).equal(strided),
         "rows that are not contiguous");
  world.all_gather_rows(at::ones({1, rank == 1 ? 4 : 5}));  // an Error on every rank
  return 10;
}

// d/dx of a function of the sum over ranks: every rank's contribution flows back to each.
int autograd_sum(const std::filesystem::path&) {
  const World world = join();
  at::Tensor x = at::full({2}, static_cast<double>(world.rank() + 1)).requires_grad_(true);
  const at::Tensor total = world.all_reduce_sum_autograd(x);
  (total * total * static_cast<double>(world.rank() + 1)).sum().backward();
  double sum = 0;
  for (std::int64_t rank = 1; rank <= world.size(); ++rank) sum += static_cast<double>(rank);
  expect(x.grad().equal(at::full({2}, 2 * sum * sum)), "gradient of the sum over ranks");
  return 0;
}

// tanh(x w), computed again in the backward, as the model's blocks are.
struct Recomputed : torch::autograd::Function<Recomputed> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& w) {
    context->save_for_backward({x, w});
    return x.matmul(w).tanh();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::AutoGradMode with_gradients(true);
    const at::Tensor x = saved[0].detach().requires_grad_(true);
    const at::Tensor y = x.matmul(saved[1]).tanh();
    return torch::autograd::grad({y}, {x, saved[1]}, {grads[0]});
  }
};

constexpr std::int64_t kLayers = 4, kWidth = 400;  // 640 KB a layer: more than one bucket

std::vector<at::Tensor> layers() {
  std::vector<at::Tensor> weights;
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const at::Tensor values = at::linspace(-0.1, 0.1 + 0.01 * static_cast<double>(i), kWidth * kWidth);
    weights.push_back(values.view({kWidth, kWidth}).clone().requires_grad_(true));
  }
  return weights;
}

at::Tensor loss_of(const std::vector<at::Tensor>& weights, std::int64_t rank, std::int64_t part) {
  at::Tensor x =
      at::linspace(-1.0, 1.0 + 0.1 * static_cast<double>(rank) + 0.3 * static_cast<double>(part), kWidth);
  x = x.view({1, kWidth}).clone();
  for (std::size_t i = 0; i < weights.size(); ++i)
    x = i % 2 == 0 ? Recomputed::apply(x, weights[i]) : x.matmul(weights[i]).tanh();
  return x.pow(2).sum();
}

// Two backwards a step, the second of which sums over ranks; three steps. Against one process that does all.
int gradients(const std::filesystem::path&) {
  const World world = join();
  const std::vector<at::Tensor> ours = layers(), alone = layers();
  GradientReducer reducer(world, ours);
  for (std::int64_t step = 0; step < 3; ++step) {
    for (const at::Tensor& weight : ours) weight.mutable_grad() = at::Tensor();
    for (const at::Tensor& weight : alone) weight.mutable_grad() = at::Tensor();
    loss_of(ours, world.rank(), step).backward();
    reducer.expect_backward();
    loss_of(ours, world.rank(), step + 1).backward();
    reducer.require_reduced();
    for (std::int64_t rank = 0; rank < world.size(); ++rank) {
      loss_of(alone, rank, step).backward();
      loss_of(alone, rank, step + 1).backward();
    }
    for (std::size_t i = 0; i < ours.size(); ++i)
      expect(ours[i].grad().allclose(alone[i].grad(), 1e-5, 1e-6), fmt::format("step {}, layer {}", step, i));
  }
  return 0;
}

// One process gives a parameter no gradient: nothing would be summed, and nobody may go on with that.
int missing_gradient(const std::filesystem::path&) {
  const World world = join();
  std::vector<at::Tensor> weights = layers();
  GradientReducer reducer(world, weights);
  reducer.expect_backward();
  weights.pop_back();
  loss_of(weights, world.rank(), 0).backward();
  reducer.require_reduced();
  return 10;
}

int same(const std::filesystem::path&) {
  const World world = join();
  world.require_same("the version", "1.0");
  const std::string rate = world.rank() == 2 ? "0.2" : "0.1";
  world.require_same("the configuration", fmt::format("epochs: 3\nlr: {}\nseed: 1\n", rate));
  return 10;
}

// Endless work together, until something ends it.
[[noreturn]] void work_on(const World& world) {
  while (true) {
    at::Tensor sum = at::ones({1000});
    world.all_reduce_sum(sum);
    std::this_thread::sleep_for(milliseconds(5));
  }
}

int killed(const std::filesystem::path&, std::int64_t victim, int signal) {
  const World world = join();
  world.barrier();
  if (world.rank() == victim) ::kill(::getpid(), signal);
  work_on(world);
}

// The last rank dies while the others wait for it in the middle of a backward.
int killed_in_backward(const std::filesystem::path&) {
  const World world = join();
  const std::vector<at::Tensor> weights = layers();
  GradientReducer reducer(world, weights);
  for (int step = 0;; ++step) {
    reducer.expect_backward();
    const at::Tensor loss = loss_of(weights, world.rank(), 0);
    if (step == 2 && world.rank() + 1 == world.size()) ::kill(::getpid(), SIGKILL);
    loss.backward();
  }
}

int announces(const std::filesystem::path&) {
  const World world = join();
  world.barrier();
  if (world.rank() == 1) {
    world.announce_failure("/data/ct 7.zip: disk quota exceeded");
    fail(ErrorCategory::io, "/data/ct 7.zip: disk quota exceeded");
  }
  work_on(world);
}

int leaves(const std::filesystem::path&) {
  const World world = join();
  world.barrier();
  if (world.rank() == 1) return 0;
  work_on(world);
}

// A long step without any collective is no death.
int busy(const std::filesystem::path&) {
  WorldTiming timing = quick();
  timing.membership.silence = milliseconds(2500);
  const World world = join(timing);
  if (world.rank() == 1) std::this_thread::sleep_for(milliseconds(4000));
  world.barrier();
  return 0;
}

// A rank that lives, and does not come: it has more to load than the others, say.
int late(const std::filesystem::path&) {
  const World world = WorldAccess::join(rendezvous(), at::kCPU, end_process, milliseconds(3000), quick());
  world.barrier();
  if (world.rank() == 1) std::this_thread::sleep_for(milliseconds(7000));
  world.barrier();
  return 10;
}

int impatient(const std::filesystem::path&) {
  WorldTiming timing = quick();
  timing.patience = milliseconds(1500);
  const World world = join(timing);
  return 10;
}

int sizes(const std::filesystem::path&) {
  Rendezvous told = rendezvous();
  told.size += told.rank;
  const World world = WorldAccess::join(told, at::kCPU, end_process, std::chrono::minutes(5), quick());
  return 10;
}

// Writes down what launch_local() gave it; rank 1 of "fails" ends badly.
int launched(const std::filesystem::path& folder) {
  const World world = join();
  const char* threads = std::getenv("OMP_NUM_THREADS");
  std::ofstream(folder / fmt::format("rank {}", world.rank()))
      << world.size() << ' ' << (threads ? threads : "");
  std::printf("standard output of rank %d\n", static_cast<int>(world.rank()));
  world.barrier();
  return 0;
}

int launched_fails(const std::filesystem::path&) {
  if (rendezvous().rank == 1) return 7;
  std::this_thread::sleep_for(std::chrono::minutes(5));
  return 10;
}

// Rank 1 is done, but for some inputs, while rank 0 still works.
int launched_some_failed(const std::filesystem::path&) {
  if (rendezvous().rank == 1) return static_cast<int>(ExitCode::some_inputs_failed);
  std::this_thread::sleep_for(milliseconds(300));
  std::printf("rank 0 has worked to its end\n");
  return 0;
}

int launched_dies(const std::filesystem::path&) {
  if (rendezvous().rank == 1) ::kill(::getpid(), SIGKILL);
  std::this_thread::sleep_for(std::chrono::minutes(5));
  return 10;
}

// Says that it runs and waits for SIGUSR1.
int launched_waits(const std::filesystem::path& folder) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  std::ofstream(folder / fmt::format("rank {}", rendezvous().rank)) << ::getpid() << std::endl;
  int number = 0;
  ::sigwait(&wanted, &number);
  return 0;
}

}  // namespace

int run_scenario(const std::string& name, const std::filesystem::path& folder) {
  using Path = std::filesystem::path;
  const std::map<std::string, std::function<int(const Path&)>> scenarios = {
      {"collectives", collectives},
      {"contrastive", [](const Path&) { return contrastive(2, false); }},
      {"siglip", [](const Path&) { return contrastive(2, false, kSiglipOfReports); }},
      {"same_report",
       [](const Path&) { return contrastive(3, false, {.same_report = SameReport::positive}); }},
      {"late", late},
      {"sync_batchnorm", [](const Path&) { return contrastive(1, true); }},
      {"gathers", gathers},
      {"autograd_sum", autograd_sum},
      {"gradients", gradients},
      {"missing_gradient", missing_gradient},
      {"same", same},
      {"killed", [](const Path& path) { return killed(path, 1, SIGKILL); }},
      {"killed_zero", [](const Path& path) { return killed(path, 0, SIGKILL); }},
      {"stopped", [](const Path& path) { return killed(path, 1, SIGSTOP); }},
      {"stopped_zero", [](const Path& path) { return killed(path, 0, SIGSTOP); }},
      {"killed_in_backward", killed_in_backward},
      {"announces", announces},
      {"leaves", leaves},
      {"busy", busy},
      {"impatient", impatient},
      {"sizes", sizes},
      {"launched", launched},
      {"launched_fails", launched_fails},
      {"launched_dies", launched_dies},
      {"launched_some_failed", launched_some_failed},
      {"launched_waits", launched_waits}};
  return scenarios.at(name)(folder);
}

}  // namespace pillar::test
