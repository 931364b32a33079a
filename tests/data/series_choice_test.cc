#include "data/scan/series_choice.h"

#include "support/expect_error.h"

#include <gmock/gmock.h>

namespace pillar {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

DicomSeries axial_series(std::int64_t number, const std::string& description, int slices, double spacing_mm) {
  DicomSeries series;
  series.series_uid = std::to_string(number);
  series.series_number = number;
  series.series_description = description;
  for (int i = 0; i < slices; ++i) {
    DicomPlane plane;
    plane.has_orientation = true;
    plane.position = {0, 0, i * spacing_mm};
    series.planes.push_back(plane);
  }
  return series;
}

ScanReadOptions for_chest() {
  return read_options(default_preprocess_spec("chest_ct", {256, 256, 256}));
}

std::int64_t chosen(const std::vector<DicomSeries>& series, Notes& notes,
                    const ScanReadOptions& options = for_chest()) {
  return choose_series(series, options, "study", notes).series_number;
}

TEST(SeriesChoice, OneSeriesNeedsNoWord) {
  Notes notes;
  EXPECT_EQ(chosen({axial_series(4, "Chest", 60, 5)}, notes), 4);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(SeriesChoice, TheThinnestOriginalAxialSeriesThatCovers) {
  std::vector<DicomSeries> series = {
      axial_series(1, "Chest 5 mm", 64, 5), axial_series(2, "Chest 1 mm", 320, 1),
      axial_series(3, "HR 0.5", 40, 0.5), axial_series(4, "MIP", 640, 0.5), axial_series(5, "cor", 640, 0.5)};
  series[3].is_derived_view = true;
  for (DicomPlane& plane : series[4].planes) {
    plane.orientation = {1, 0, 0, 0, 0, -1};
    plane.position = {0, plane.position->at(2), 0};
  }
  Notes notes;
  EXPECT_EQ(chosen(series, notes), 2);
  EXPECT_THAT(notes, ElementsAre(AllOf(
                         HasSubstr("5 series, taken is number 2 'Chest 1 mm' (AXIAL, 1 mm, 320 slices)"),
                         HasSubstr("not number 1 'Chest 5 mm': thicker slices"),
                         HasSubstr("not number 3 'HR 0.5': covers less"),
                         HasSubstr("not number 4 'MIP': derived from other images"),
                         HasSubstr("not number 5 'cor': slices lie another way"))));
}

TEST(SeriesChoice, TheModelsModalityAndPartOfTheBody) {
  std::vector<DicomSeries> series = {axial_series(1, "HEAD 0.5", 600, 0.5), axial_series(2, "T1", 300, 0.9),
                                     axial_series(3, "Thorax", 200, 1.5), axial_series(4, "broken", 400, 1)};
  series[1].modality = Modality::mr;
  series[2].body_part = "CHEST";
  series[3].fault = "a.dcm: two sizes";
  Notes notes;
  EXPECT_EQ(chosen(series, notes), 3);
  EXPECT_THAT(notes[0], AllOf(HasSubstr("number 1 'HEAD 0.5': of another part"),
                              HasSubstr("number 2 'T1': of another modality"),
                              HasSubstr("number 4 'broken': it cannot be read")));
  EXPECT_EQ(usable_series(series, for_chest()).size(), 2u);
}

TEST(SeriesChoice, AWishDecides) {
  const std::vector<DicomSeries> series = {axial_series(1, "Lung B70", 300, 1),
                                           axial_series(2, "Soft B30", 60, 5)};
  ScanReadOptions options = for_chest();
  options.series.number = 2;
  Notes notes;
  EXPECT_EQ(chosen(series, notes, options), 2);
  options.series.number.reset();
  options.series.description = "soft";
  EXPECT_EQ(chosen(series, notes, options), 2);
  EXPECT_THAT(notes, IsEmpty());
  options.series.number = 7;
  EXPECT_PILLAR_ERROR(chosen(series, notes, options), ErrorCategory::input,
                      AllOf(HasSubstr("study: no series number 7"), HasSubstr("'soft'"),
                            HasSubstr("number 1 'Lung B70'; number 2 'Soft B30'")));
}

TEST(SeriesChoice, EqualSeriesAreTakenByTheirNumber) {
  Notes notes;
  EXPECT_EQ(chosen({axial_series(9, "", 50, 2), axial_series(3, "", 50, 2)}, notes), 3);
  EXPECT_THAT(notes[0], HasSubstr("not number 9: as good"));
}

}  // namespace
}  // namespace pillar
