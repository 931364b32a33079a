#include "train/pretrain/pretrain_checks.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/labels/patients.h"

#include "train/run/run_checks.h"
#include "train/run/study_notes.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pillar {
namespace {

// "a, b, c, ...".
std::string first_few(std::vector<std::string> names) {
  constexpr std::size_t kNamed = 3;
  const bool more = names.size() > kNamed;
  names.resize(std::min(names.size(), kNamed));
  return fmt::format("{}{}", fmt::join(names, ", "), more ? ", ..." : "");
}

// A study that was trained on says nothing of how well the model does on others.
void refuse_trained_validation(const TrainedModality& modality) {
  if (modality.validation.studies.empty()) return;  // and no path of a training study is looked up
  std::unordered_set<std::string> names, paths;
  for (const PoolStudy& study : modality.train.studies) {
    names.insert(study.name);
    paths.insert(std::filesystem::weakly_canonical(study.path).string());
  }
  std::vector<std::string> shared;
  for (const PoolStudy& study : modality.validation.studies) {
    if (names.contains(study.name) || paths.contains(std::filesystem::weakly_canonical(study.path).string()))
      shared.push_back(study.name);
  }
  if (shared.empty()) return;
  fail(ErrorCategory::input,
       "data.validation: {} of {} studies of {} are trained on, {}: what was learned by heart is no "
       "validation",
       shared.size(), modality.validation.studies.size(), modality.name, first_few(shared));
}

// Whose a study is: empty where nothing says so.
std::string patient_of(const PoolStudy& study, const PatientTable& patients) {
  if (patients.patient_of.empty()) return study.patient;
  const auto found = patients.patient_of.find(study.name);
  if (found != patients.patient_of.end()) return found->second;
  fail(ErrorCategory::input, "{}: does not say whose study {} is", patients.file, printable(study.name));
}

// Two scans of one patient look alike: the one that was trained on helps to find the other.
void refuse_shared_patients(const std::vector<TrainedModality>& modalities, const PatientTable& patients) {
  std::unordered_map<std::string, const PoolStudy*> trained;  // by patient
  for (const TrainedModality& modality : modalities) {
    for (const PoolStudy& study : modality.train.studies) {
      if (std::string patient = patient_of(study, patients); !patient.empty())
        trained.emplace(std::move(patient), &study);
    }
  }
  std::vector<std::string> shared;
  for (const TrainedModality& modality : modalities) {
    for (const PoolStudy& study : modality.validation.studies) {
      const std::string patient = patient_of(study, patients);
      const auto found = patient.empty() ? trained.end() : trained.find(patient);
      if (found == trained.end()) continue;
      shared.push_back(fmt::format("patient {} ({} is trained on, {} validated)", printable(patient),
                                   printable(found->second->name), printable(study.name)));
    }
  }
  if (shared.empty()) return;
  fail(ErrorCategory::input,
       "data.validation: {} {} of a patient who is trained on: {}: a model that knows the patient is not "
       "judged by another scan",
       shared.size(), shared.size() == 1 ? "study is" : "studies are", first_few(shared));
}

void note_recall(const TrainedModality& modality, Notes& notes) {
  constexpr std::size_t kMostRecalled = 10;  // recall at 1, 5 and 10 is measured
  const std::size_t count = modality.validation.studies.size();
  if (count == 0 || count > kMostRecalled) return;
  notes.add(
      fmt::format("data.validation: recall at {} among {} studies of {} is 1 whatever the model has learned",
                  kMostRecalled, count, modality.name));
}

}  // namespace

void check_pretrain_studies(const PretrainConfig& config, const std::vector<TrainedModality>& modalities) {
  const PatientTable patients = config.patients.empty() ? PatientTable{} : read_patients(config.patients);
  for (const TrainedModality& modality : modalities) {
    refuse_mismatches(fmt::format("data.train of {}", modality.name), modality.train,
                      config.max_mismatch_fraction);
    refuse_mismatches(fmt::format("data.validation of {}", modality.name), modality.validation,
                      config.max_mismatch_fraction);
    refuse_trained_validation(modality);
  }
  refuse_shared_patients(modalities, patients);
}

void note_pretrain(const PretrainConfig& config, PretrainSetup& setup, const World& world) {
  constexpr std::int64_t kFewNegatives = 32;
  if (config.batch_size < kFewNegatives) {
    setup.notes.add(
        fmt::format("train.batch_size {}: below {} a study has too few others to be told from; "
                    "train.micro_batch, not train.batch_size, is what memory bounds",
                    config.batch_size, kFewNegatives));
  }
  note_warmup("optimizer.warmup_steps", config.warmup_steps, setup.total_steps, setup.notes);
  for (const TrainedModality& modality : setup.modalities) {
    note_single_study(modality.name, static_cast<std::int64_t>(modality.train.studies.size()), config,
                      setup.notes);
    note_recall(modality, setup.notes);
  }
  if (world.rank() != 0) return;  // only rank 0 writes
  setup.disk =
      disk_need(config, numbers_of(setup.model->weights()),
                numbers_of(setup.model->parameters().of_kind(ParameterKind::trainable)), setup.total_steps);
  check_disk(setup.disk, disk_room(config.output), config.output, setup.notes);
}

}  // namespace pillar
