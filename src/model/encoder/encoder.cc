#include "pillar/model/encoder.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/device/device.h"
#include "pillar/device/device_clock.h"
#include "pillar/windows/windowed_volume.h"

#include "core/shared/joined.h"
#include "device/shared/cuda_module.h"
#include "device/shared/queued_copy.h"
#include "device/shared/recorded_work.h"
#include "device/shared/tf32.h"
#include "model/atlas/patch_embed.h"
#include "model/atlas/stages.h"
#include "model/atlas/weights_load.h"
#include "model/atlas/window_grid.h"
#include "model/encoder/device_memory.h"
#include "model/encoder/pass_times.h"
#include "model/encoder/streamed_stem.h"
#include "model/encoder/whole_stem.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <variant>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/norm.h>

namespace pillar {
namespace {

enum class Arithmetic { fp32, tf32, bf16 };

Arithmetic parse_arithmetic(const std::string& text, const at::Device& device) {
  if (text == "fp32") return Arithmetic::fp32;
  if (text == "bf16") return Arithmetic::bf16;
  if (text == "tf32") {
    if (!device.is_cuda()) fail(ErrorCategory::usage, "tf32 is arithmetic of GPUs; a CPU has fp32 and bf16");
    return Arithmetic::tf32;
  }
  const bool native = device.is_cuda() || __builtin_cpu_supports("avx512bf16");
  if (text == "auto") return native ? Arithmetic::bf16 : Arithmetic::fp32;
  fail(ErrorCategory::usage, "unknown dtype '{}'; one of auto, fp32, tf32, bf16", text);
}

std::string to_string(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::fp32:
      return "fp32";
    case Arithmetic::tf32:
      return "tf32";
    case Arithmetic::bf16:
      break;
  }
  return "bf16";
}

}  // namespace

// A pass as a CUDA graph, and the image that it reads.
struct RecordedPass {
  at::Tensor image_bcdhw;
  RecordedWork work;
};

struct Encoder::State {
  AtlasConfig config;
  TowerConfig tower;
  Execution execution;
  Arithmetic arithmetic;
  int slab_slices;
  std::uint64_t weight_bytes = 0, stem_bytes = 0;
  std::variant<std::monostate, StreamedStem, WholeStem> stem;  // on a CPU, on a GPU
  std::optional<Stages> stages;
  Size3 tokens_dhw;
  PatchEmbedKind kind = PatchEmbedKind::generic;
  std::mutex queueing;  // and what follows
  bool cuda_graphs = false;
  std::map<std::int64_t, RecordedPass> recorded;  // by the number of volumes
};

Encoder Encoder::load(const std::filesystem::path& model, const EncoderOptions& options) {
  return load(open_model_folder(model), options);
}

Encoder Encoder::load(const ModelFolder& model, const EncoderOptions& options) {
  auto state = std::make_unique<State>();
  Execution& execution = state->execution;
  execution.device = parse_device(options.device);
  state->cuda_graphs = options.cuda_graphs;
  if (options.cuda_graphs && !execution.device.is_cuda())
    fail(ErrorCategory::usage, "CUDA graphs are for GPUs, not for {}", execution.device.str());
  state->arithmetic = parse_arithmetic(options.dtype, execution.device);
  execution.compute = state->arithmetic == Arithmetic::bf16 ? at::kBFloat16 : at::kFloat;
  state->slab_slices = options.slab_slices;
  state->config = model.config;
  state->tower = state->config.tower(options.modality);
  const at::NoGradGuard no_gradients;
  MappedFiles files;
  WeightMap weights = load_weights(model.path, files);
  const PatchEmbedKind kind = infer_patch_embed(state->tower, weights);
  const std::vector<WeightSpec> expected = expected_weights(state->config, state->tower, kind);
  check_weights(weights, expected, model.path.string());
  for (const WeightSpec& spec : expected) state->weight_bytes += weights.at(spec.name).nbytes();
  if (!execution.device.is_cpu()) {
    for (auto& [name, tensor] : weights) tensor = tensor.to(execution.device);
  }
  const Scope visual(weights, "visual");
  state->kind = kind;
  state->tokens_dhw = embedded_tokens_dhw(kind, state->tower.size_dhw());
  const PatchEmbed embed(visual / "patch_embeds" / state->tower.modality, kind);
  state->stem_bytes = StreamedStem::estimated_bytes(embed, state->tower.size_dhw(), state->slab_slices);
  if (execution.device.is_cpu()) {
    state->stem.emplace<StreamedStem>(embed, execution.compute);
  } else {
    execution.kernels = &cuda_module();
    state->stem.emplace<WholeStem>(embed, execution.compute, execution.kernels);
  }
  if (execution.device.is_cuda()) {
    const TokenMemory memory = token_memory(state->config, state->tokens_dhw, 1, execution.compute);
    execution.tokens_at_once = tokens_that_fit(memory, free_device_bytes(execution.device));
  }
  state->stages.emplace(visual, state->config, state->tower, state->tokens_dhw);
  state->stages->freeze(execution.compute);
  for (const auto& file : files) file->release_pages();  // what was folded, packed and copied
  return Encoder(std::move(state));
}

