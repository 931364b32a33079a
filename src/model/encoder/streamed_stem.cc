#include "model/encoder/streamed_stem.h"

#include "model/encoder/slice_pipeline.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/zeros.h>

namespace pillar {
namespace {

// A view of rows that someone else owns.
at::Tensor view_of(const float* data, std::int64_t rows, const SliceSource& map) {
  return at::from_blob(const_cast<float*>(data), {rows, map.size_dhw()[1], map.size_dhw()[2], map.channels()},
                       at::kFloat);
}

// What the convolutions of one run share.
struct Work {
  int slices;  // of a map at a time
  at::Tensor* scratch;
};

enum class Activation { none, relu, gelu };

void activate(Activation activation, at::Tensor rows) {
  if (activation == Activation::relu) rows.relu_();
  if (activation == Activation::gelu) at::gelu_(rows);
}

class ImageSlices : public SliceSource {
 public:
  ImageSlices(const SlabReader& image, const Size3& size, std::int64_t channels)
      : SliceSource(size, channels, size[0]), image_(image) {}
  void write_some(std::int64_t first, std::int64_t last, float* to) override {
    view_of(to, last - first, *this).copy_(image_(first, last));
  }

 private:
  const SlabReader& image_;
};

class ConvSlices : public SliceSource {
 public:
  // `releases`: this is the only reader of `input`.
  ConvSlices(const FoldedConv& conv, Activation activation, const Work& work,
             std::shared_ptr<SliceCache> input, bool releases = true)
      : SliceSource(convolved(input->source().size_dhw(), conv.step), conv.out_channels, work.slices),
        conv_(conv),
        activation_(activation),
        scratch_(*work.scratch),
        input_(std::move(input)),
        releases_(releases) {}

  void write_some(std::int64_t first, std::int64_t last, float* to) override {
    const std::int64_t stride = conv_.step.stride_dhw[0], padding = conv_.step.padding_dhw[0];
    const std::int64_t begin = first * stride - padding, end = (last - 1) * stride - padding + 3;
    if (releases_) input_->release(begin);
    const SliceRows in = input_->up_to(end);
    if (conv_.winograd) {
      (*conv_.winograd)(in, size_dhw()[1], size_dhw()[2], first, last, to, scratch_);
    } else {
      direct(in, begin, end, to, last - first);
    }
    activate(activation_, view_of(to, last - first, *this));
  }

 private:
  void direct(const SliceRows& in, std::int64_t begin, std::int64_t end, float* to, std::int64_t count) {
    const SliceSource& map = input_->source();
    const std::int64_t from = std::max(begin, in.first), until = std::min(end, in.last);
    at::Tensor x = view_of(in.data + (from - in.first) * map.slice_floats(), until - from, map)
                       .to(conv_.weight.scalar_type());
    if (from > begin || until < end) {  // zeros beyond the ends of the volume
      const at::Tensor padded = at::zeros({end - begin, x.size(1), x.size(2), x.size(3)}, x.options());
      padded.narrow(0, from - begin, until - from).copy_(x);
      x = padded;
    }
    const Size3 sides = {0, conv_.step.padding_dhw[1], conv_.step.padding_dhw[2]};
    const at::Tensor y = at::conv3d(x.permute({3, 0, 1, 2}).unsqueeze(0), conv_.weight, conv_.bias,
                                    conv_.step.stride_dhw, sides);
    view_of(to, count, *this).copy_(y.squeeze(0).permute({1, 2, 3, 0}));
  }

  const FoldedConv& conv_;
  Activation activation_;
  at::Tensor& scratch_;
  std::shared_ptr<SliceCache> input_;
  bool releases_;
};

// x + conv2(gelu(conv1(x)))
class ResidualSlices : public SliceSource {
 public:
  ResidualSlices(const std::pair<FoldedConv, FoldedConv>& convs, const Work& work,
                 std::unique_ptr<SliceSource> input)
      : SliceSource(input->size_dhw(), input->channels(), work.slices),
        input_(std::make_shared<SliceCache>(std::move(input))),
        // conv1 reads the sum's cache, always ahead of it.
        branch_(convs.second, Activation::none, work,
                std::make_shared<SliceCache>(
                    std::make_unique<ConvSlices>(convs.first, Activation::gelu, work, input_, false))) {}

  void write_some(std::int64_t first, std::int64_t last, float* to) override {
    branch_.write(first, last, to);
    const SliceRows x = input_->up_to(last);
    view_of(to, last - first, *this)
        .add_(view_of(x.data + (first - x.first) * slice_floats(), last - first, *this));
    input_->release(last);
  }

