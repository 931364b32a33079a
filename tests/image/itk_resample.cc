#include "image/itk_resample.h"

#include <cstring>
#include <stdexcept>

#include <ATen/ops/empty.h>
#include <itkIdentityTransform.h>
#include <itkImportImageFilter.h>
#include <itkNearestNeighborInterpolateImageFunction.h>
#include <itkResampleImageFilter.h>

namespace pillar::test {
namespace {

template <typename T>
Volume resample_as(const Volume& input, const std::array<double, 3>& target, const SizeDhw& size,
                   Interpolation interpolation) {
  using Image = itk::Image<T, 3>;
  const at::Tensor voxels = input.voxels_dhw.contiguous();
  auto import = itk::ImportImageFilter<T, 3>::New();
  typename Image::SizeType in_size;
  typename Image::DirectionType direction;
  for (int axis = 0; axis < 3; ++axis) {
    in_size[axis] = static_cast<itk::SizeValueType>(voxels.size(2 - axis));
    for (int column = 0; column < 3; ++column)
      direction(axis, column) = input.geometry.direction[3 * axis + column];
  }
  typename Image::RegionType region;
  region.SetSize(in_size);
  import->SetRegion(region);
  import->SetSpacing(input.geometry.spacing_xyz_mm.data());
  import->SetOrigin(input.geometry.origin_xyz_mm.data());
  import->SetDirection(direction);
  import->SetImportPointer(voxels.data_ptr<T>(), static_cast<itk::SizeValueType>(voxels.numel()), false);

  auto filter = itk::ResampleImageFilter<Image, Image>::New();
  filter->SetInput(import->GetOutput());
  filter->SetTransform(itk::IdentityTransform<double, 3>::New());
  if (interpolation == Interpolation::nearest) {
    filter->SetInterpolator(itk::NearestNeighborInterpolateImageFunction<Image>::New());
  }
  typename Image::SizeType out_size;
  for (int axis = 0; axis < 3; ++axis) out_size[axis] = static_cast<itk::SizeValueType>(size[2 - axis]);
  filter->SetSize(out_size);
  filter->SetOutputSpacing(target.data());
  filter->SetOutputOrigin(input.geometry.origin_xyz_mm.data());
  filter->SetOutputDirection(direction);
  filter->SetDefaultPixelValue(0);
  filter->Update();

  Volume result = input;
  result.geometry.spacing_xyz_mm = target;
  result.voxels_dhw = at::empty(size, voxels.options());
  std::memcpy(result.voxels_dhw.data_ptr(), filter->GetOutput()->GetBufferPointer(),
              result.voxels_dhw.nbytes());
  return result;
}

}  // namespace

Volume itk_resample(const Volume& input, const std::array<double, 3>& target, const SizeDhw& size,
                    Interpolation interpolation) {
  switch (input.voxels_dhw.scalar_type()) {
    case at::kByte:
      return resample_as<std::uint8_t>(input, target, size, interpolation);
    case at::kShort:
      return resample_as<std::int16_t>(input, target, size, interpolation);
    case at::kUInt16:
      return resample_as<std::uint16_t>(input, target, size, interpolation);
    case at::kInt:
      return resample_as<std::int32_t>(input, target, size, interpolation);
    case at::kFloat:
      return resample_as<float>(input, target, size, interpolation);
    case at::kDouble:
      return resample_as<double>(input, target, size, interpolation);
    default:
      throw std::logic_error("no reference for this type");
  }
}

}  // namespace pillar::test
