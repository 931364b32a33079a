#include "pillar/world/world.h"

#include "pillar/core/fail.h"

#include "world/world_state.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pillar {

World::World() = default;
World::World(std::shared_ptr<State> state) : state_(std::move(state)) {}
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;
World::~World() = default;

World World::join(const Rendezvous& rendezvous, at::Device device, const EndProcess& end_process,
                  std::chrono::seconds timeout) {
  return WorldAccess::join(rendezvous, device, end_process, timeout, {});
}

World WorldAccess::join(const Rendezvous& rendezvous, at::Device device, const EndProcess& end_process,
                        std::chrono::milliseconds timeout, const WorldTiming& timing) {
  if (rendezvous.size < 1 || rendezvous.rank < 0 || rendezvous.rank >= rendezvous.size)
    fail(ErrorCategory::usage, "rank {} of {} processes", rendezvous.rank, rendezvous.size);
  if (!end_process) fail(ErrorCategory::usage, "a world of processes needs a way to end this one");
  if (rendezvous.size == 1) return World();
  WorldTiming times = timing;
  times.membership.late = timeout;
  return World(std::make_shared<World::State>(rendezvous, device, end_process, timeout, times));
}

std::int64_t World::rank() const noexcept {
  return state_ ? state_->rendezvous.rank : 0;
}

std::int64_t World::size() const noexcept {
  return state_ ? state_->rendezvous.size : 1;
}

void World::all_reduce_sum(at::Tensor& tensor) const {
  if (!state_) return;
  std::vector<at::Tensor> tensors = {tensor};
  state_->run(tensor, [&](c10d::Backend& backend) { return backend.allreduce(tensors); });
}

void World::broadcast(at::Tensor& tensor, std::int64_t from) const {
  if (from < 0 || from >= size())
    fail(ErrorCategory::usage, "a broadcast from rank {} of {} processes", from, size());
  if (!state_) return;
  std::vector<at::Tensor> tensors = {tensor};
  c10d::BroadcastOptions options;
  options.rootRank = from;
  state_->run(tensor, [&](c10d::Backend& backend) { return backend.broadcast(tensors, options); });
}

namespace {

// One tensor of each rank, all of one shape and type.
std::vector<at::Tensor> gather(const World& world, const at::Tensor& own, const auto& run) {
  std::vector<std::vector<at::Tensor>> outputs(1);
  for (std::int64_t rank = 0; rank < world.size(); ++rank)
    outputs[0].push_back(at::empty(own.sizes(), own.options()));
  std::vector<at::Tensor> inputs = {own};
  run(own, [&](c10d::Backend& backend) { return backend.allgather(outputs, inputs); });
  return outputs[0];
}

constexpr std::int64_t kMostDimensions = 8;

// Type, dimensions, sizes: what must agree, with the rows last.
at::Tensor shape_of(const at::Tensor& rows) {
  at::Tensor shape = at::zeros({2 + kMostDimensions}, at::kLong);
  auto* values = shape.mutable_data_ptr<std::int64_t>();
  values[0] = static_cast<std::int64_t>(rows.scalar_type());
  values[1] = rows.dim();
  for (std::int64_t i = 1; i < rows.dim(); ++i) values[1 + i] = rows.size(i);
  values[1 + kMostDimensions] = rows.size(0);
  return shape;
}

// The numbers of rows by rank. Throws the same Error on every rank if the rest of the shapes differs.
std::vector<std::int64_t> counts_of(const std::vector<at::Tensor>& shapes) {
  std::vector<std::int64_t> counts;
  for (std::size_t rank = 0; rank < shapes.size(); ++rank) {
    if (!shapes[rank].narrow(0, 0, 1 + kMostDimensions).equal(shapes[0].narrow(0, 0, 1 + kMostDimensions))) {
      fail(ErrorCategory::usage, "rank {} gathers rows of another shape or type than rank 0", rank);
    }
    counts.push_back(shapes[rank][1 + kMostDimensions].item<std::int64_t>());
  }
  return counts;
}

// (rows, bytes of one)
at::Tensor as_byte_rows(const at::Tensor& rows, std::int64_t width) {
  return rows.contiguous().view({rows.size(0), width}).view(at::kByte);
}

}  // namespace

