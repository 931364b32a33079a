#include "phantom/follow_up.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace pillar::phantom {
namespace {

constexpr std::uint64_t kCourseStream = 0x636F75727365u;  // far from those of the anatomy
constexpr double kGrowth = 1.5;                           // of a finding that has grown, and 1 / kGrowth

FindingCourse course_of_present(FindingKind kind, Random& random) {
  const double draw = random.uniform();
  if (draw < 0.3) return {kind, Change::grown, 1 / kGrowth, 1};
  if (draw < 0.55) return {kind, Change::shrunk, 1, 1 / kGrowth};
  if (draw < 0.75) return {kind, Change::vanished, random.uniform(1 / kGrowth, 1), 0};
  const double size = random.uniform(1 / kGrowth, 1);
  return {kind, Change::stable, size, size};
}

std::vector<FindingKind> kinds_of(const PatientCourse& course) {
  std::vector<FindingKind> kinds;
  for (const FindingCourse& finding : course.findings) kinds.push_back(finding.kind);
  return kinds;
}

void scale_balls(std::vector<Ball>& balls, double factor) {
  if (balls.empty()) return;
  const Vec3 middle = balls.front().center;
  for (Ball& ball : balls) {
    ball.center = middle + (ball.center - middle) * factor;
    ball.radius *= factor;
  }
}

// Between the heart as the patient has it and the one that was placed.
void scale_heart(Anatomy& anatomy, const Anatomy& usual, double factor) {
  anatomy.heart_scale = mix(usual.heart_scale, anatomy.heart_scale, factor);
  anatomy.heart_center = mix(usual.heart_center, anatomy.heart_center, factor);
}

void remove(Scene& scene, FindingKind kind, const Anatomy& usual) {
  switch (kind) {
    case FindingKind::lung_nodule:
      return scene.nodule.clear();
    case FindingKind::pleural_effusion:
      return scene.effusion.reset();
    case FindingKind::coronary_calcification:
      return scene.coronary.clear();
    case FindingKind::rib_fracture:
      return scene.rib_gap.reset();
    case FindingKind::hepatic_lesion:
      return scene.hepatic.clear();
    case FindingKind::cardiomegaly:
      return scale_heart(scene.anatomy, usual, 0);
    case FindingKind::pneumothorax:
      return scene.pneumothorax.reset();
    case FindingKind::aortic_aneurysm:
      return scene.aneurysm.reset();
    case FindingKind::vertebral_fracture:
      return scene.collapse.reset();
    case FindingKind::kidney_stone:
      return scene.stone.reset();
  }
}

void resize(Scene& scene, Finding& finding, const Anatomy& usual, double factor) {
  finding.size_mm *= factor;
  switch (finding.kind) {
    case FindingKind::lung_nodule:
      return scale_balls(scene.nodule, factor);
    case FindingKind::pleural_effusion:
      scene.effusion->level_y += 36 * (1 - factor);
      finding.size_mm = pleural_extent(scene, finding.kind);
      return;
    case FindingKind::coronary_calcification:
      for (Ball& plaque : scene.coronary) plaque.radius *= factor;
      return;
    case FindingKind::rib_fracture:
      scene.rib_gap->half_gap *= factor;
      return;
    case FindingKind::hepatic_lesion:
      return scale_balls(scene.hepatic, factor);
    case FindingKind::cardiomegaly:
      scale_heart(scene.anatomy, usual, factor);
      finding.size_mm = 2 * 60 * scene.anatomy.heart_scale * scene.anatomy.frame.scale;
      return;
    case FindingKind::pneumothorax:
      scene.pneumothorax->level_y -= 24 * (1 - factor);
      finding.size_mm = pleural_extent(scene, finding.kind);
      return;
    case FindingKind::aortic_aneurysm:
      scene.aneurysm->radius *= factor;
      scene.aneurysm->half_length *= factor;
      return;
    case FindingKind::vertebral_fracture:
      scene.collapse->fraction *= factor;
      return;
    case FindingKind::kidney_stone:
      scene.stone->radius *= factor;
      return;
  }
}

Scene study_of(std::uint64_t seed, const PhantomOptions& options, const PatientCourse& course,
               double FindingCourse::*size) {
  Scene scene = make_scene(seed, options, kinds_of(course));
  const Anatomy usual = make_anatomy(seed, options.field_of_view_mm);
  std::vector<Finding> there;
  for (Finding finding : scene.findings) {
    const auto own = std::find_if(course.findings.begin(), course.findings.end(),
                                  [&](const FindingCourse& other) { return other.kind == finding.kind; });
    if ((*own).*size == 0) {
      remove(scene, finding.kind, usual);
      continue;
    }
    resize(scene, finding, usual, (*own).*size);
    there.push_back(finding);
  }
  scene.findings = there;
  return scene;
}

const Finding* finding_in(const Scene& scene, FindingKind kind) {
  const auto found = std::find_if(scene.findings.begin(), scene.findings.end(),
                                  [&](const Finding& finding) { return finding.kind == kind; });
  return found == scene.findings.end() ? nullptr : &*found;
}

std::string compared(const FindingCourse& course, const Scene& first, const Scene& second) {
  const char* name = pillar::to_string(course.kind);
  const Finding *before = finding_in(first, course.kind), *now = finding_in(second, course.kind);
  switch (course.change) {
    case Change::grown:
      return fmt::format("The {} has grown, from {:.0f} to {:.0f} mm.", name, before->size_mm, now->size_mm);
    case Change::shrunk:
      return fmt::format("The {} is smaller, {:.0f} mm after {:.0f} mm.", name, now->size_mm,
                         before->size_mm);
    case Change::appeared:
      return fmt::format("The {} is new.", name);
    case Change::vanished:
      return fmt::format("There is no {} any longer.", name);
    case Change::stable:
      return fmt::format("The {} has not changed.", name);
  }
  return {};
}

}  // namespace