Encoder::Encoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

const AtlasConfig& Encoder::config() const noexcept {
  return state_->config;
}
const TowerConfig& Encoder::tower() const noexcept {
  return state_->tower;
}
at::Device Encoder::device() const noexcept {
  return state_->execution.device;
}
at::ScalarType Encoder::dtype() const noexcept {
  return state_->execution.compute;
}
std::string Encoder::dtype_name() const {
  return to_string(state_->arithmetic);
}

namespace {

void check_volume(const at::Tensor& v, const TowerConfig& tower, std::size_t windows) {
  const Size3 size = tower.size_dhw();
  if (v.dim() != 5 || v.size(2) != size[0] || v.size(3) != size[1] || v.size(4) != size[2]) {
    fail(ErrorCategory::input, "modality {} takes volumes of (B, C, {}, {}, {}), not ({})", tower.modality,
         size[0], size[1], size[2], joined(v.sizes(), ", "));
  }
  const std::int64_t channels = v.size(1) * static_cast<std::int64_t>(windows);
  if (channels != tower.in_chans) {
    fail(ErrorCategory::input, "modality {} takes {} channels; {} volume{} through {} windows give {}",
         tower.modality, tower.in_chans, v.size(1), v.size(1) == 1 ? "" : "s", windows, channels);
  }
}

// Seconds since the last call.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

AtlasOutput joined_samples(const std::vector<AtlasOutput>& samples) {
  if (samples.size() == 1) return samples.front();
  const auto join = [&](at::Tensor AtlasOutput::*part) {
    std::vector<at::Tensor> parts;
    for (const AtlasOutput& sample : samples) parts.push_back(sample.*part);
    return parts.empty() || !parts.front().defined() ? at::Tensor() : at::cat(parts);
  };
  return {join(&AtlasOutput::readout), join(&AtlasOutput::pooled), join(&AtlasOutput::activ),
          join(&AtlasOutput::places)};
}

}  // namespace

ReadoutTimes& ReadoutTimes::operator+=(const ReadoutTimes& more) {
  windows_s += more.windows_s;
  stem_s += more.stem_s;
  stages_s.resize(std::max(stages_s.size(), more.stages_s.size()));
  for (std::size_t s = 0; s < more.stages_s.size(); ++s) stages_s[s] += more.stages_s[s];
  return *this;
}

// What a pass leaves on the CPU.
struct Encoder::Copies {
  std::optional<QueuedCopy> readout, places;
  void queue(const AtlasOutput& out) {
    readout.emplace(out.readout);
    if (out.places.defined()) places.emplace(out.places);
  }
};

at::Tensor Encoder::readout(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                            ReadoutTimes* times) const {
  if (state_->cuda_graphs) return recorded_readout(voxels_bcdhw, windows, times);
  Copies copies;
  run(voxels_bcdhw, windows, {}, times, &copies);
  return copies.readout->wait();
}

