#include "data/loader/study_check.h"

#include "pillar/data/scan.h"

#include "data/scan/annotation.h"
#include "data/scan/fitted_input.h"

namespace pillar {

void check_study_headers(const PoolStudy& study, const PreprocessSpec& spec) {
  const OpenedScan opened = open_scan({study.path, study.name}, read_options(spec));
  check_modality(study.path.string(), opened.modality, spec);
  check_annotation(study.annotation, study.path, opened);
}

}  // namespace pillar