PatientCourse draw_course(std::uint64_t seed, const PhantomOptions& options) {
  Random random(seed, kCourseStream);
  PatientCourse course;
  course.days = 14 + random.below(350);
  for (const FindingKind kind : all_findings()) {
    if (random.chance(options.finding_probability)) {
      course.findings.push_back(course_of_present(kind, random));
    } else if (random.chance(0.4 * options.finding_probability)) {
      course.findings.push_back({kind, Change::appeared, 0, random.uniform(1 / kGrowth, 1)});
    }
  }
  return course;
}

Scene first_study(std::uint64_t seed, const PhantomOptions& options, const PatientCourse& course) {
  return study_of(seed, options, course, &FindingCourse::first);
}

Scene second_study(std::uint64_t seed, const PhantomOptions& options, const PatientCourse& course) {
  Scene scene = study_of(seed, options, course, &FindingCourse::second);
  Random random(seed, kCourseStream + 1);
  const Frame before = scene.anatomy.frame;
  Frame& frame = scene.anatomy.frame;
  frame.shift_mm = frame.shift_mm + Vec3{2 * random.bell(), 2 * random.bell(), 2 * random.bell()};
  const double roll = degrees(random.bell());
  frame.cos_roll = before.cos_roll * portable_cos(roll) - before.sin_roll * portable_sin(roll);
  frame.sin_roll = before.sin_roll * portable_cos(roll) + before.cos_roll * portable_sin(roll);
  for (Finding& finding : scene.findings) {
    const auto& [x, y, z] = finding.center_xyz_mm;
    const Vec3 world = frame.to_world(before.to_nominal({x, y, z}));
    finding.center_xyz_mm = {world.x, world.y, world.z};
  }
  scene.visit = 1;
  return scene;
}

std::string comparing_report(std::uint64_t seed, const Scene& first, const Scene& second,
                             const PatientCourse& course, Modality modality, double slice_mm) {
  std::string text = report_text(hash64(seed, kCourseStream), second.findings, modality, slice_mm);
  text += fmt::format("Comparison with the study {} days before:\n", course.days);
  if (course.findings.empty()) text += "No change.\n";
  for (const FindingCourse& finding : course.findings) text += compared(finding, first, second) + "\n";
  return text;
}

std::string change_question(FindingKind kind, bool larger) {
  return fmt::format("Is the {} {}?", pillar::to_string(kind), larger ? "new or larger" : "smaller or gone");
}

bool answer_of_change(const PatientCourse& course, FindingKind kind, bool larger) {
  return std::any_of(course.findings.begin(), course.findings.end(), [&](const FindingCourse& finding) {
    if (finding.kind != kind) return false;
    return larger ? finding.change == Change::grown || finding.change == Change::appeared
                  : finding.change == Change::shrunk || finding.change == Change::vanished;
  });
}

}  // namespace pillar::phantom
