// A head of your own on a tower that stays as it is: a linear layer learns to tell two scans apart.
//   linear_head MODEL SCAN SCAN
#include <cstdio>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <pillar/core/error.h>
#include <pillar/data/model_input.h>
#include <pillar/model/atlas.h>
#include <pillar/model/model_folder.h>
#include <pillar/windows/windowed_volume.h>

namespace {

// (1, stages * dim): what every scale saw, averaged over the volume.
at::Tensor features(const pillar::Atlas& atlas, const pillar::PreprocessSpec& spec, const char* path) {
  const at::NoGradGuard no_gradients;  // the tower is frozen
  const pillar::OpenedScan scan = pillar::open_scan({path, ""}, {pillar::prepare_options(spec)});
  std::vector<std::string> notes;
  const at::Tensor voxels_cdhw = pillar::model_input(scan.read(), spec, notes).voxels_cdhw;
  for (const std::string& note : notes) std::fprintf(stderr, "%s: %s\n", path, note.c_str());
  const pillar::WindowedVolume windowed(voxels_cdhw.unsqueeze(0),
                                        pillar::parse_windows(spec.windows, spec.family));
  pillar::AtlasPass pass;
  pass.want_activ = true;
  return atlas.forward(windowed.all_bcdhw(at::kFloat), pass).activ.flatten(2).mean(-1);
}

void run(const std::filesystem::path& path, const char* first, const char* second) {
  const pillar::ModelFolder model = pillar::open_model_folder(path);
  const pillar::TowerConfig& tower = model.config.tower("");
  const pillar::Atlas atlas(model.config, tower.modality, pillar::load_weights(model.path),
                            model.path.string());
  const pillar::PreprocessSpec spec = model.preprocessing(tower);

  const at::Tensor x = at::cat({features(atlas, spec, first), features(atlas, spec, second)});
  const at::Tensor inputs = x - x.mean(0, true);
  const at::Tensor labels = at::tensor({1.0f, 0.0f});
  at::Tensor weight = at::zeros({x.size(1)}, at::kFloat).requires_grad_();
  for (int step = 0; step < 5; ++step) {
    const at::Tensor loss = at::binary_cross_entropy_with_logits(inputs.matmul(weight), labels);
    loss.backward();
    std::printf("%d %.6f\n", step, loss.item<double>());
    const at::NoGradGuard no_gradients;
    weight.sub_(weight.grad(), 1.0);
    weight.mutable_grad().reset();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: linear_head MODEL SCAN SCAN\n");
    return 2;
  }
  try {
    run(argv[1], argv[2], argv[3]);
  } catch (const pillar::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
