#include "pillar/data/pretrain_pool.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "data/loader/study_check.h"
#include "data/shared/load_fault.h"

#include <cstring>
#include <map>

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

namespace pillar {
namespace {

constexpr std::size_t kNamedRepeats = 10;

// A study of some manifest, not looked at yet.
struct Candidate {
  std::size_t source;
  std::string name;
  std::filesystem::path path;
  std::string patient;
  std::string fault = {};  // empty: it is trained on
  StudyHeader header = {};
};

std::vector<TextCache> open_caches(const std::vector<PretrainSource>& sources) {
  std::vector<TextCache> caches;
  for (const PretrainSource& source : sources) {
    caches.push_back(TextCache::open(source.text_cache));
    if (caches.back().width() == caches.front().width()) continue;
    fail(ErrorCategory::input, "{}: text embeddings {} wide, those of {} are {}: one model takes one width",
         source.text_cache, caches.back().width(), sources.front().text_cache, caches.front().width());
  }
  return caches;
}

std::vector<Candidate> list_candidates(const std::vector<PretrainSource>& sources,
                                       std::vector<StudyFault>& faults) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Manifest manifest = load_manifest(sources[i].manifest, sources[i].json_lines);
    for (const std::string& name : manifest.missing)
      faults.push_back({sources[i].name, name, "", fmt::format("in no row of {}", sources[i].manifest)});
    for (ManifestSample& sample : manifest.samples)
      candidates.push_back({i, std::move(sample.name), std::move(sample.path), std::move(sample.patient)});
  }
  return candidates;
}

// Names stand for studies in messages and records: two sources must not share one.
void check_names(const std::vector<Candidate>& candidates, const std::vector<PretrainSource>& sources) {
  std::map<std::string_view, std::size_t> owners;
  std::vector<std::string> named;
  std::size_t repeated = 0;
  for (const Candidate& study : candidates) {
    const auto [owner, is_new] = owners.emplace(study.name, study.source);
    if (is_new || ++repeated > kNamedRepeats) continue;
    named.push_back(fmt::format("{} ({} and {})", printable(study.name), sources[owner->second].name,
                                sources[study.source].name));
  }
  if (repeated == 0) return;
  fail(ErrorCategory::input, "studies of two sources with one name: {}{}", joined(named, ", "),
       repeated > named.size() ? fmt::format(" and {} more", repeated - named.size()) : "");
}

// Headers only; the voxels are looked at when they are loaded.
void check_study(Candidate& study, const PretrainSource& source, const PreprocessSpec& spec,
                 const TextCache& cache, float* text) {
  const at::Tensor vector = cache.vector(study.name, source.text_category).contiguous();
  std::memcpy(text, vector.const_data_ptr<float>(), vector.nbytes());
  study.header = check_study_headers({study.name, study.path, source.name}, spec);
}

// Moves the rows of studies without a fault together, at the beginning.
PretrainPool keep_sound(std::vector<Candidate> candidates, const std::vector<PretrainSource>& sources,
                        const at::Tensor& text_nw, std::vector<StudyFault>& faults) {
  PretrainPool pool;
  std::vector<StudyHeader> headers;
  auto* rows = text_nw.mutable_data_ptr<float>();
  const auto width = static_cast<std::size_t>(text_nw.size(1));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Candidate& study = candidates[i];
    const std::string& source = sources[study.source].name;
    if (!study.fault.empty()) {
      faults.push_back({source, std::move(study.name), study.path.string(), std::move(study.fault)});
      continue;
    }
    const std::size_t row = pool.studies.size();
    if (row != i) std::memcpy(rows + row * width, rows + i * width, width * sizeof(float));
    pool.studies.push_back(
        {std::move(study.name), std::move(study.path), source, {}, std::move(study.patient)});
    headers.push_back(std::move(study.header));
  }
  note_headers(pool, headers);
  pool.text_nw = text_nw.narrow(0, 0, static_cast<std::int64_t>(pool.studies.size()));
  return pool;
}

}  // namespace

at::Tensor texts_of(const PretrainPool& pool, const std::vector<std::int64_t>& studies) {
  if (pool.text_nw.dim() != 2 || pool.text_nw.size(0) != static_cast<std::int64_t>(pool.studies.size()) ||
      pool.text_nw.scalar_type() != at::kFloat)
    fail(ErrorCategory::usage, "a pool's text embeddings are (studies, width) float32");
  return pool.text_nw.index_select(0, at::tensor(studies));
}

PretrainPool load_pretrain_pool(const std::vector<PretrainSource>& sources, const PreprocessSpec& spec,
                                int threads, std::vector<StudyFault>& faults) {
  if (sources.empty()) fail(ErrorCategory::usage, "{}: no datasets to train on", spec.modality);
  const std::vector<TextCache> caches = open_caches(sources);
  const std::size_t known = faults.size();
  std::vector<Candidate> candidates = list_candidates(sources, faults);
  check_names(candidates, sources);

  const auto count = static_cast<std::int64_t>(candidates.size()), width = caches.front().width();
  const at::Tensor text_nw = at::empty({count, width}, at::kFloat);
  auto* rows = text_nw.mutable_data_ptr<float>();
  parallel_for(count, threads, [&](std::int64_t i) {
    Candidate& study = candidates[static_cast<std::size_t>(i)];
    try {
      check_study(study, sources[study.source], spec, caches[study.source], rows + i * width);
    } catch (const std::exception& error) {
      study.fault = first_line(error);
    }
  });
  PretrainPool pool = keep_sound(std::move(candidates), sources, text_nw, faults);
  pool.spec = spec;
  if (!pool.studies.empty()) return pool;
  const StudyFault& first = faults[known];
  fail(ErrorCategory::input, "{}: no study to train on; the first of {} faults: {}: {}", spec.modality,
       faults.size() - known, first.name, first.fault);
}

}  // namespace pillar
