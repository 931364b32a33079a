// Each axis by itself: every input row is interpolated along x once, every output plane along y once, then
// along z.
#include "image/resample/resample_kernels.h"
#include "image/voxel_types.h"

#include <algorithm>
#include <vector>

namespace pillar {
namespace {

constexpr std::int64_t kBandRows = 16;  // two bands of 512 columns stay in the second-level cache

// The samples of one axis; positions outside the input are left out on both ends (positions ascend).
struct AxisPlan {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::vector<AxisSample> samples;  // of all output positions; those outside are not looked at
};

AxisPlan plan_axis(const ResampleGrid& grid, int axis, const std::vector<double>& positions) {
  AxisPlan plan;
  const auto inside = [&](double index) { return grid.inside(axis, index); };
  plan.begin = std::find_if(positions.begin(), positions.end(), inside) - positions.begin();
  plan.end = std::find_if_not(positions.begin() + plan.begin, positions.end(), inside) - positions.begin();
  for (double index : positions) {
    plan.samples.push_back(inside(index) ? linear_sample(index, grid.input_size()[axis])
                                         : AxisSample{0, 0, 0});
  }
  return plan;
}

// The columns of an x plan as arrays, so that a row is one loop.
struct ColumnPlan {
  std::vector<std::int32_t> base;
  std::vector<std::int32_t> next;
  std::vector<double> fraction;

  explicit ColumnPlan(const AxisPlan& plan) {
    for (std::int64_t i = plan.begin; i < plan.end; ++i) {
      const AxisSample& sample = plan.samples[i];
      base.push_back(static_cast<std::int32_t>(sample.base));
      next.push_back(static_cast<std::int32_t>(sample.base + sample.step));
      fraction.push_back(sample.fraction);
    }
  }
  std::int64_t size() const noexcept { return static_cast<std::int64_t>(base.size()); }
};

template <typename T>
void resample_row(const T* row, const ColumnPlan& columns, double* out) noexcept {
  const std::int64_t count = columns.size();
  for (std::int64_t i = 0; i < count; ++i) {
    const double from = row[columns.base[i]];
    const double between = lerp(from, row[columns.next[i]], columns.fraction[i]);
    // For integers the sum with 0 changes nothing; for floats it would turn -0 into +0 and infinities into
    // NaN.
    if constexpr (std::is_integral_v<T>) {
      out[i] = between;
    } else {
      out[i] = columns.fraction[i] > 0 ? between : from;
    }
  }
}

// Output rows [first,last) of all slices. Holds two input slices of the band, interpolated along x and y.
template <typename T>
class Band {
 public:
  Band(const T* input, const SizeXyz& input_size, const ColumnPlan& columns, const AxisPlan& rows,
       std::int64_t first, std::int64_t last)
      : input_(input), size_(input_size), columns_(columns), rows_(rows), first_(first), last_(last) {
    const std::size_t width = static_cast<std::size_t>(columns.size());
    for (auto& slice : slices_) slice.voxels.resize(width * static_cast<std::size_t>(last - first));
    for (auto& row : x_rows_) row.voxels.resize(width);
  }

  // Slice z of the input, interpolated along x and y; valid until two other slices were asked for.
  const double* slice(std::int64_t z) {
    Cached& slot = slices_[z % 2];
    if (slot.number != z) {
      for (Cached& row : x_rows_) row.number = -1;  // they were of another slice
      for (std::int64_t j = first_; j < last_; ++j) {
        const AxisSample& y = rows_.samples[j];
        const double* from = x_row(z, y.base);
        const double* to = y.step != 0 ? x_row(z, y.base + 1) : from;
        lerp_rows(from, to, y.fraction, columns_.size(), slot.voxels.data() + (j - first_) * columns_.size());
      }
      slot.number = z;
    }
    return slot.voxels.data();
  }

 private:
  struct Cached {
    std::int64_t number = -1;
    std::vector<double> voxels;
  };

  // Neighbouring rows, and neighbouring slices, differ in parity: the two slots never fight over what is in
  // use.
  const double* x_row(std::int64_t z, std::int64_t y) {
    Cached& slot = x_rows_[y % 2];
    if (slot.number != y) {
      resample_row(input_ + (z * size_[1] + y) * size_[0], columns_, slot.voxels.data());
      slot.number = y;
    }
    return slot.voxels.data();
  }

  const T* input_;
  const SizeXyz& size_;
  const ColumnPlan& columns_;
  const AxisPlan& rows_;
  std::int64_t first_;
  std::int64_t last_;
  std::array<Cached, 2> slices_;
  std::array<Cached, 2> x_rows_;
};

}  // namespace

template <typename T>
void resample_linear_separable(const T* input, const ResampleGrid& grid, const AxisPositions& positions,
                               int threads, T* output) {
  const SizeXyz out_size = grid.output_size();
  const std::int64_t slice_voxels = out_size[0] * out_size[1];
  const AxisPlan x = plan_axis(grid, 0, positions[0]);
  const AxisPlan y = plan_axis(grid, 1, positions[1]);
  const AxisPlan z = plan_axis(grid, 2, positions[2]);
  const ColumnPlan columns(x);

  const std::int64_t bands = (out_size[1] + kBandRows - 1) / kBandRows;
  parallel_for(bands, threads, [&](std::int64_t b) {
    const std::int64_t band_first = b * kBandRows;
    const std::int64_t band_last = std::min(out_size[1], band_first + kBandRows);
    const std::int64_t first = std::clamp(y.begin, band_first, band_last);
    const std::int64_t last = std::clamp(y.end, first, band_last);
    Band<T> band(input, grid.input_size(), columns, y, first, last);
    for (std::int64_t k = 0; k < out_size[2]; ++k) {
      T* rows = output + k * slice_voxels + band_first * out_size[0];
      const bool inside = k >= z.begin && k < z.end && first < last && columns.size() > 0;
      if (!inside || last - first != band_last - band_first || columns.size() != out_size[0]) {
        std::fill(rows, rows + (band_last - band_first) * out_size[0], T(0));
      }
      if (!inside) continue;
      const AxisSample& sample = z.samples[k];
      const double* from = band.slice(sample.base);
      const double* to = sample.step != 0 ? band.slice(sample.base + 1) : from;
      for (std::int64_t j = first; j < last; ++j) {
        const std::int64_t offset = (j - first) * columns.size();
        lerp_rows_cast(from + offset, to + offset, sample.fraction, columns.size(),
                       output + k * slice_voxels + j * out_size[0] + x.begin);
      }
    }
  });
}

template <typename T>
void resample_linear(const T* input, const ResampleGrid& grid, int threads, T* output) {
  if (const auto positions = grid.separate_axes(threads)) {
    resample_linear_separable(input, grid, *positions, threads, output);
  } else {
    resample_linear_oblique(input, grid, threads, output);
  }
}

#define PILLAR_INSTANTIATE(T)                                                                               \
  template void resample_linear_separable<T>(const T*, const ResampleGrid&, const AxisPositions&, int, T*); \
  template void resample_linear<T>(const T*, const ResampleGrid&, int, T*);
PILLAR_FOR_VOXEL_TYPES(PILLAR_INSTANTIATE)
#undef PILLAR_INSTANTIATE

}  // namespace pillar
