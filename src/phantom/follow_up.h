// Internal: a patient's second study, some time after the first: the same torso, whose findings have changed.
#pragma once

#include "pillar/phantom/phantom.h"

#include "phantom/scene.h"

#include <string>
#include <vector>

namespace pillar::phantom {

enum class Change { stable, grown, shrunk, appeared, vanished };

// What becomes of one finding that is there in either study.
struct FindingCourse {
  FindingKind kind = FindingKind::lung_nodule;
  Change change = Change::stable;
  double first = 1, second = 1;  // of the size that it was placed with, 0 where it is not there
};

struct PatientCourse {
  int days = 0;  // between the studies
  std::vector<FindingCourse> findings;
};

PatientCourse draw_course(std::uint64_t seed, const PhantomOptions& options);

// The two studies of a course. Findings are placed once, at their largest, so that each stays where it is. In
// the second the patient lies a little differently, and the noise is another.
Scene first_study(std::uint64_t seed, const PhantomOptions& options, const PatientCourse& course);
Scene second_study(std::uint64_t seed, const PhantomOptions& options, const PatientCourse& course);

// report_text() of the second study, and how its findings compare with those of the first.
std::string comparing_report(std::uint64_t seed, const Scene& first, const Scene& second,
                             const PatientCourse& course, Modality modality, double slice_mm);

// "Is the pleural effusion new or larger?", and "smaller or gone".
std::string change_question(FindingKind kind, bool larger);
bool answer_of_change(const PatientCourse& course, FindingKind kind, bool larger);

}  // namespace pillar::phantom
