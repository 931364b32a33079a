#include "model/atlas/checkpointed.h"

#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/custom_class.h>

namespace pillar {
namespace {

using torch::autograd::variable_list;

// A part on its way from the forward to the backward.
struct KeptPart : torch::CustomClassHolder {
  explicit KeptPart(const NetworkPart& part) : run(part) {}
  NetworkPart run;
};

// Tensors: the part's inputs, then its parameters, so that gradients of both come out of one call.
struct Checkpoint : torch::autograd::Function<Checkpoint> {
  static variable_list forward(torch::autograd::AutogradContext* context, const NetworkPart& part,
                               std::int64_t input_count, at::TensorList tensors) {
    context->saved_data["part"] = c10::IValue::make_capsule(c10::make_intrusive<KeptPart>(part));
    context->saved_data["inputs"] = input_count;
    context->save_for_backward(variable_list(tensors.begin(), tensors.end()));
    return part(variable_list(tensors.begin(), tensors.begin() + input_count), false);
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& grads) {
    const auto part = context->saved_data["part"].toCapsule();
    const std::int64_t input_count = context->saved_data["inputs"].toInt();
    variable_list tensors = context->get_saved_variables();
    for (std::int64_t i = 0; i < input_count; ++i)
      tensors[i] = tensors[i].detach().requires_grad_(tensors[i].requires_grad());
    const at::AutoGradMode with_gradients(true);
    variable_list again = static_cast<const KeptPart&>(*part).run(
        variable_list(tensors.begin(), tensors.begin() + input_count), true);
    torch::autograd::edge_list outputs, wanted;
    variable_list output_grads, result(2);
    for (std::size_t i = 0; i < again.size(); ++i) {
      if (!grads[i].defined()) continue;
      outputs.push_back(torch::autograd::impl::gradient_edge(again[i]));
      output_grads.push_back(grads[i]);
    }
    again.clear();  // gradients take the outputs' place, where these are of no use for them
    for (const at::Tensor& tensor : tensors) {
      if (tensor.requires_grad()) wanted.push_back(torch::autograd::impl::gradient_edge(tensor));
    }
    const variable_list found = torch::autograd::Engine::get_default_engine().execute(
        outputs, output_grads, /*keep_graph=*/false, /*create_graph=*/false, /*accumulate_grad=*/false,
        wanted);
    std::size_t next = 0;
    for (const at::Tensor& tensor : tensors)
      result.push_back(tensor.requires_grad() ? found[next++] : at::Tensor());
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> run_checkpointed(const NetworkPart& part, const std::vector<at::Tensor>& inputs,
                                         const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> tensors = inputs;
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  return Checkpoint::apply(part, static_cast<std::int64_t>(inputs.size()), at::TensorList(tensors));
}

void run_checkpointed(const AtlasBlock& block, ScaleTokens& scales, const PassOptions& pass) {
  if (!pass.execution.gradients) return block(scales, pass);
  const NetworkPart part = [&block, pass](const std::vector<at::Tensor>& inputs, bool again) {
    PassOptions options = pass;
    options.execution.gradients = again;
    ScaleTokens run = inputs;
    if (!again) {
      for (at::Tensor& tokens : run) tokens = tokens.clone();  // without gradients a block works in place
    }
    block(run, options);
    return run;
  };
  scales = run_checkpointed(part, scales, block.parameters());
}

}  // namespace pillar
