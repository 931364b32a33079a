// libpillar_nccl.so for gpu_on_cpu: what NCCL does among GPUs goes through the CPU, by Gloo. The CPU waits
// where NCCL would only queue.
#include "world/shared/nccl_abi.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

namespace {

struct Done final : c10d::Work {
  explicit Done(const std::vector<at::Tensor>& results)
      : future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()),
                                                         std::vector<c10::Device>{results.at(0).device()})) {
    future_->markCompleted(results);
  }
  bool isCompleted() override { return true; }
  bool isSuccess() const override { return true; }
  bool wait(std::chrono::milliseconds) override { return true; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

 private:
  c10::intrusive_ptr<c10::ivalue::Future> future_;
};

c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo(const pillar::NcclJob& job) {
  auto options = c10d::ProcessGroupGloo::Options::create(job.timeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(
      c10::make_intrusive<c10d::PrefixStore>("gloo", job.store), job.rank, job.size, options);
}

std::vector<at::Tensor> on_cpu(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors) {
    TORCH_CHECK(tensor.is_cuda(), "gpu_on_cpu: NCCL is given a tensor of the CPU");
    copies.push_back(tensor.cpu());
  }
  return copies;
}

void take(std::vector<at::Tensor>& tensors, const std::vector<at::Tensor>& results) {
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].copy_(results[i]);
}

class Nccl final : public c10d::Backend {
 public:
  explicit Nccl(const pillar::NcclJob& job) : Backend(job.rank, job.size), gloo_(gloo(job)) {}
  const std::string getBackendName() const override { return "nccl"; }

  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override {
    return in_place(tensors, [&](auto& copies) { return gloo_->allreduce(copies, options); });
  }
  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>& tensors,
                                           const c10d::BroadcastOptions& options) override {
    return in_place(tensors, [&](auto& copies) { return gloo_->broadcast(copies, options); });
  }
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                           std::vector<at::Tensor>& inputs,
                                           const c10d::AllgatherOptions& options) override {
    std::vector<at::Tensor> copies = on_cpu(inputs);
    std::vector<std::vector<at::Tensor>> results;
    for (const std::vector<at::Tensor>& output : outputs) results.push_back(on_cpu(output));
    gloo_->allgather(results, copies, options)->wait();
    for (std::size_t i = 0; i < outputs.size(); ++i) take(outputs[i], results[i]);
    return c10::make_intrusive<Done>(outputs.at(0));
  }

 private:
  template <typename Collective>
  static c10::intrusive_ptr<c10d::Work> in_place(std::vector<at::Tensor>& tensors,
                                                 const Collective& collective) {
    std::vector<at::Tensor> copies = on_cpu(tensors);
    collective(copies)->wait();
    take(tensors, copies);
    return c10::make_intrusive<Done>(tensors);
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace

extern "C" void pillar_nccl_backend(const pillar::NcclJob& job, c10::intrusive_ptr<c10d::Backend>& backend) {
  backend = c10::make_intrusive<Nccl>(job);
}
