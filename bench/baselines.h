// What ours is measured against: bare libavcodec, the ffmpeg program as the public loader drives it, plain
// ITK, and LibTorch's own operators.
#pragma once

#include "pillar/image/volume.h"
#include "pillar/windows/window.h"

#include "runner.h"

#include <filesystem>

namespace pillar::bench {

// Every frame decoded by libavcodec with `threads` frame threads and thrown away: the limit.
Measurement decode_only(const std::filesystem::path& video, int threads);

// `ffmpeg` piping gray16le, then float32 arithmetic over the whole volume and a cast to int16.
Measurement ffmpeg_decode(const std::filesystem::path& video, int threads);

// The int16 volume to gray16le in float32 arithmetic, piped into `ffmpeg` with libx265.
Measurement ffmpeg_encode(const Volume& volume, const std::filesystem::path& target, int threads);

// itk::ResampleImageFilter with a linear interpolator.
Measurement itk_resample(const Volume& volume, const std::array<double, 3>& target_spacing_xyz_mm,
                         int threads);

// The series of a folder of DICOM files and, with `names`, the files of each, in the order of the slices:
// what SimpleITK's ImageSeriesReader tells, which looks at all files again for each series.
Measurement itk_series_files(const std::filesystem::path& folder, bool names);

// Level and minmax windows of int16 voxels (B,1,D,H,W) as plain operators make them: to float32, one plane a
// window, stacked, to bfloat16.
Measurement libtorch_windows(const at::Tensor& voxels_bcdhw, const std::vector<Window>& windows);

}  // namespace pillar::bench