AtlasOutput Encoder::features(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                              bool want_activ, ReadoutTimes* times) const {
  AtlasPass pass;
  pass.want_activ = want_activ;
  return run(voxels_bcdhw, windows, std::move(pass), times);
}

ReadoutPlaces Encoder::readout_with_places(const at::Tensor& voxels_bcdhw,
                                           const std::vector<Window>& windows) const {
  AtlasPass pass;
  pass.want_places = true;
  Copies copies;
  run(voxels_bcdhw, windows, std::move(pass), nullptr, &copies);
  return {copies.readout->wait(), copies.places->wait()};
}

std::vector<TokenScale> Encoder::token_scales() const {
  return pillar::token_scales(state_->config, state_->tower, state_->kind);
}

std::vector<at::Tensor> Encoder::token_products(const at::Tensor& voxels_bcdhw,
                                                const std::vector<Window>& windows,
                                                const at::Tensor& weight_qn) const {
  const std::int64_t dim = state_->config.dim, width = state_->config.readout_width();
  if (weight_qn.dim() != 2 || weight_qn.size(1) != width)
    fail(ErrorCategory::input, "weights of ({}) for readouts of {}", joined(weight_qn.sizes(), ", "), width);
  const std::vector<ScaleLayout> layout = scale_layout(state_->tower, state_->tokens_dhw);
  const at::Tensor weight = weight_qn.to(device(), at::kFloat);
  std::vector<std::vector<at::Tensor>> of_scale(state_->config.stages.size());
  AtlasPass pass;
  pass.observe = [&](const AtlasPlace& place, const at::Tensor& tokens) {
    if (place.scale != place.stage) return;  // a coarser scale, which a later stage emits
    const auto s = static_cast<std::size_t>(place.stage);
    const at::Tensor products = tokens.to(at::kFloat).matmul(weight.narrow(1, place.stage * dim, dim).t());
    const at::Tensor grid = windows_to_grid(products, layout[s].cut_grid, layout[s].cut_window);
    of_scale[s].push_back(grid.permute({0, 4, 1, 2, 3}).contiguous().to(at::kCPU));
  };
  run(voxels_bcdhw, windows, std::move(pass), nullptr);
  std::vector<at::Tensor> products;
  for (const std::vector<at::Tensor>& samples : of_scale) products.push_back(at::cat(samples));
  return products;
}

AtlasOutput Encoder::run(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows, AtlasPass pass,
                         ReadoutTimes* times, Copies* copies) const {
  check_volume(voxels_bcdhw, state_->tower, windows.size());
  const at::NoGradGuard no_gradients;
  pass.execution = state_->execution;
  if (std::holds_alternative<WholeStem>(state_->stem)) {
    // Of several threads one queues its whole pass before the next: results come in turn, while the others'
    // CPU parts go on.
    const std::lock_guard queueing(state_->queueing);
    const Tf32Products tf32(state_->arithmetic == Arithmetic::tf32);
    PassTimes parts(pass.execution.device, times);
    at::Tensor image = image_on_device(voxels_bcdhw, windows, {});
    parts.mark();
    at::Tensor grid = std::get<WholeStem>(state_->stem)(std::move(image));
    parts.mark();
    parts.watch(pass);
    AtlasOutput out = (*state_->stages)(std::move(grid), pass);
    if (copies) copies->queue(out);
    parts.finish();
    return out;
  }
  ReadoutTimes spent;
  spent.stages_s.resize(state_->config.stages.size());
  Stopwatch watch;
  const WindowedVolume windowed(voxels_bcdhw, windows);
  spent.windows_s += watch.lap();
  const auto& stem = std::get<StreamedStem>(state_->stem);
  pass.observe = [&, asked = std::move(pass.observe)](const AtlasPlace& place, const at::Tensor& tokens) {
    spent.stages_s[static_cast<std::size_t>(place.stage)] += watch.lap();
    if (asked) asked(place, tokens);
  };
  std::vector<AtlasOutput> samples;
  for (std::int64_t b = 0; b < voxels_bcdhw.size(0); ++b) {
    const SlabReader read = [&](std::int64_t first, std::int64_t last) {
      spent.stem_s += watch.lap();
      const at::Tensor slab = windowed.slab_dhwc(b, first, last, at::kFloat);
      spent.windows_s += watch.lap();
      return slab;
    };
    at::Tensor grid = stem(read, state_->tower.size_dhw(), state_->slab_slices).unsqueeze_(0);
    spent.stem_s += watch.lap();
    samples.push_back((*state_->stages)(std::move(grid), pass));
  }
  if (times) *times += spent;
  AtlasOutput out = joined_samples(samples);
  if (copies) copies->queue(out);
  return out;
}

