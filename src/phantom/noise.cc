// What the scanner adds: grainy correlated noise and starved rows on CT, Rician noise and coil shading on MR.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

std::uint64_t noise_seed(const Scene& scene) {
  return scene.visit == 0 ? scene.anatomy.seed : hash64(scene.anatomy.seed, scene.visit);
}

// One slice of white noise, blurred in the slice by (1 2 1) both ways, with standard deviation 1:
// reconstruction spreads noise over neighbours in the plane and not across it.
void fill_slice(std::vector<float>& slice, std::vector<float>& scratch, std::int64_t size,
                std::uint64_t key) {
  const std::int64_t wide = size + 2;
  scratch.resize(static_cast<std::size_t>(wide * wide));
  for (std::int64_t i = 0; i < wide * wide; ++i) {
    scratch[static_cast<std::size_t>(i)] =
        noise_of(hash64(key + static_cast<std::uint64_t>(i) * kSplitMixStep));
  }
  slice.resize(static_cast<std::size_t>(size * size));
  constexpr float kNorm = 1 / 6.0f;  // sqrt of the sum of squared weights
  for (std::int64_t j = 0; j < size; ++j) {
    const float *above = scratch.data() + j * wide, *row = above + wide, *below = row + wide;
    float* out = slice.data() + j * size;
    for (std::int64_t i = 0; i < size; ++i) {
      const float corners = above[i] + above[i + 2] + below[i] + below[i + 2];
      const float edges = above[i + 1] + row[i] + row[i + 2] + below[i + 1];
      out[i] = (corners + 2 * edges + 4 * row[i + 1]) * kNorm;
    }
  }
}

void add_ct_noise(Canvas& canvas, const Scene& scene) {
  const std::int64_t size = canvas.size();
  Random random(noise_seed(scene), kNoiseStream);
  const auto dose = static_cast<float>(random.uniform(7, 13));
  const std::uint64_t key = random.bits();
  std::vector<float> slice, scratch;
  for (std::int64_t k = 0; k < size; ++k) {
    fill_slice(slice, scratch, size, hash64(key, static_cast<std::uint64_t>(k)));
    const double shoulder = smooth_step(105, 165, canvas.nominal(0, 0, k).z);
    for (std::int64_t j = 0; j < size; ++j) {
      // X-rays that cross both shoulders are few: whole rows of the slice streak.
      const auto starved = static_cast<float>(16 * shoulder) *
                           noise_of(hash64(key ^ 0x5742u, static_cast<std::uint64_t>(k * size + j)));
      float* row = canvas.values().data() + (k * size + j) * size;
      const float* noise = slice.data() + j * size;
      for (std::int64_t i = 0; i < size; ++i) {
        const Vec3 p = canvas.nominal(i, j, k);
        const double depth = 1 - clamp01((p.x * p.x + 1.6 * p.y * p.y) * (1.0 / 30000));
        row[i] +=
            dose * static_cast<float>(0.5 + 0.75 * depth) * noise[i] + starved * static_cast<float>(depth);
      }
    }
  }
}

void add_mr_noise(Canvas& canvas, const Scene& scene) {
  const std::int64_t size = canvas.size();
  Random random(noise_seed(scene), kNoiseStream);
  const auto sigma = static_cast<float>(random.uniform(12, 22));
  const std::uint64_t key = random.bits();
  auto& values = canvas.values();
  for (std::size_t i = 0; i < static_cast<std::size_t>(size * size * size); ++i) {
    const float real = values[i] + sigma * noise_of(hash64(key, 2 * i));
    const float imaginary = sigma * noise_of(hash64(key, 2 * i + 1));
    values[i] = std::sqrt(real * real + imaginary * imaginary);
  }
}

}  // namespace

void add_noise(Canvas& canvas, const Scene& scene, Modality modality) {
  modality == Modality::ct ? add_ct_noise(canvas, scene) : add_mr_noise(canvas, scene);
}

void add_bias_field(Canvas& canvas, std::uint64_t seed) {
  Random random(seed, kNoiseStream + 100);
  const Vec3 tilt{random.uniform(-0.2, 0.2), random.uniform(-0.25, -0.05), random.uniform(-0.12, 0.12)};
  const double hollow = random.uniform(0.1, 0.25);  // coils lie on the skin: the middle is darker
  const std::int64_t size = canvas.size();
  for (std::int64_t k = 0; k < size; ++k) {
    for (std::int64_t j = 0; j < size; ++j) {
      float* row = canvas.values().data() + (k * size + j) * size;
      for (std::int64_t i = 0; i < size; ++i) {
        const Vec3 q = canvas.nominal(i, j, k) * (1 / 180.0);
        row[i] *= static_cast<float>(0.95 + dot(tilt, q) + hollow * (std::min(dot(q, q), 1.5) - 0.5));
      }
    }
  }
}

}  // namespace pillar::phantom
