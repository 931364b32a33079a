// From a scene to voxels.
#include "pillar/core/fail.h"

#include "phantom/scene.h"

#include <ATen/Functions.h>

namespace pillar {
namespace phantom {
namespace {

template <typename Integer>
void store(const std::vector<float>& values, Integer* out, float low, float high) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    out[i] = static_cast<Integer>(std::floor(std::clamp(values[i], low, high) + 0.5f));
  }
}

}  // namespace

void check_phantom_options(const PhantomOptions& options) {
  if (options.size < 16 || options.size > 512) {
    fail(ErrorCategory::usage, "phantom size {}: 16 to 512 voxels a side", options.size);
  }
  if (!(options.field_of_view_mm >= 340 && options.field_of_view_mm <= 600)) {
    fail(ErrorCategory::usage, "field of view {} mm: 340 to 600, or findings would lie outside",
         options.field_of_view_mm);
  }
  if (!(options.finding_probability >= 0 && options.finding_probability <= 1)) {
    fail(ErrorCategory::usage, "finding probability {}: 0 to 1", options.finding_probability);
  }
}

Volume render(const Scene& scene, const PhantomOptions& options) {
  const Palette palette = make_palette(options.modality, scene.anatomy.contrast, scene.anatomy.lung_value);
  Canvas canvas(options, scene.anatomy.frame, palette.air);
  const Painter painter{canvas, scene, palette};
  paint_table(painter);
  paint_body(painter);
  paint_abdomen(painter);
  paint_bowel(painter);
  paint_lungs(painter);
  paint_mediastinum(painter);
  paint_skeleton(painter);
  paint_findings(painter);

  const std::int64_t n = options.size;
  Volume volume;
  volume.geometry = canvas.geometry();
  volume.modality = options.modality;
  if (options.modality == Modality::ct) {
    add_noise(canvas, scene, options.modality);
    volume.voxels_dhw = at::empty({n, n, n}, at::kShort);
    store(canvas.values(), volume.voxels_dhw.mutable_data_ptr<std::int16_t>(), -1024, 3071);
  } else {
    add_bias_field(canvas, scene.anatomy.seed);
    add_noise(canvas, scene, options.modality);
    volume.voxels_dhw = at::empty({n, n, n}, at::kUInt16);
    store(canvas.values(), static_cast<std::uint16_t*>(volume.voxels_dhw.mutable_data_ptr()), 0, 4095);
  }
  return volume;
}

}  // namespace phantom

Phantom make_phantom(std::uint64_t seed, const PhantomOptions& options) {
  const phantom::Scene scene = phantom::make_scene(seed, options);
  return {phantom::render(scene, options), scene.findings};
}

}  // namespace pillar
