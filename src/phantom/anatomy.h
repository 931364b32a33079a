// Internal: the shape of one patient, in nominal millimetres: x to the left, y to the back, z to the head,
// the origin in mid-chest. Functions give signed distances, negative inside.
#pragma once

#include "phantom/canvas.h"
#include "phantom/random.h"
#include "phantom/sdf.h"
#include "phantom/texture.h"

#include <cstdint>
#include <vector>

namespace pillar::phantom {

enum Stream : std::uint64_t {
  kAnatomyStream,
  kVesselStream,
  kBowelStream,
  kNoiseStream,
  kReportStream,
  kFindingStream
};

constexpr int kRight = -1;  // the sign of x
constexpr int kLeft = 1;

struct Anatomy {
  std::uint64_t seed = 0;
  Frame frame;
  bool female = false;
  bool contrast = false;  // venous-phase contrast agent (CT)
  double fat = 15;        // thickness under the skin
  double cage_a = 130;    // half width and half depth of the rib cage at its widest
  double cage_b = 92;
  double dome_top[2] = {-12, -22};  // right, left
  double heart_scale = 1;
  Vec3 heart_center = {20, -26, 2};
  double spine_curve = 8;
  double gas_level = -45;  // y of the air-fluid level in the stomach
  double stomach_fill = 1;
  double lung_value = -860;  // HU
};

Anatomy make_anatomy(std::uint64_t seed, double field_of_view_mm);

struct HalfAxes {
  double a, b, center_y;
};
HalfAxes cage_at(const Anatomy& anatomy, double z);  // the surface through the middle of the ribs
double cage(const Anatomy& anatomy, Vec3 p);
double body(const Anatomy& anatomy, Vec3 p);
double dome(const Anatomy& anatomy, int side, Vec3 p);  // the diaphragm's upper surface
double heart(const Anatomy& anatomy, Vec3 p,
             double grow = 0);  // myocardium; `grow` mm more for the pericardium
double lung(const Anatomy& anatomy, int side, Vec3 p);
double liver(const Anatomy& anatomy, Vec3 p);
double kidney(int side, Vec3 p);
Vec3 kidney_center(int side);
double spine_y(const Anatomy& anatomy, double z);  // of the vertebral bodies' centres
Vec3 heart_axis_point(const Anatomy& anatomy, double along, double across, double up);  // in heart radii
Box lung_box(int side);

// A tube through points, each with its radius.
struct TubePoint {
  Vec3 center;
  double radius;
};
using Tube = std::vector<TubePoint>;
Tube aorta(const Anatomy& anatomy);

}  // namespace pillar::phantom
