#include "nn/shared/attention.h"

#include "device/shared/cuda_module.h"
#include "device/shared/cuda_tensor.h"
#include "nn/attention_part.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/bernoulli.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pillar {
namespace {

// (windows, tokens, heads, width) -> (groups, heads, windows/groups * tokens, width): the windows of a group
// as one query.
at::Tensor by_group(const at::Tensor& x, std::int64_t groups) {
  return x.view({groups, -1, x.size(2), x.size(3)}).transpose(1, 2);
}
// Back: contiguous where the kernel wrote its output token by token, as LibTorch's do.
at::Tensor by_window(const at::Tensor& x, at::IntArrayRef windows) {
  return x.transpose(1, 2).contiguous().view(windows);
}
// (windows, tokens, heads) <-> (groups, heads, tokens): log-sum-exps.
at::Tensor lse_by_group(const at::Tensor& x, std::int64_t groups) {
  return x.view({groups, -1, x.size(2)}).transpose(1, 2);
}
at::Tensor lse_by_window(const at::Tensor& x, at::IntArrayRef windows) {
  return x.transpose(1, 2).contiguous().view(windows.slice(0, 3));
}

at::Tensor heads_first(const at::Tensor& x) {
  return x.transpose(1, 2);
}

struct Merged {
  at::Tensor out;  // (windows, tokens, heads, width)
  at::Tensor lse;  // (windows, tokens, heads) float32
};

Merged merge(Merged a, const Merged& b) {
  const at::Tensor lse = at::logaddexp(a.lse, b.lse);
  const at::Tensor wa = at::exp(a.lse - lse).unsqueeze_(-1), wb = at::exp(b.lse - lse).unsqueeze_(-1);
  const at::ScalarType dtype = a.out.scalar_type();
  if (dtype == at::kFloat) return {a.out.mul_(wa).addcmul_(b.out, wb), lse};
  return {(a.out.to(at::kFloat).mul_(wa).addcmul_(b.out.to(at::kFloat), wb)).to(dtype), lse};
}

Merged merge_by_kernel(const Merged& a, const Merged& b, const CudaModule& kernels) {
  Merged both{a.out, at::empty_like(a.lse)};
  PillarCudaMergeJob job = {};
  job.out = a.out.mutable_data_ptr();
  job.lse = a.lse.const_data_ptr<float>();
  job.other = b.out.const_data_ptr();
  job.other_lse = b.lse.const_data_ptr<float>();
  job.merged_lse = both.lse.mutable_data_ptr<float>();
  job.rows = a.lse.numel();
  job.width = a.out.size(-1);
  job.type = cuda_type(a.out.scalar_type());
  job.device = cuda_index(a.out.device());
  check_cuda(kernels.merge(&job, current_stream(a.out.device())), kernels, "attention over several scales");
  return both;
}

// All contiguous, as by_window() and lse_by_window() make them.
Merged merge(Merged a, const Merged& b, const CudaModule* kernels) {
  if (kernels != nullptr && a.out.size(-1) % 4 == 0) return merge_by_kernel(a, b, *kernels);
  return merge(std::move(a), b);
}

// kernels: ours, or null; only where no backward follows, since they write over the first part's output.
Merged forward_parts(AttentionKernel kernel, const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                     const CudaModule* kernels) {
  Merged all;
  for (const KeyValuePart& part : parts) {
    const AttentionPart one = attention_forward(kernel, by_group(query, part.key.size(0)),
                                                heads_first(part.key), heads_first(part.value));
    Merged merged{by_window(one.out, query.sizes()), lse_by_window(one.lse, query.sizes())};
    all = all.out.defined() ? merge(std::move(all), merged, kernels) : std::move(merged);
  }
  return all;
}

// Inputs: the kernel, the query, then key and value of each part.
struct MergedAttention : torch::autograd::Function<MergedAttention> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, AttentionKernel kernel,
                            const at::Tensor& query, at::TensorList keys_values) {
    std::vector<KeyValuePart> parts;
    for (std::size_t i = 0; i < keys_values.size(); i += 2)
      parts.push_back({keys_values[i], keys_values[i + 1]});
    const Merged merged = forward_parts(kernel, query, parts, nullptr);
    context->saved_data["kernel"] = static_cast<std::int64_t>(kernel);
    torch::autograd::variable_list saved = {query, merged.out, merged.lse};
    saved.insert(saved.end(), keys_values.begin(), keys_values.end());
    context->save_for_backward(std::move(saved));
    return merged.out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &query = saved[0], &out = saved[1], &lse = saved[2];
    const at::Tensor grad = grads[0].contiguous();
    const auto kernel = static_cast<AttentionKernel>(context->saved_data["kernel"].toInt());
    torch::autograd::variable_list result(2);  // of the kernel, which has no gradient, and of the query
    for (std::size_t i = 3; i < saved.size(); i += 2) {
      const std::int64_t groups = saved[i].size(0);
      const AttentionGradients part =
          attention_backward(kernel, by_group(grad, groups), by_group(query, groups), heads_first(saved[i]),
                             heads_first(saved[i + 1]), by_group(out, groups), lse_by_group(lse, groups));
      const at::Tensor dq = by_window(part.q, query.sizes());
      result[1] = result[1].defined() ? result[1].add_(dq) : dq;
      result.push_back(part.k.transpose(1, 2));
      result.push_back(part.v.transpose(1, 2));
    }
    return result;
  }
};

}  // namespace

at::Tensor merged_attention(const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                            const Execution& execution) {
  const AttentionKernel kernel = attention_kernel(execution);
  if (!execution.gradients) return forward_parts(kernel, query.contiguous(), parts, execution.kernels).out;
  std::vector<at::Tensor> flat;
  for (const KeyValuePart& part : parts) {
    flat.push_back(part.key);
    flat.push_back(part.value);
  }
  return MergedAttention::apply(kernel, query.contiguous(), at::TensorList(flat));
}

at::Tensor merged_attention_with_dropout(const at::Tensor& query, const std::vector<KeyValuePart>& parts,
                                         double rate, const std::optional<at::Generator>& generator) {
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  const at::Tensor q = query.contiguous().to(at::kFloat);
  std::vector<at::Tensor> scores, lses;
  for (const KeyValuePart& part : parts) {
    const std::int64_t groups = part.key.size(0);
    scores.push_back(at::matmul(by_group(q, groups), heads_first(part.key).to(at::kFloat).transpose(-2, -1)) *
                     scale);
    lses.push_back(lse_by_window(at::logsumexp(scores.back(), {-1}), q.sizes()));
  }
  at::Tensor lse = lses[0];
  for (std::size_t i = 1; i < lses.size(); ++i) lse = at::logaddexp(lse, lses[i]);
  at::Tensor out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t groups = parts[i].key.size(0);
    at::Tensor weights = at::exp(scores[i] - lse_by_group(lse, groups).unsqueeze(-1));
    weights = weights * at::bernoulli(at::empty_like(weights).fill_(1 - rate), generator).div_(1 - rate);
    const at::Tensor one =
        by_window(at::matmul(weights, heads_first(parts[i].value).to(at::kFloat)), q.sizes());
    out = out.defined() ? out + one : one;
  }
  return out.to(query.scalar_type());
}

}  // namespace pillar
