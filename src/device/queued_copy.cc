#include "device/shared/queued_copy.h"

#include "device/shared/cuda_tensor.h"

#include <optional>

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace pillar {

struct QueuedCopy::State {
  at::Tensor copy;
  std::optional<c10::Event> done;  // unset: on the CPU already
};

QueuedCopy::QueuedCopy(const at::Tensor& tensor) : state_(std::make_shared<State>()) {
  if (tensor.is_cpu()) {
    state_->copy = tensor;
    return;
  }
  state_->copy = staging(tensor.sizes(), tensor.scalar_type(), tensor.device());
  state_->copy.copy_(tensor, /*non_blocking=*/true);
  state_->done.emplace(tensor.device().type());
  state_->done->record(c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device()));
}

at::Tensor QueuedCopy::wait() const {
  if (state_->done) state_->done->synchronize();
  return state_->copy;
}

}  // namespace pillar
