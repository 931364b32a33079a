#include "baselines.h"

#include <cmath>
#include <numeric>

#include <itkImage.h>
#include <itkImportImageContainer.h>
#include <itkLinearInterpolateImageFunction.h>
#include <itkMultiThreaderBase.h>
#include <itkResampleImageFilter.h>

namespace pillar::bench {

using Image = itk::Image<std::int16_t, 3>;

namespace {

Image::Pointer to_itk(const Volume& volume) {
  const SizeDhw size = size_dhw(volume.voxels_dhw);
  Image::Pointer image = Image::New();
  Image::RegionType region;
  Image::SpacingType spacing;
  Image::PointType origin;
  Image::DirectionType direction;
  for (unsigned axis = 0; axis < 3; ++axis) {
    region.SetSize(axis, static_cast<itk::SizeValueType>(size[2 - axis]));
    spacing[axis] = volume.geometry.spacing_xyz_mm[axis];
    origin[axis] = volume.geometry.origin_xyz_mm[axis];
    for (unsigned column = 0; column < 3; ++column)
      direction(axis, column) = volume.geometry.direction[3 * axis + column];
  }
  image->SetRegions(region);
  image->SetSpacing(spacing);
  image->SetOrigin(origin);
  image->SetDirection(direction);
  image->GetPixelContainer()->SetImportPointer(
      const_cast<std::int16_t*>(volume.voxels_dhw.const_data_ptr<std::int16_t>()),
      static_cast<itk::SizeValueType>(volume.voxels_dhw.numel()), false);
  return image;
}

}  // namespace

Measurement itk_resample(const Volume& volume, const std::array<double, 3>& target_spacing_xyz_mm,
                         int threads) {
  Measurement m;
  const double begin = now_seconds();
  Image::Pointer input = to_itk(volume);
  auto filter = itk::ResampleImageFilter<Image, Image>::New();
  itk::MultiThreaderBase::SetGlobalMaximumNumberOfThreads(static_cast<itk::ThreadIdType>(threads));
  filter->SetNumberOfWorkUnits(static_cast<itk::ThreadIdType>(threads));
  Image::SizeType size;
  Image::SpacingType spacing;
  for (unsigned axis = 0; axis < 3; ++axis) {
    spacing[axis] = target_spacing_xyz_mm[axis];
    const double extent =
        static_cast<double>(input->GetLargestPossibleRegion().GetSize(axis)) * input->GetSpacing()[axis];
    size[axis] = static_cast<itk::SizeValueType>(std::nearbyint(extent / spacing[axis]));
  }
  filter->SetInput(input);
  filter->SetInterpolator(itk::LinearInterpolateImageFunction<Image, double>::New());
  filter->SetSize(size);
  filter->SetOutputSpacing(spacing);
  filter->SetOutputOrigin(input->GetOrigin());
  filter->SetOutputDirection(input->GetDirection());
  filter->SetDefaultPixelValue(0);
  filter->Update();
  m.seconds = now_seconds() - begin;
  const auto* voxels = filter->GetOutput()->GetBufferPointer();
  const std::size_t count = filter->GetOutput()->GetLargestPossibleRegion().GetNumberOfPixels();
  m.figures = {{"sum", std::accumulate(voxels, voxels + count, 0.0)}};
  return m;
}

}  // namespace pillar::bench
