// A head of your own on a tower that stays as it is: a linear layer learns to tell two scans apart.
//   head MODEL SCAN SCAN
#include <cstdio>

#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <pillar/core/error.h>
#include <pillar/data/load_model_input.h>
#include <pillar/model/atlas.h>
#include <pillar/model/model_folder.h>
#include <pillar/train/optimizer.h>
#include <pillar/windows/windowed_volume.h>

int main(int argc, char** argv) try {
  if (argc != 4) throw pillar::Error(pillar::ErrorCategory::usage, "head takes MODEL SCAN SCAN");
  const pillar::ModelFolder model = pillar::open_model_folder(argv[1]);
  // "": the model's only tower.
  const pillar::Atlas atlas(model.config, "", pillar::load_weights(model.path), model.path.string());
  const pillar::PreprocessSpec spec = model.preprocessing(atlas.tower());
  const auto features = [&](const char* path) {  // no weight of the tower asks for a gradient
    pillar::Notes notes;
    const at::Tensor voxels_bcdhw = pillar::load_model_input(path, spec, notes).voxels_cdhw.unsqueeze(0);
    const pillar::WindowedVolume windows(voxels_bcdhw, pillar::tower_windows(spec, atlas.tower()));
    return atlas.forward(windows.all_bcdhw(at::kFloat), {.want_activ = true}).activ.flatten(2).mean(-1);
  };
  const at::Tensor rows = at::cat({features(argv[2]), features(argv[3])});
  pillar::AdamW optimizer({{"weight", at::zeros({rows.size(1)}).requires_grad_()}}, {});
  for (int step = 0; step < 5; ++step, pillar::clear_gradients(optimizer.parameters())) {
    const at::Tensor logits = (rows - rows.mean(0, true)).matmul(optimizer.parameters()[0].second);
    const at::Tensor loss = at::binary_cross_entropy_with_logits(logits, at::tensor({1.0f, 0.0f}));
    loss.backward();
    optimizer.step(1e-3);
    std::printf("%d %.6f\n", step, loss.item<double>());
  }
} catch (const pillar::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return static_cast<int>(pillar::exit_code(error.category()));
}
