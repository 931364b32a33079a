#include "evidence_cohort.h"

#include "pillar/data/load_model_input.h"
#include "pillar/embed/embedding_cache.h"
#include "pillar/embed/split_maker.h"
#include "pillar/image/volume_file.h"

#include "embed/shared/settings_file.h"
#include "support/volumes.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

namespace pillar::test {
namespace {

constexpr std::int64_t kChannels = 20;  // of each of two scales

const std::vector<TokenScale> kCohortScales = {{{6, 6, 6}, {1, 1, 1}}, {{3, 3, 3}, {2, 2, 2}}};

PreprocessSpec cohort_spec() {
  PreprocessSpec spec = default_preprocess_spec("chest_ct", {24, 24, 24});
  spec.target_spacing_xyz_mm = {3, 3, 3};
  return spec;
}

}  // namespace

EvidenceCohort::EvidenceCohort() {
  const Settings settings = {{"weights", "abc"}, {"preprocess", "24"}, {"normalize", "off"}, {"model", "m"}};
  std::filesystem::create_directories(dir_ / "scans");
  for (const char* split : {"test", "train"}) {
    EmbeddingCache cache(dir_ / "cache", split, EmbeddingFormat::npz);
    write_settings(dir_ / "cache/embeddings" / (std::string(split) + ".json"), settings);
    const bool is_test = std::string(split) == "test";
    for (std::uint64_t n = is_test ? 0 : 2; n < (is_test ? 2u : 5u); ++n) {
      const std::string accession = "S" + std::to_string(n);
      Volume scan = smooth_volume(24, 20, 16, static_cast<std::uint32_t>(n));
      scan.geometry = axis_aligned({3, 3, 3}, {-20, 10, 100});
      const std::filesystem::path file = dir_ / "scans" / (accession + ".nii.gz");
      write_volume_file(file, scan);
      Notes notes;
      const Placement placement = load_model_input(file, cohort_spec(), notes).placement;
      const at::Tensor vector = at::randn({2 * kChannels}, at::detail::createCPUGenerator(n), at::kFloat);
      const auto draw = [&](const TokenScale& scale) {
        return at::randint(0, scale.count(), {kChannels}, at::detail::createCPUGenerator(n + 9), at::kLong);
      };
      write_study_evidence(
          dir_ / "cache", split, accession,
          {at::cat({draw(kCohortScales[0]), draw(kCohortScales[1])}), kCohortScales, placement}, vector);
      cache.put(accession, vector);
    }
    cache.flush();
  }
  probe_.probe.weight_qd = at::randn({2, 2 * kChannels}, at::detail::createCPUGenerator(77), at::kFloat);
  probe_.probe.bias_q = at::randn({2}, at::detail::createCPUGenerator(78), at::kFloat);
  probe_.questions = {"Is there a stone?", "Is there air?"};
  probe_.mean_d = load_embeddings(dir_ / "cache", "train").embeddings.mean(0);
  probe_.maker = maker_of_split(dir_ / "cache", "train");
  save_probe(dir_ / "probe.safetensors", probe_);
}

EvidenceJob EvidenceCohort::job() const {
  EvidenceJob job;
  job.cache = dir_ / "cache";
  job.probe = dir_ / "probe.safetensors";
  job.out = dir_ / "evidence";
  job.apart_mm = 0;
  job.quiet = true;
  for (const char* accession : {"S0", "S1"})
    job.scans[accession].path = dir_ / "scans" / (std::string(accession) + ".nii.gz");
  return job;
}

at::Tensor EvidenceCohort::embedding(const std::string& accession) const {
  const EmbeddingSet set = load_embeddings(dir_ / "cache", "test");
  return set.embeddings[accession == "S0" ? 0 : 1];
}

}  // namespace pillar::test
