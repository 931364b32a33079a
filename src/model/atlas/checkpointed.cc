#include "model/atlas/checkpointed.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace pillar {
namespace {

using torch::autograd::variable_list;

// Inputs: the scales, then every parameter of the block, so that gradients of both come out of one call.
struct Checkpoint : torch::autograd::Function<Checkpoint> {
  static variable_list forward(torch::autograd::AutogradContext* context, const AtlasBlock* block,
                               const PassOptions& pass, std::int64_t scale_count, at::TensorList inputs) {
    context->saved_data["block"] = reinterpret_cast<std::int64_t>(block);
    context->saved_data["scales"] = scale_count;
    context->saved_data["device"] = pass.execution.device;
    context->saved_data["compute"] = static_cast<std::int64_t>(pass.execution.compute);
    context->saved_data["train"] = pass.train;
    context->saved_data["seed"] = static_cast<std::int64_t>(pass.seed);
    context->save_for_backward(variable_list(inputs.begin(), inputs.end()));
    ScaleTokens scales;
    for (std::int64_t i = 0; i < scale_count; ++i)
      scales.push_back(inputs[i].clone());  // the block works in place here
    PassOptions first = pass;
    first.execution.gradients = false;
    (*block)(scales, first);
    return scales;
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& grads) {
    const auto* block = reinterpret_cast<const AtlasBlock*>(context->saved_data["block"].toInt());
    const std::int64_t scale_count = context->saved_data["scales"].toInt();
    const PassOptions pass{{context->saved_data["device"].toDevice(),
                            static_cast<at::ScalarType>(context->saved_data["compute"].toInt()), true},
                           context->saved_data["train"].toBool(),
                           static_cast<std::uint64_t>(context->saved_data["seed"].toInt())};
    variable_list inputs = context->get_saved_variables();
    const at::AutoGradMode with_gradients(true);
    ScaleTokens scales;
    for (std::int64_t i = 0; i < scale_count; ++i) {
      inputs[i] = inputs[i].detach().requires_grad_(true);
      scales.push_back(inputs[i]);
    }
    (*block)(scales, pass);
    variable_list outputs, output_grads, wanted, result(3);
    for (std::size_t i = 0; i < scales.size(); ++i) {
      if (!grads[i].defined()) continue;
      outputs.push_back(scales[i]);
      output_grads.push_back(grads[i]);
    }
    std::vector<bool> asked;
    for (const at::Tensor& input : inputs) {
      asked.push_back(input.requires_grad());
      if (asked.back()) wanted.push_back(input);
    }
    const variable_list found = torch::autograd::grad(outputs, wanted, output_grads, false, false, true);
    std::size_t next = 0;
    for (const bool was_asked : asked) result.push_back(was_asked ? found[next++] : at::Tensor());
    return result;
  }
};

}  // namespace

void run_checkpointed(const AtlasBlock& block, ScaleTokens& scales, const PassOptions& pass) {
  if (!pass.execution.gradients) return block(scales, pass);
  std::vector<at::Tensor> inputs = scales;
  for (const at::Tensor& parameter : block.parameters()) inputs.push_back(parameter);
  scales = Checkpoint::apply(&block, pass, static_cast<std::int64_t>(scales.size()), at::TensorList(inputs));
}

}  // namespace pillar
