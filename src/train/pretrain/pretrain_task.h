// Internal: contrastive pretraining as a task of the run's loop.
#pragma once

#include "train/pretrain/pretrain_setup.h"
#include "train/pretrain/pretrain_step.h"
#include "train/run/run_loop.h"

#include <memory>
#include <vector>

namespace pillar {

class PretrainTask : public RunTask {
 public:
  // `options` and `world` must outlive it.
  PretrainTask(const PretrainOptions& options, const World& world);

  RunPlan plan() const;
  const PretrainSetup& setup() const { return setup_; }

  NamedTensors model_tensors() const override;
  WeightUpdate& update() override { return runner_.update(); }
  void start(const RunStart& start) override;
  std::vector<EpochStart> pools_at(std::int64_t step) const override;
  std::vector<LoadedStudies> load(std::int64_t step) override;
  double waited_seconds() const override;
  std::vector<NoteKind> notes() const override;
  void train(std::int64_t step) override;
  StepLog describe_step() const override;
  Validation validate(const StopQuestion& should_stop) override;
  void export_to(const std::filesystem::path& folder, std::int64_t steps) const override;

 private:
  void say_plan() const;
  WeightMap result_weights() const;  // averaged where there is an average

  const PretrainOptions& options_;
  const World& world_;
  PretrainSetup setup_;
  StepRunner runner_;
  std::vector<std::unique_ptr<StudyLoader>> loaders_;  // one a modality
  std::vector<StepBatch> batches_;                     // what load() gave, until train() has taken it
  StepReport report_;                                  // of the step before
};

}  // namespace pillar