at::Tensor Encoder::image_on_device(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                                    const at::Tensor& into_bcdhw) const {
  const Execution& execution = state_->execution;
  const std::int64_t channels = std::get<WholeStem>(state_->stem).channels();
  return WindowedVolume::on_cuda(voxels_bcdhw, windows,
                                 {execution.device, execution.compute, channels, false, into_bcdhw});
}

at::Tensor Encoder::recorded_readout(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                                     ReadoutTimes* times) const {
  check_volume(voxels_bcdhw, state_->tower, windows.size());
  const at::NoGradGuard no_gradients;
  std::unique_lock queueing(state_->queueing);
  const Tf32Products tf32(state_->arithmetic == Arithmetic::tf32);
  auto recorded = state_->recorded.find(voxels_bcdhw.size(0));
  if (recorded == state_->recorded.end()) {
    const at::Tensor image = image_on_device(voxels_bcdhw, windows, {});
    AtlasPass pass;
    pass.execution = state_->execution;
    RecordedWork work(device(), "the pass of this model", [&] {
      return (*state_->stages)(std::get<WholeStem>(state_->stem)(image), pass).readout;
    });
    recorded = state_->recorded.emplace(voxels_bcdhw.size(0), RecordedPass{image, std::move(work)}).first;
  }
  PassTimes parts(device(), times);
  image_on_device(voxels_bcdhw, windows, recorded->second.image_bcdhw);
  parts.mark();
  const QueuedCopy readout(recorded->second.work.replay());  // before the next one is queued
  parts.mark();
  parts.finish();
  if (times) times->stages_s.resize(state_->config.stages.size());
  queueing.unlock();
  return readout.wait();
}

std::uint64_t Encoder::estimated_bytes(std::int64_t batch) const {
  // Samples go one by one: only the voxels of a batch add up. Of the tokens: the grid, the finest scale, and
  // what one run of windows needs.
  const Size3 &t = state_->tokens_dhw, size = state_->tower.size_dhw();
  const auto tokens =
      static_cast<std::uint64_t>(t[0] * t[1] * t[2]) * static_cast<std::uint64_t>(state_->config.dim);
  const auto voxels = static_cast<std::uint64_t>(size[0] * size[1] * size[2] * batch);
  constexpr std::uint64_t kRun = 2048 * 16, kProgram = 200u << 20;
  return state_->weight_bytes * 5 / 4 + state_->stem_bytes +
         (3 * tokens + kRun * static_cast<std::uint64_t>(state_->config.dim)) * sizeof(float) + 4 * voxels +
         kProgram;
}

std::uint64_t Encoder::estimated_device_bytes(std::int64_t batch) const {
  const auto* whole = std::get_if<WholeStem>(&state_->stem);
  if (whole == nullptr) return estimated_bytes(batch);
  const TokenMemory memory =
      token_memory(state_->config, state_->tokens_dhw, batch, state_->execution.compute);
  const auto rows = static_cast<std::uint64_t>(
      state_->execution.tokens_at_once > 0 ? state_->execution.tokens_at_once : memory.rows);
  const std::uint64_t stem =
      whole->estimated_bytes(state_->tower.size_dhw()) * static_cast<std::uint64_t>(batch);
  return state_->weight_bytes + std::max(stem, memory.kept_bytes + rows * memory.row_bytes);
}

at::Tensor l2_normalize_rows(const at::Tensor& rows) {
  return rows / rows.norm(2, {1}, true).clamp_min(1e-12);
}

}  // namespace pillar
