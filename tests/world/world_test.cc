#include "pillar/world/world.h"

#include "support/expect_error.h"
#include "support/ranks.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

namespace pillar {
namespace {

using test::run_ranks;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

Rendezvous numbered(std::int64_t rank, std::int64_t size) {
  Rendezvous rendezvous;
  rendezvous.rank = rank;
  rendezvous.size = size;
  return rendezvous;
}

void expect_all(const std::vector<test::ProgramResult>& results, int code, const auto& message) {
  for (const test::ProgramResult& result : results) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, message);
  }
}

// All but `victim` end with an error that says `message`.
void expect_others(const std::vector<test::ProgramResult>& results, std::size_t victim, const auto& message) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (i == victim) continue;
    EXPECT_EQ(results[i].exit_code, 1) << i << results[i].err;
    EXPECT_THAT(results[i].err, message) << i;
  }
}

TEST(World, AloneIsAnIdentity) {
  const World world;
  EXPECT_EQ(world.rank(), 0);
  EXPECT_EQ(world.size(), 1);
  at::Tensor tensor = at::full({2, 2}, 3.0);
  world.all_reduce_sum(tensor);
  world.broadcast(tensor);
  world.barrier();
  world.require_same("anything", "x");
  EXPECT_TRUE(tensor.equal(at::full({2, 2}, 3.0)));
  EXPECT_TRUE(world.all_gather_rows(tensor).equal(tensor));
  EXPECT_TRUE(world.all_reduce_sum_autograd(tensor).equal(tensor));
  world.announce_failure("nobody hears it");
  at::Tensor weight = at::ones({2}).requires_grad_(true);
  GradientReducer reducer(world, {weight});
  reducer.expect_backward();
  weight.sum().backward();
  EXPECT_TRUE(weight.grad().equal(at::ones({2})));
}

TEST(World, RefusesWhatMakesNoSense) {
  EXPECT_PILLAR_ERROR(World().broadcast(*std::make_unique<at::Tensor>(at::ones({1})), 1),
                      ErrorCategory::usage, HasSubstr("rank 1"));
  EXPECT_PILLAR_ERROR(World().all_gather_rows(at::ones({})), ErrorCategory::usage, HasSubstr("0 dimensions"));
  EXPECT_PILLAR_ERROR(GradientReducer(World(), {at::ones({1})}), ErrorCategory::usage, HasSubstr("leaves"));
  const EndProcess never = [] {};
  EXPECT_PILLAR_ERROR(World::join(numbered(2, 2), at::kCPU, never), ErrorCategory::usage,
                      HasSubstr("rank 2"));
  EXPECT_PILLAR_ERROR(World::join(numbered(0, 2), at::kCPU, {}), ErrorCategory::usage,
                      HasSubstr("a way to end"));
  EXPECT_EQ(World::join(numbered(0, 1), at::kCPU, never).size(), 1);
}

TEST(World, CollectivesOfTwoAndThree) {
  expect_all(run_ranks(2, "collectives"), 0, "");
  expect_all(run_ranks(3, "collectives"), 0, "");
}

TEST(World, GathersUnevenRowsOfEveryType) {
  expect_all(run_ranks(3, "gathers"), 1, HasSubstr("rank 1 gathers rows of another shape"));
}

TEST(World, GradientsFlowThroughASum) {
  expect_all(run_ranks(3, "autograd_sum"), 0, "");
}

TEST(World, RequireSameNamesTheOneThatDiffers) {
  expect_all(run_ranks(3, "same"), 1,
             AllOf(HasSubstr("the configuration"), HasSubstr("rank 2 (host"),
                   HasSubstr("'lr: 0.2' instead of 'lr: 0.1'"), Not(HasSubstr("rank 1"))));
}

TEST(GradientReducer, SumsAsOneProcessWould) {
  expect_all(run_ranks(2, "gradients"), 0, "");
  expect_all(run_ranks(3, "gradients"), 0, "");
}

TEST(GradientReducer, AParameterWithoutGradientIsAnError) {
  expect_all(run_ranks(2, "missing_gradient"), 1, HasSubstr("no gradient"));
}

TEST(World, AKilledProcessEndsTheOthers) {
  const auto results = run_ranks(3, "killed");
  EXPECT_EQ(results[1].exit_code, 128 + 9);
  expect_others(results, 1, AllOf(HasSubstr("rank 1 (host"), HasSubstr("is gone")));
}

