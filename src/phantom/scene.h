// Internal: a patient with findings in place: all that a painter needs, and what the truth file says.
#pragma once

#include "pillar/phantom/phantom.h"

#include "phantom/anatomy.h"
#include "phantom/palette.h"
#include "phantom/skeleton.h"

#include <optional>
#include <vector>

namespace pillar::phantom {

struct Ball {
  Vec3 center;
  double radius = 0;
};
struct PleuralSpace {  // effusion (fluid behind `level_y`) or pneumothorax (air before it)
  int side = kRight;
  double level_y = 0;
};
struct RibGap {
  int side = kRight;
  int number = 6;
  double fraction = 0.5;  // along the bony rib
  double half_gap = 4;
};
struct Collapse {
  int vertebra = 0;     // index into vertebrae()
  double fraction = 0;  // of the height that is lost at the front
};
struct Bulge {
  Vec3 center;
  double radius = 0;
  double half_length = 0;
};

struct Scene {
  Anatomy anatomy;
  std::vector<Vertebra> spine;
  std::vector<Finding> findings;
  std::vector<Ball> nodule;  // one mass of a few overlapping balls
  std::optional<PleuralSpace> effusion;
  std::vector<Ball> coronary;
  std::optional<RibGap> rib_gap;
  std::vector<Ball> hepatic;
  std::optional<PleuralSpace> pneumothorax;
  std::optional<Bulge> aneurysm;
  std::optional<Collapse> collapse;
  std::optional<Ball> stone;
  std::uint64_t visit = 0;  // of the patient: each has noise of its own
};

// Draws the patient and, of each kind with the options' probability, a finding. No voxels yet: this is fast.
Scene make_scene(std::uint64_t seed, const PhantomOptions& options);
// The same patient with exactly these kinds.
Scene make_scene(std::uint64_t seed, const PhantomOptions& options, const std::vector<FindingKind>& kinds);
Volume render(const Scene& scene, const PhantomOptions& options);
void check_phantom_options(const PhantomOptions& options);  // throws Error(usage)

// make_report() without voxels.
std::string report_text(std::uint64_t seed, const std::vector<Finding>& findings, Modality modality,
                        double slice_mm);

double effusion(const Scene& scene, Vec3 p);      // signed distance; needs scene.effusion
double pneumothorax(const Scene& scene, Vec3 p);  // likewise
// The longest extent of the one that the kind names, in the scanner's millimetres.
double pleural_extent(const Scene& scene, FindingKind kind);

// Places one finding each and appends it to scene.findings (place_chest.cc, place_abdomen.cc).
struct Placing {
  Scene& scene;
  Random random;
  double spacing;  // nominal millimetres of a voxel: what is placed must be seen

  // Adds to scene.findings; nominal millimetres become the scanner's.
  void state(FindingKind kind, Vec3 center, double size, const char* side, const std::string& site) const;
};
const char* side_name(int side);  // "right", "left"
void place_effusion(Placing& placing);
void place_pneumothorax(Placing& placing);
void place_nodule(Placing& placing);
void place_coronary(Placing& placing);
void place_rib_gap(Placing& placing);
void place_hepatic(Placing& placing);
void place_cardiomegaly(Placing& placing);
void place_aneurysm(Placing& placing);
void place_collapse(Placing& placing);
void place_stone(Placing& placing);

// Painters, in the order that they are called (paint_*.cc).
struct Painter {
  Canvas& canvas;
  const Scene& scene;
  const Palette& palette;
};
void paint_table(const Painter& painter);
void paint_body(const Painter& painter);
void paint_abdomen(const Painter& painter);
void paint_bowel(const Painter& painter);
void paint_lungs(const Painter& painter);
void paint_mediastinum(const Painter& painter);
void paint_skeleton(const Painter& painter);
void paint_tube(const Painter& painter, const Tube& tube, float value);
void paint_findings(const Painter& painter);
void add_noise(Canvas& canvas, const Scene& scene, Modality modality);
void add_bias_field(Canvas& canvas, std::uint64_t seed);

}  // namespace pillar::phantom
