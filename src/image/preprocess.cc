#include "pillar/image/preprocess.h"

#include "pillar/core/fail.h"
#include "pillar/image/axis_fit.h"
#include "pillar/image/resample.h"

#include "image/finite.h"
#include "image/intensity.h"

namespace pillar {
namespace {

Volume resample_if_asked(const Volume& input, const PreprocessOptions& options, Interpolation interpolation) {
  if (!options.target_spacing_xyz_mm) return input;
  return resample(input, *options.target_spacing_xyz_mm, interpolation, options.threads);
}

Volume prepare_ct(const Volume& input, const PreprocessOptions& options, std::string_view source_name) {
  Volume volume = resample_if_asked(input, options, Interpolation::linear);
  volume.voxels_dhw = ct_to_int16(volume.voxels_dhw.contiguous(), source_name);
  return volume;
}

Volume prepare_mask(const Volume& input, const PreprocessOptions& options, std::string_view source_name) {
  Volume volume = resample_if_asked(input, options, Interpolation::nearest);
  volume.voxels_dhw =
      whole_to_16_bits(volume.voxels_dhw.contiguous(), false, source_name, "a mask holds whole labels");
  return volume;
}

// The public engine resamples MR in the type it was stored in, so integers are truncated before they are
// normalised.
Volume prepare_mr(const Volume& input, const PreprocessOptions& options, std::string_view source_name) {
  Volume volume = resample_if_asked(input, options, Interpolation::linear);
  const at::Tensor voxels = volume.voxels_dhw.contiguous();
  volume.voxels_dhw =
      options.normalize_mr
          ? min_max_to_uint16(voxels)
          : whole_to_16_bits(voxels, true, source_name, "normalise this MR volume, or give whole values");
  return volume;
}

void check_finite(const at::Tensor& voxels, std::string_view source_name) {
  if (const auto bad = first_non_finite(voxels.contiguous())) {
    fail(ErrorCategory::input, "{}: the value {} among the voxels", source_name, bad->value);
  }
}

}  // namespace

PreprocessResult preprocess(const Volume& input, const PreprocessOptions& options,
                            std::string_view source_name) {
  PreprocessResult result;
  const bool is_ct = options.modality == Modality::ct;
  if (!is_ct) check_finite(input.voxels_dhw, source_name);
  result.is_mask = options.mask == MaskPolicy::yes ||
                   (options.mask == MaskPolicy::detect && !is_ct && looks_like_mask(input.voxels_dhw));
  if (result.is_mask)
    result.volume = prepare_mask(input, options, source_name);
  else
    result.volume = is_ct ? prepare_ct(input, options, source_name) : prepare_mr(input, options, source_name);
  result.volume.modality = options.modality;
  result.resample_shape = size_dhw(result.volume.voxels_dhw);

  const auto& depth = result.resample_shape[0];
  const bool selects = options.slices && depth > *options.slices;
  if (options.slices) result.volume = select_slices(result.volume, *options.slices);
  if (selects) result.first_slice = fit_axis(depth, *options.slices).skip;
  const void* before = result.volume.voxels_dhw.const_data_ptr();
  if (options.crop_pad_hw) result.volume = crop_pad_hw(result.volume, *options.crop_pad_hw);
  // The slices left out would stay in memory behind a view.
  if (selects && result.volume.voxels_dhw.const_data_ptr() == before)
    result.volume.voxels_dhw = result.volume.voxels_dhw.clone();
  return result;
}

}  // namespace pillar