at::Tensor World::all_gather_rows(const at::Tensor& rows) const {
  if (rows.dim() < 1 || rows.dim() > kMostDimensions)
    fail(ErrorCategory::usage, "rows with {} dimensions cannot be gathered", rows.dim());
  if (!state_) return rows;
  const at::NoGradGuard no_grad;
  const auto run = [&](const at::Tensor& result, const State::Start& start) { state_->run(result, start); };
  const std::vector<std::int64_t> counts = counts_of(gather(*this, shape_of(rows), run));
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  std::vector<std::int64_t> sizes = rows.sizes().vec();
  sizes[0] = 0;
  std::int64_t width = 1;
  for (std::size_t i = 1; i < sizes.size(); ++i) width *= sizes[i];
  for (const std::int64_t count : counts) sizes[0] += count;
  if (most == 0 || width == 0) return at::empty(sizes, rows.options());
  at::Tensor own =
      as_byte_rows(rows.detach(), width);  // bytes: every type travels, even those Gloo knows not
  if (own.size(0) < most) {
    at::Tensor padded = at::zeros({most, own.size(1)}, own.options());
    padded.narrow(0, 0, own.size(0)).copy_(own);
    own = padded;
  }
  std::vector<at::Tensor> parts = gather(*this, own, run);
  for (std::size_t rank = 0; rank < parts.size(); ++rank)
    parts[rank] = parts[rank].narrow(0, 0, counts[rank]);
  return at::cat(parts).view(rows.scalar_type()).view(sizes);
}

namespace {

// `sum(tensor)` adds over all ranks in place; it is kept for the backward.
struct SumHolder : torch::CustomClassHolder {
  explicit SumHolder(std::function<void(at::Tensor&)> sum_) : sum(std::move(sum_)) {}
  std::function<void(at::Tensor&)> sum;
};

struct SumOverRanks : torch::autograd::Function<SumOverRanks> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& tensor,
                            const c10::intrusive_ptr<SumHolder>& holder) {
    context->saved_data["sum"] = c10::IValue::make_capsule(holder);
    at::Tensor total = tensor.detach().clone(at::MemoryFormat::Contiguous);
    holder->sum(total);
    return total;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto holder = c10::static_intrusive_pointer_cast<SumHolder>(context->saved_data["sum"].toCapsule());
    at::Tensor total = grads[0].clone(at::MemoryFormat::Contiguous);
    holder->sum(total);
    return {total, at::Tensor()};
  }
};

}  // namespace

at::Tensor World::all_reduce_sum_autograd(const at::Tensor& tensor) const {
  if (!state_) return tensor;
  const auto holder = c10::make_intrusive<SumHolder>(
      [state = state_](at::Tensor& total) { World(state).all_reduce_sum(total); });
  return SumOverRanks::apply(tensor, holder);
}

void World::barrier() const {
  at::Tensor one = at::zeros({1}, at::kInt);
  all_reduce_sum(one);
}

namespace {

at::Tensor bytes_of(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<std::int64_t>(text.size()), 1}, at::kByte);
  std::copy(text.begin(), text.end(), reinterpret_cast<char*>(bytes.mutable_data_ptr<std::uint8_t>()));
  return bytes;
}

std::string text_of(const at::Tensor& bytes) {
  const auto* data = reinterpret_cast<const char*>(bytes.const_data_ptr<std::uint8_t>());
  return {data, static_cast<std::size_t>(bytes.numel())};
}

// The first line in which they differ: "'lr: 0.1' instead of 'lr: 0.2'".
std::string first_difference(const std::string& own, const std::string& expected) {
  const auto common = std::mismatch(own.begin(), own.end(), expected.begin(), expected.end());
  const auto at = static_cast<std::size_t>(common.first - own.begin());
  const auto line = [&](const std::string& text) {
    const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    constexpr std::size_t kShown = 120;
    return text.substr(begin, std::min(text.find('\n', at) - begin, kShown));
  };
  return fmt::format("'{}' instead of '{}'", line(own), line(expected));
}

}  // namespace

void World::require_same(const std::string& what, const std::string& text) const {
  if (!state_) return;
  const std::string first = text_of(all_gather_rows(rank() == 0 ? bytes_of(text) : bytes_of("")));
  const std::string fault =
      text == first ? "" : fmt::format("{}: {}\n", state_->names[rank()], first_difference(text, first));
  const std::string faults = text_of(all_gather_rows(bytes_of(fault)));
  if (faults.empty()) return;
  fail(ErrorCategory::usage, "{} must be the same for all processes, but differs from rank 0's for {}", what,
       faults.substr(0, faults.find('\n')));
}

void World::announce_failure(const std::string& message) const noexcept {
  if (state_) state_->liveness->announce_failure(message);
}

}  // namespace pillar
