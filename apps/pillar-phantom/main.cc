// A synthetic cohort of CT or MR scans with reports, labels and truth.
#include "pillar/phantom/cohort.h"

#include "support/app.h"

#include <cstdio>

namespace {

constexpr const char* kFooter = R"(Examples:
  pillar-phantom --out cohort --studies 20
      twenty chest and upper-abdomen CT scans, one folder of DICOM slices each
  pillar-phantom --out large --studies 1200 --size 48 --format enhanced --seed 7
      a cohort to train on, one multi-frame DICOM file a scan
  pillar-rave encode --input-csv cohort/series.csv --out samples --preset chest-ct
      what comes next

In the folder: scans/ (the images), series.csv (their list), train.jsonl, valid.jsonl and test.jsonl (reports),
labels.json (RATE answers), truth.csv (where each finding is), cohort.json (the options).
The same seed gives the same files on every machine. A run that was stopped goes on where it was when it is
started again with the same options.
Exit codes: 0 done, 1 failed, 2 wrong usage.)";

struct Arguments {
  std::string out;
  std::string modality = "CT";
  std::string format = "dicom";
  pillar::CohortOptions cohort;
};

void run(const Arguments& arguments, bool quiet) {
  pillar::CohortOptions options = arguments.cohort;
  options.phantom.modality = pillar::parse_modality(arguments.modality);
  options.format = pillar::parse_cohort_format(arguments.format);
  options.quiet = quiet;
  const pillar::CohortSummary summary = pillar::write_cohort(arguments.out, options);
  if (quiet) return;
  std::printf("%s: %lld studies written", arguments.out.c_str(), static_cast<long long>(summary.written));
  if (summary.skipped > 0) std::printf(", %lld there already", static_cast<long long>(summary.skipped));
  std::printf("\n");
}

void add_options(pillar::AppContext& context, Arguments& arguments) {
  CLI::App& app = context.app;
  pillar::CohortOptions& cohort = arguments.cohort;
  app.footer(kFooter);
  app.add_option("--out,-o", arguments.out, "folder to write; made if absent")->required()->type_name("DIR");
  app.add_option("--studies,-n", cohort.studies, "number of patients, 1 to 999999")
      ->required()
      ->type_name("N");
  app.add_option("--size", cohort.phantom.size, "voxels along each axis, 16 to 512")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--fov", cohort.phantom.field_of_view_mm,
                 "field of view, 340 to 600 mm; voxels are fov/size wide")
      ->capture_default_str()
      ->type_name("MM");
  app.add_option("--seed,-s", cohort.seed, "what makes this cohort differ from another")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("S");
  app.add_option("--modality", arguments.modality, "CT or MR (T1-weighted)")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--format,-f", arguments.format,
                 "dicom (a file a slice), enhanced (a multi-frame file a scan) or nifti (.nii.gz)")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--findings", cohort.phantom.finding_probability, "chance of each kind of finding, 0 to 1")
      ->capture_default_str()
      ->type_name("P");
  app.add_option("--train", cohort.train_fraction,
                 "share of the training split; the rest is halved into valid and test")
      ->capture_default_str()
      ->type_name("F");
  app.add_option("--jobs,-j", cohort.jobs, "studies drawn at a time; 0: all processors")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--follow-up", cohort.follow_up,
                 "chance, 0 to 1, that a patient has a second study, in which findings have grown, shrunk, "
                 "appeared or "
                 "vanished: pairs.csv, change_labels.json")
      ->capture_default_str()
      ->type_name("P");
  app.add_flag("--masks", cohort.masks,
               "where each finding is, too: masks/ on the scans' grids, listed in localization.csv, and "
               "boxes.csv; also "
               "for a cohort that is there already");
  app.add_flag("--overwrite", cohort.overwrite, "replace a cohort that was made with other options");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  const char* description =
      "Draws a cohort of synthetic patients: CT or MR scans of chest and upper abdomen with findings, a "
      "report for each,\n"
      "labels and the truth. For quick starts, tests and benchmarks: no patient data.";
  return pillar::run_app(argc, argv, description, [&](pillar::AppContext& context) {
    add_options(context, arguments);
    context.app.callback([&] { run(arguments, context.log.quiet); });
  });
}
