// Internal: probes trained on few answers of each question, drawn several times.
#pragma once

#include "pillar/eval/probe_job.h"

#include <cstdint>
#include <functional>
#include <span>

#include <ATen/core/Tensor.h>

namespace pillar {

// Of each question `shots` yes and as many no, drawn at random, all there are where there are fewer; the
// other answers become -1. 0 shots: as it is. Studies without any answer left are left out. The draw of a
// question depends on the seed and its place alone.
ProbeData few_shot_data(const ProbeData& train, std::int64_t shots, std::uint64_t seed);

// The evaluation, without intervals, of a probe trained on what few_shot_data() gave, by one seed.
using EvaluateDraw = std::function<Evaluation(const ProbeData& train, std::uint64_t seed)>;

// A point for each entry of job.few_shot, job.draws draws each; of all answers as many where the solver
// itself draws (Adam), else one.
std::vector<FewShotPoint> few_shot_curve(const ProbeJob& job, const ProbeData& train,
                                         const EvaluateDraw& evaluate_draw);

// Mean and the interval of the mean by Student's t; its ends are NaN where there is one value.
Interval mean_over_draws(std::span<const double> values, double confidence);

}  // namespace pillar