 private:
  std::shared_ptr<SliceCache> input_;
  ConvSlices branch_;
};

// LayerNorm over channels.
class NormSlices : public SliceSource {
 public:
  NormSlices(const LayerNorm& norm, std::unique_ptr<SliceSource> input)
      : SliceSource(input->size_dhw(), input->channels(), input->size_dhw()[0]),
        norm_(norm),
        input_(std::move(input)) {}
  void write_some(std::int64_t first, std::int64_t last, float* to) override {
    input_->write(first, last, to);
    const at::Tensor rows = view_of(to, last - first, *this);
    rows.copy_(norm_(rows));
  }

 private:
  const LayerNorm& norm_;
  std::unique_ptr<SliceSource> input_;
};

}  // namespace

at::Tensor StreamedStem::view_tokens(const SlabReader& image, const Size3& size_dhw, int slices) const {
  at::Tensor scratch;
  const Work work{slices, &scratch};
  std::unique_ptr<SliceSource> map =
      std::make_unique<ImageSlices>(image, size_dhw, stem_.down[0].in_channels);
  for (const FoldedConv& step : stem_.down) {
    map = std::make_unique<ConvSlices>(step, Activation::relu, work,
                                       std::make_shared<SliceCache>(std::move(map)));
  }
  for (const auto& convs : stem_.residual)
    map = std::make_unique<ResidualSlices>(convs, work, std::move(map));
  map = std::make_unique<NormSlices>(stem_.norm, std::move(map));
  const Work token_work{std::max<int>(1, slices / static_cast<int>(stem_.ds1.step.stride_dhw[0])), &scratch};
  ConvSlices tokens(stem_.ds1, Activation::none, token_work, std::make_shared<SliceCache>(std::move(map)));
  const Size3 size = tokens.size_dhw();
  at::Tensor out = at::empty({size[0], size[1], size[2], tokens.channels()}, at::kFloat);
  tokens.write(0, size[0], out.mutable_data_ptr<float>());
  return out;
}

at::Tensor StreamedStem::operator()(const SlabReader& image, const Size3& size_dhw, int slices) const {
  if (slices < 1) slices = kDefaultSlices;
  slices = (slices + 1) / 2 * 2;  // whole Winograd tiles
  if (stem_.views == 1) return view_tokens(image, size_dhw, slices);
  const bool along_depth = view_axis(stem_.views, size_dhw[0]) == 2;
  Size3 view_size = size_dhw;
  view_size[along_depth ? 0 : 2] /= stem_.views;
  std::vector<at::Tensor> tokens;
  for (int v = 0; v < stem_.views; ++v) {
    const std::int64_t slice = along_depth ? v * view_size[0] : 0,
                       column = along_depth ? 0 : v * view_size[2];
    const SlabReader view = [&](std::int64_t first, std::int64_t last) {
      return image(slice + first, slice + last).narrow(2, column, view_size[2]);
    };
    tokens.push_back(view_tokens(view, view_size, slices) +
                     stem_.view_positions.select(1, v).view({1, 1, 1, -1}));
  }
  return at::cat(tokens, 2);
}

std::uint64_t StreamedStem::estimated_bytes(const PatchEmbed& embed, const Size3& size_dhw, int slices) {
  constexpr std::int64_t kHalo = 4;  // slices a cache keeps beside those in work
  const std::int64_t in_work = slices > 0 ? slices : kDefaultSlices;
  Size3 size = size_dhw;
  std::int64_t floats = 0, reach = in_work;
  std::vector<std::int64_t> slice;
  for (const PatchEmbed::Down& each : embed.down) {
    size = convolved(size, each.conv.step);
    slice.push_back(size[1] * size[2] * each.conv.weight.size(0));
  }
  floats += (2 * static_cast<std::int64_t>(embed.residual.size()) + 2) * (in_work + kHalo) * slice.back();
  const std::int64_t image_slice = size_dhw[1] * size_dhw[2] * embed.down[0].conv.weight.size(1) * 2;
  for (std::size_t i = embed.down.size(); i-- > 0;) {  // towards the image a slab gets deeper
    reach = reach * embed.down[i].conv.step.stride_dhw[0] + 2;
    floats += (reach + kHalo) * (i > 0 ? slice[i - 1] : image_slice);
  }
  return static_cast<std::uint64_t>(floats) * sizeof(float);
}

}  // namespace pillar
