// A frozen Atlas tower: from stored voxels to embeddings, exact and lean.
#pragma once

#include "pillar/model/atlas.h"
#include "pillar/model/model_folder.h"
#include "pillar/model/token_scales.h"
#include "pillar/windows/window.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct EncoderOptions {
  std::string modality;  // tower to load; empty: the only one
  // Of matrix products and convolutions: fp32; bf16; tf32 (a GPU's fp32 with rounded factors); auto: bf16
  // where it is native.
  std::string dtype = "auto";
  std::string device = "auto";  // cpu, cuda, cuda:N; auto: cuda where there is one
  int slab_slices = 0;          // voxel slices the stem takes at a time; 0: chosen from the size
  // Of a GPU, for readout(): the first call with so many volumes records its work as a CUDA graph, which
  // later ones replay. It keeps the memory of a pass for each such number. Error(usage) on a CPU,
  // Error(unsupported) where the pass cannot be recorded.
  bool cuda_graphs = false;
};

// Where the seconds of a call went: by the clock on a CPU, by the device's own events on a GPU, for which the
// call waits at its end.
struct ReadoutTimes {
  double windows_s = 0;          // statistics and windowing; on a GPU with the copy of the voxels
  double stem_s = 0;             // convolutions
  std::vector<double> stages_s;  // attention and perceptrons, one entry a stage; with CUDA graphs in stem_s
  ReadoutTimes& operator+=(const ReadoutTimes& more);
};

struct ReadoutPlaces {
  at::Tensor readout_bn;  // as Encoder::readout()
  at::Tensor places_bn;   // (B, stages*dim) int64 on the CPU, AtlasOutput::places
};

// Weights are read once; calls do not change it and may come from several threads.
class Encoder {
 public:
  // Tensors of heads beside the tower's are left alone. Throws Error(io | input): every missing, surplus and
  // misshapen tensor at once, NaN weights by name; Error(usage) for an unknown modality, dtype or device.
  static Encoder load(const ModelFolder& model, const EncoderOptions& options = {});
  // The model that open_model_folder(model) opens.
  static Encoder load(const std::filesystem::path& model, const EncoderOptions& options = {});
  Encoder(Encoder&&) noexcept;
  Encoder& operator=(Encoder&&) noexcept;
  ~Encoder();

  const AtlasConfig& config() const noexcept;
  const TowerConfig& tower() const noexcept;
  at::Device device() const noexcept;
  at::ScalarType dtype() const noexcept;  // float32 or bfloat16
  std::string dtype_name() const;         // fp32, tf32 or bf16: the arithmetic of its products

  // voxels_bcdhw: (B,C,D,H,W) int16, uint16 or float32 on the CPU, D,H,W the tower's size, C * windows its
  // in_chans (else Error(input) says what was expected). Returns (B, stages*dim) float32 on the CPU: the
  // maximum over all tokens of each scale, finest first.
  // `times`, if given, is added to.
  at::Tensor readout(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                     ReadoutTimes* times = nullptr) const;

  // The same pass, which also keeps the token that each number of the readout is the maximum of. The grids
  // that they are counted on: token_scales().
  ReadoutPlaces readout_with_places(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows) const;
  std::vector<TokenScale> token_scales() const;

  // What a linear layer on readouts, weight_qn (Q, stages*dim), makes of each token alone: for each scale (B,
  // Q, d, h, w) float32 on the CPU, the token's values times that scale's part of the weights.
  std::vector<at::Tensor> token_products(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                                         const at::Tensor& weight_qn) const;

  // The same pass, for heads of finetuning: on the encoder's device, with the maps of all scales
  // (AtlasOutput::activ, in dtype()) if they are wanted.
  AtlasOutput features(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows, bool want_activ,
                       ReadoutTimes* times = nullptr) const;

  // What one readout() call of `batch` volumes will need at its peak, weights included.
  std::uint64_t estimated_bytes(std::int64_t batch) const;
  // What it will need of the memory of its device: on a GPU without cuDNN's scratch, which comes on top.
  std::uint64_t estimated_device_bytes(std::int64_t batch) const;

 private:
  struct State;
  struct Copies;
  AtlasOutput run(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows, AtlasPass pass,
                  ReadoutTimes* times, Copies* copies = nullptr) const;
  at::Tensor image_on_device(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                             const at::Tensor& into_bcdhw) const;
  at::Tensor recorded_readout(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows,
                              ReadoutTimes* times) const;
  explicit Encoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// at::normalize over the last axis: (B,N) float32 rows of length 1.
at::Tensor l2_normalize_rows(const at::Tensor& rows);

}  // namespace pillar