TEST(World, RankZeroKilledEndsTheOthers) {
  expect_others(run_ranks(3, "killed_zero"), 0, AllOf(HasSubstr("rank 0 (host"), HasSubstr("is gone")));
}

TEST(World, AProcessThatHangsEndsTheOthers) {
  expect_others(run_ranks(3, "stopped"), 1, AllOf(HasSubstr("rank 1 (host"), HasSubstr("no sign of life")));
}

TEST(World, RankZeroThatHangsEndsTheOthers) {
  expect_others(run_ranks(2, "stopped_zero"), 0, AllOf(HasSubstr("rank 0 (host"), HasSubstr("is gone")));
}

TEST(World, AKilledProcessEndsABackwardOfTheOthers) {
  expect_others(run_ranks(3, "killed_in_backward"), 2,
                AllOf(HasSubstr("rank 2 (host"), HasSubstr("is gone")));
}

TEST(World, AnAnnouncedFailureIsTheOthersError) {
  expect_others(run_ranks(3, "announces"), 1,
                AllOf(HasSubstr("rank 1 (host"), HasSubstr("failed: /data/ct 7.zip: disk quota exceeded")));
}

TEST(World, AnEarlyEndIsNamed) {
  expect_others(run_ranks(3, "leaves"), 1, AllOf(HasSubstr("rank 1 (host"), HasSubstr("has ended")));
}

TEST(World, ALongStepIsNoDeath) {
  expect_all(run_ranks(2, "busy"), 0, "");
}

TEST(World, ALivingProcessThatLetsOthersWaitIsNamed) {
  const auto results = run_ranks(3, "late");
  for (const int rank : {0, 2}) {
    EXPECT_EQ(results[static_cast<std::size_t>(rank)].exit_code, 1);
    EXPECT_THAT(results[static_cast<std::size_t>(rank)].err,
                AllOf(HasSubstr("waited 0.05 minutes for what has not come: rank 1 (host")));
  }
  EXPECT_EQ(results[1].exit_code, 1) << "the others have left";
}

TEST(World, NamesThoseThatDoNotCome) {
  const auto results = run_ranks(2, "impatient", {.numbers = {0, 2}, .size = 4});
  expect_all(results, 1, HasSubstr("ranks 1, 3 did not come"));
}

TEST(World, RankZeroThatDoesNotComeIsNamed) {
  expect_all(run_ranks(1, "impatient", {.environment = {{"MASTER_PORT", "1"}}, .numbers = {1}, .size = 2}), 1,
             AllOf(HasSubstr("rank 0"), HasSubstr("127.0.0.1:1"), HasSubstr("refused")));
  expect_all(run_ranks(1, "impatient",
                       {.environment = {{"MASTER_ADDR", "no-such-host.invalid"}}, .numbers = {1}, .size = 2}),
             1, AllOf(HasSubstr("rank 0"), HasSubstr("no-such-host.invalid")));
}

TEST(World, APortInUseIsNamed) {
  const test::BusyPort port;
  expect_all(run_ranks(1, "impatient", {.environment = {{"MASTER_PORT", port.number()}}, .size = 2}), 1,
             AllOf(HasSubstr(port.number()), HasSubstr("in use"), HasSubstr("MASTER_PORT")));
}

TEST(World, AnotherProgramAtThePortIsNamed) {
  const test::BusyPort port;
  expect_all(
      run_ranks(1, "impatient", {.environment = {{"MASTER_PORT", port.number()}}, .numbers = {1}, .size = 2}),
      1, AllOf(HasSubstr(port.number()), HasSubstr("does not answer as rank 0")));
}

TEST(World, TwoProcessesWithOneRankAreAnError) {
  const auto results = run_ranks(3, "impatient", {.numbers = {0, 1, 1}, .size = 3});
  expect_all(results, 1, AllOf(HasSubstr("two processes"), HasSubstr("rank 1")));
}

TEST(World, WorldsOfTwoSizesAreAnError) {
  const auto results = run_ranks(2, "sizes");
  expect_all(results, 1, AllOf(HasSubstr("rank 1 was told of 3 processes, rank 0 of 2")));
}

}  // namespace
}  // namespace pillar
