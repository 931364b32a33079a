// Decodes a RAVE sample and prints the mean value of each slice.
//   mean_of_slices SAMPLE
#include <cstdio>
#include <numeric>

#include <pillar/core/error.h>
#include <pillar/rave/sample.h>

namespace {

template <typename T>
void print_means(const at::Tensor& voxels_dhw) {
  const std::int64_t pixels = voxels_dhw.size(1) * voxels_dhw.size(2);
  const T* slice = voxels_dhw.const_data_ptr<T>();
  for (std::int64_t d = 0; d < voxels_dhw.size(0); ++d, slice += pixels) {
    std::printf("%lld %.3f\n", static_cast<long long>(d),
                std::accumulate(slice, slice + pixels, 0.0) / static_cast<double>(pixels));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: mean_of_slices SAMPLE\n");
    return 2;
  }
  try {
    const pillar::Sample sample = pillar::Sample::open(argv[1]);
    const at::Tensor voxels_dhw = sample.read().voxels_dhw;
    if (voxels_dhw.scalar_type() == at::kShort) {
      print_means<std::int16_t>(voxels_dhw);
    } else {
      print_means<std::uint16_t>(voxels_dhw);
    }
  } catch (const pillar::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
