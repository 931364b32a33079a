#include "embed/probe_job.h"

#include "pillar/data/model_input.h"
#include "pillar/rave/sample.h"

#include "support/volumes.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

namespace pillar::test {

std::filesystem::path make_sample(const TempDir& dir, const std::string& accession, std::uint32_t seed) {
  SampleMetadata metadata;
  metadata.accession = accession;
  const std::filesystem::path target = dir / fmt::format("{}.1.0", accession);
  write_sample(target, smooth_volume(10, 48, 64, seed), metadata, {});
  return target;
}

at::Tensor probe(const at::Tensor& voxels_bcdhw) {
  const std::int64_t batch = voxels_bcdhw.size(0);
  const at::Tensor flat = voxels_bcdhw.to(at::kFloat).reshape({batch, -1}).contiguous();
  at::Tensor rows = at::empty({batch, 3}, at::kFloat);
  for (std::int64_t b = 0; b < batch; ++b) {
    const float* data = flat.const_data_ptr<float>() + b * flat.size(1);
    double sum = 0, weighted = 0;
    for (std::int64_t i = 0; i < flat.size(1); ++i) {
      sum += data[i];
      weighted += data[i] * static_cast<double>(i);
    }
    rows[b][0] = sum;
    rows[b][1] = weighted;
    rows[b][2] = data[0];
  }
  return rows;
}

at::Tensor probe_of(const std::filesystem::path& sample) {
  const PreprocessSpec spec = quiet_job("", {}).spec;
  Notes notes;
  return probe(model_input(open_scan({sample, ""}, {}).read(), spec, notes).voxels_cdhw.unsqueeze(0))[0];
}

EmbedJob quiet_job(const std::filesystem::path& cache, const std::vector<std::filesystem::path>& scans) {
  EmbedJob job;
  for (const std::filesystem::path& scan : scans) job.scans.push_back({scan, ""});
  job.spec = default_preprocess_spec("chest_ct", kProbeSize);
  job.spec.target_spacing_xyz_mm.reset();
  job.reading.prepare = prepare_options(job.spec);
  job.cache = cache;
  job.split = "test";
  job.model_name = "probe";
  job.dataset_name = "phantoms";
  job.jobs = 2;
  job.quiet = true;
  return job;
}

}  // namespace pillar::test
