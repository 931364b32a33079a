// Internal: finetuning as a task of the run's loop.
#pragma once

#include "train/finetune/finetune_scores.h"
#include "train/finetune/finetune_step.h"
#include "train/run/run_loop.h"

#include <memory>
#include <optional>

namespace pillar {

class FinetuneTask : public RunTask {
 public:
  // `options` and `world` must outlive it.
  FinetuneTask(const FinetuneOptions& options, const World& world);

  RunPlan plan() const;
  FinetuneSetup& setup() { return setup_; }
  const FinetuneLoss& loss() const { return runner_.loss(); }
  // What is validated, evaluated and exported: averaged weights where there is an average.
  WeightMap result_weights() const;

  NamedTensors model_tensors() const override;
  WeightUpdate& update() override { return runner_.update(); }
  void start(const RunStart& start) override;
  std::vector<EpochStart> pools_at(std::int64_t step) const override { return {loader_->start_at(step)}; }
  std::vector<LoadedStudies> load(std::int64_t step) override;
  double waited_seconds() const override { return loader_ ? loader_->waited_seconds() : 0; }
  std::vector<NoteKind> notes() const override {
    return loader_ ? loader_->notes() : std::vector<NoteKind>();
  }
  void train(std::int64_t step) override;
  StepLog describe_step() const override;
  Validation validate(const StopQuestion& should_stop) override;
  void export_to(const std::filesystem::path& folder, std::int64_t steps) const override;

 private:
  void say_plan() const;

  const FinetuneOptions& options_;
  const World& world_;
  FinetuneSetup setup_;
  FinetuneStepRunner runner_;
  std::unique_ptr<StudyLoader> loader_;
  std::optional<StepBatch> batch_;  // what load() gave, until train() has taken it
  FinetuneStepReport report_;       // of the step before
};

// Collective: the numbers of a split, by a model with these weights, unless a rank is asked to stop.
Validation validate_split(const FinetuneOptions& options, const FinetuneSetup& setup, const OutcomePool& pool,
                          const FinetunedModel& model, const FinetuneLoss& loss, const World& world,
                          const StopQuestion& should_stop);

}  // namespace pillar
