#include "pillar/core/fail.h"

#include "world/world_state.h"

#include <algorithm>

#include <spdlog/spdlog.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>

namespace pillar {
namespace {

using FuturePtr = c10::intrusive_ptr<c10::ivalue::Future>;
using SumBucket = std::function<FuturePtr(at::Tensor&)>;

// Reducer alone would divide by the number of processes.
class SumHook : public c10d::CppCommHookInterface<SumBucket> {
 public:
  using CppCommHookInterface::CppCommHookInterface;
  FuturePtr runHook(c10d::GradBucket& bucket) override { return state_(bucket.getBufferRef()); }
};

}  // namespace

struct GradientReducer::State {
  std::shared_ptr<World::State> world;
  std::unique_ptr<c10d::Reducer> reducer;

  ~State() {
    try {
      reducer.reset();
    } catch (const std::exception& error) {
      spdlog::debug("the gradient reducer ended with: {}", error.what());
    }
  }
};

GradientReducer::GradientReducer(const World& world, std::vector<at::Tensor> parameters)
    : state_(std::make_unique<State>()) {
  for (const at::Tensor& parameter : parameters)
    if (!parameter.is_leaf() || !parameter.requires_grad())
      fail(ErrorCategory::usage, "gradients are reduced for leaves that require them only");
  if (world.size() == 1 || parameters.empty()) return;
  state_->world = world.state_;
  const std::vector<bool> sparse(parameters.size(), false);
  const std::vector<std::size_t> sizes = {c10d::kDefaultFirstBucketBytes, c10d::kDefaultBucketBytesCap};
  auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(parameters, sizes, sparse);
  // Gradients come in about the reverse order of the forward's; Reducer learns the true one in the first
  // step.
  std::reverse(buckets.begin(), buckets.end());
  std::reverse(limits.begin(), limits.end());
  state_->reducer = std::make_unique<c10d::Reducer>(
      std::move(parameters), std::move(buckets), state_->world->backends.group, sparse,
      c10d::kDefaultBucketBytesCap, false, false, std::unordered_map<std::size_t, std::string>(),
      c10d::kDefaultFirstBucketBytes, false, false, std::vector<std::int64_t>());
  state_->reducer->register_comm_hook(std::make_unique<SumHook>([shared = state_->world](at::Tensor& bucket) {
    return shared->start(bucket, [&](c10d::Backend& backend) {
      std::vector<at::Tensor> tensors = {bucket};
      return backend.allreduce(tensors);
    });
  }));
}

GradientReducer::GradientReducer(GradientReducer&&) noexcept = default;
GradientReducer& GradientReducer::operator=(GradientReducer&&) noexcept = default;
GradientReducer::~GradientReducer() = default;

namespace {

// Runs a call of Reducer's, whose own words fill a page.
void translated(Liveness& liveness, const std::function<void()>& call) {
  const Liveness::Blocking blocking(liveness);
  try {
    call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    if (text.find("Expected to have finished reduction") != std::string_view::npos) {
      fail(ErrorCategory::usage,
           "gradients were not summed over the processes: a parameter got no gradient in the backward");
    }
    liveness.fail_for(std::string(text));
  }
}

}  // namespace

void GradientReducer::expect_backward() {
  if (!state_->reducer) return;
  translated(*state_->world->liveness, [&] {
    state_->reducer->rebuild_buckets();  // once, after the first backward, in the order gradients came
    state_->reducer->prepare_for_backward({});
  });
}

void GradientReducer::require_reduced() const {
  if (!state_->reducer) return;
  translated(*state_->world->liveness, [&] { state_->reducer->check_finalized(); });
}

}  // namespace pillar
