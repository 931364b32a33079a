// Spine, ribs, sternum and shoulder girdle: a hard shell about marrow.
#include "phantom/scene.h"

namespace pillar::phantom {
namespace {

// Bone whose cortex is `cortex` mm thick.
template <typename Distance>
void paint_bone(const Painter& painter, const Box& box, double cortex, Distance distance) {
  const Palette& palette = painter.palette;
  painter.canvas.paint(box, distance, [&](Vec3, double d) {
    return mix(palette.cortical_bone, palette.marrow, smooth_step(-0.6 * cortex, -1.6 * cortex, d));
  });
}

void paint_vertebra(const Painter& painter, const Vertebra& v, double lost_fraction) {
  const auto vertebral_body = [&](Vec3 p) {
    const Vec3 q = p - v.center;
    const double waist = 1 - 0.1 * (1 - clamp01(q.z * q.z / (v.half_height * v.half_height)));
    const double side = sd_ellipse(q.x, q.y, v.half_width * waist, v.half_depth * waist);
    // A wedge: the upper end plate sinks towards the front.
    const double forward = clamp01(0.75 - 0.75 * q.y / v.half_depth);
    const double upper = v.half_height * (1 - 2 * lost_fraction * std::min(forward, 1.0));
    return smooth_max(side, std::max(q.z - upper, -v.half_height - q.z), 2);
  };
  paint_bone(painter, box_around(v.center, Vec3{v.half_width, v.half_depth, v.half_height}), 1.5,
             vertebral_body);
  // The arch: a ring about the canal, spinous and transverse processes.
  const Vec3 canal{0, v.center.y + v.half_depth + 9, v.center.z};
  paint_bone(painter, box_around(canal, Vec3{18, 16, v.half_height}), 1.6, [&](Vec3 p) {
    const double ring = std::abs(sd_ellipse(p.x, p.y - canal.y, 13.5, 11.5)) - 3.4;
    return std::max(ring, std::abs(p.z - canal.z + 2) - v.half_height * 0.75);
  });
  const bool lumbar = v.name[0] == 'L';
  const Vec3 spinous{0, canal.y + (lumbar ? 32 : 27), canal.z - (lumbar ? 6 : 14)};
  const Vec3 lamina{0, canal.y + 12, canal.z - 2};
  paint_bone(painter, box_of(lamina, spinous, 5), 1.6,
             [&](Vec3 p) { return sd_cone(p, lamina, spinous, 4.5, 4); });
  for (int side : {kRight, kLeft}) {
    const Vec3 root{side * 14.0, canal.y - 2, canal.z + 2};
    const Vec3 tip{side * (lumbar ? 42.0 : 34.0), canal.y + (lumbar ? 0 : 9), canal.z + 4};
    paint_bone(painter, box_of(root, tip, 6), 1.6, [&](Vec3 p) { return sd_cone(p, root, tip, 5.5, 4); });
  }
}

void paint_spine(const Painter& painter) {
  const Scene& scene = painter.scene;
  const auto& spine = scene.spine;
  // One column of disc first: what the vertebrae leave of it are the discs.
  painter.canvas.fill({{-30, 0, -kFar}, {30, 90, kFar}}, painter.palette.disc, [&](Vec3 p) {
    const double t = clamp01((160 - p.z) / 320);
    return sd_ellipse(p.x, p.y - spine_y(scene.anatomy, p.z), mix(13, 21.5, t), mix(11.5, 16, t));
  });
  for (std::size_t i = 0; i < spine.size(); ++i) {
    const bool lost = scene.collapse && scene.collapse->vertebra == static_cast<int>(i);
    paint_vertebra(painter, spine[i], lost ? scene.collapse->fraction : 0);
  }
  painter.canvas.fill({{-12, 40, -kFar}, {12, 110, kFar}}, painter.palette.fluid, [&](Vec3 p) {
    const double t = clamp01((160 - p.z) / 320);
    return sd_ellipse(p.x, p.y - spine_y(scene.anatomy, p.z) - mix(21.5, 25, t), 9.5, 7.5);
  });
  painter.canvas.fill({{-8, 40, -110}, {8, 110, kFar}}, painter.palette.cord, [&](Vec3 p) {
    const double t = clamp01((160 - p.z) / 320);
    return std::max(sd_ellipse(p.x, p.y - spine_y(scene.anatomy, p.z) - mix(21.5, 25, t), 5.5, 4),
                    -105 - p.z);
  });
}

void paint_rib(const Painter& painter, int side, int number) {
  Rib bones = rib(painter.scene.anatomy, side, number);
  const auto& gap = painter.scene.rib_gap;
  const bool broken = gap && gap->side == side && gap->number == number;
  const Vec3 middle = broken ? rib_point(bones, gap->fraction) : Vec3{kFar, kFar, kFar};
  const int broken_at = broken ? static_cast<int>(gap->fraction * bones.bone_end) : -1;
  const double radius = number == 1 ? 6.5 : number >= 11 ? 4.8 : 5.8;
  for (int i = 0; i + 1 < static_cast<int>(bones.points.size()); ++i) {
    const Vec3 a = bones.points[static_cast<std::size_t>(i)],
               b = bones.points[static_cast<std::size_t>(i) + 1];
    const auto segment = [&](Vec3 p) {
      // Ribs are taller than thick: distance is measured on a lattice that is squeezed along z.
      const Vec3 squeeze{1, 1, 0.78};
      const auto squeezed = [&](Vec3 q) { return Vec3{q.x, q.y, q.z * squeeze.z}; };
      return sd_cone(squeezed(p), squeezed(a), squeezed(b), radius * 0.86, radius * 0.86);
    };
    const Box box = box_of(a, b, radius * 1.2);
    if (i >= bones.bone_end) {
      painter.canvas.fill(box, painter.palette.cartilage, segment);
    } else if (std::abs(i - broken_at) <= 1 && broken) {
      paint_bone(painter, box, 1.5,
                 [&](Vec3 p) { return std::max(segment(p), gap->half_gap - length(p - middle)); });
    } else {
      paint_bone(painter, box, 1.5, segment);
    }
  }
}

void paint_sternum(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  paint_bone(painter, {{-30, -130, -50}, {30, -40, 108}}, 1.4, [&](Vec3 p) {
    const HalfAxes axes = cage_at(anatomy, p.z);
    const double y = p.y - axes.center_y + axes.b + 1;
    const double half_width = p.z > 52 ? mix(15, 27, clamp01((p.z - 52) / 40)) : p.z > -20 ? 16.5 : 8;
    const double flat = std::max(std::abs(p.x) - half_width, std::abs(y) - 6);
    return std::max({flat, std::abs(p.z - 30) - 68, 1.2 - std::abs(p.z - 52)});
  });
}

void paint_shoulder_girdle(const Painter& painter) {
  const Anatomy& anatomy = painter.scene.anatomy;
  for (int side : {kRight, kLeft}) {
    const Vec3 inner{side * 22.0, -66, 102}, middle{side * 62.0, -66, 124}, outer{side * 118.0, -20, 152};
    paint_bone(painter, box_of(inner, middle, 8), 1.6,
               [&](Vec3 p) { return sd_cone(p, inner, middle, 7.5, 6); });
    paint_bone(painter, box_of(middle, outer, 8), 1.6,
               [&](Vec3 p) { return sd_cone(p, middle, outer, 6, 7); });
    // The shoulder blade: a thin triangle that follows the cage.
    const Box box = side == kRight ? Box{{-150, 0, 20}, {-40, 125, 160}} : Box{{40, 0, 20}, {150, 125, 160}};
    paint_bone(painter, box, 1.2, [&](Vec3 p) {
      const double outward = side * p.x;
      const double plate = std::abs(cage(anatomy, p) - 23 - 4 * smooth_step(90, 130, p.z)) - 2.6;
      const double border =
          std::max({58 - outward, 0.7 * (outward - 66) - 0.7 * (p.z - 34), p.z - 148, 18 - p.y});
      return std::max({plate, border, body(anatomy, p) + 5});
    });
    const Vec3 ridge_a{side * 62.0, 100, 108}, ridge_b{side * 122.0, 62, 142};
    paint_bone(painter, box_of(ridge_a, ridge_b, 6), 1.4,
               [&](Vec3 p) { return sd_cone(p, ridge_a, ridge_b, 3.2, 5.5); });
    const Vec3 head{side * 134.0, 20, 166};
    paint_bone(painter, box_around(head, 24), 1.8, [&](Vec3 p) { return sd_sphere(p, head, 22); });
  }
}

}  // namespace

void paint_skeleton(const Painter& painter) {
  paint_spine(painter);
  for (int side : {kRight, kLeft}) {
    for (int number = 1; number <= kRibs; ++number) paint_rib(painter, side, number);
  }
  paint_sternum(painter);
  paint_shoulder_girdle(painter);
}

}  // namespace pillar::phantom
