#include "pillar/embed/study_evidence.h"

#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"
#include "pillar/core/sha256.h"

#include "core/shared/json_place.h"
#include "embed/placement_json.h"

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEvidenceFormat = "pillar-study-evidence";

fs::path evidence_file(const fs::path& cache, const std::string& split, const std::string& accession) {
  return cache / "evidence" / split / (file_stem(accession) + ".safetensors");
}

std::string digest_of(const at::Tensor& embedding) {
  const at::Tensor values = embedding.to(at::kFloat).contiguous();
  return sha256_hex({static_cast<const std::uint8_t*>(values.const_data_ptr()), values.nbytes()});
}

std::string scales_json(const std::vector<TokenScale>& scales) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const TokenScale& scale : scales)
    list.push_back({{"tokens_dhw", scale.tokens_dhw}, {"finest_dhw", scale.finest_dhw}});
  return nlohmann::ordered_json{{"scales", list}}.dump();
}

std::array<std::int64_t, 3> read_counts(const JsonPlace& place, const char* key) {
  const std::vector<JsonPlace> items = place.at(key).items();
  if (items.size() != 3) place.at(key).refuse("a list of three");
  std::array<std::int64_t, 3> counts;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    counts[axis] = items[axis].whole();
    if (counts[axis] < 1 || counts[axis] > 4096) items[axis].refuse("from 1 to 4096");
  }
  return counts;
}

std::vector<TokenScale> parse_scales(const std::string& text, const fs::path& file) {
  std::vector<TokenScale> scales;
  for (const JsonPlace& place : JsonPlace::parse_object(text, file).at("scales").items())
    scales.push_back({read_counts(place, "tokens_dhw"), read_counts(place, "finest_dhw")});
  if (scales.empty()) fail(ErrorCategory::input, "{}: no scale in it", file);
  return scales;
}

// (N) int64 of its own memory, each place on its scale's grid.
at::Tensor checked_places(const at::Tensor& stored, const std::vector<TokenScale>& scales, std::int64_t width,
                          const fs::path& file) {
  const auto count = static_cast<std::int64_t>(scales.size());
  if (stored.dim() != 1 || stored.scalar_type() != at::kInt || stored.numel() != width || width % count != 0)
    fail(ErrorCategory::input,
         "{}: its places are not one for each of the {} numbers of a readout of {} scales", file, width,
         count);
  at::Tensor places = at::empty({width}, at::kLong);
  places.copy_(stored);
  const auto* place = places.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < width; ++i) {
    const TokenScale& scale = scales[static_cast<std::size_t>(i / (width / count))];
    if (place[i] < 0 || place[i] >= scale.count())
      fail(ErrorCategory::input, "{}: place {} is token {} of {}", file, i, place[i], scale.count());
  }
  return places;
}

const std::string& metadata_of(const SafetensorsFile& file, const char* key, const fs::path& path) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    fail(ErrorCategory::input, "{}: no {} in its metadata: not written by pillar-eval embed --evidence", path,
         key);
  return found->second;
}

}  // namespace

void write_study_evidence(const fs::path& cache, const std::string& split, const std::string& accession,
                          const StudyEvidence& evidence, const at::Tensor& embedding) {
  const fs::path file = evidence_file(cache, split, accession);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", file.parent_path(), error.message());
  write_safetensors(file, {{"places", evidence.places_n.to(at::kInt)}},
                    {{"format", kEvidenceFormat},
                     {"embedding", digest_of(embedding)},
                     {"scales", scales_json(evidence.scales)},
                     {"placement", placement_json(evidence.placement)}});
}

bool has_study_evidence(const fs::path& cache, const std::string& split, const std::string& accession) {
  std::error_code ignored;
  return fs::exists(evidence_file(cache, split, accession), ignored);
}

void remove_study_evidence(const fs::path& cache, const std::string& split, const std::string& accession) {
  const fs::path file = evidence_file(cache, split, accession);
  std::error_code error;
  fs::remove(file, error);
  if (error) fail(ErrorCategory::io, "{}: cannot remove it: {}", file, error.message());
}

StudyEvidence read_study_evidence(const fs::path& cache, const std::string& split,
                                  const std::string& accession, const at::Tensor& embedding) {
  const fs::path path = evidence_file(cache, split, accession);
  if (!has_study_evidence(cache, split, accession))
    fail(ErrorCategory::io,
         "{}: nothing says where the embedding of {} comes from; pillar-eval embed --evidence does", path,
         printable(accession));
  const SafetensorsFile file(path);
  if (metadata_of(file, "embedding", path) != digest_of(embedding))
    fail(ErrorCategory::input,
         "{}: of another embedding than the cache has of {}; embed it again with --evidence", path,
         printable(accession));
  StudyEvidence evidence;
  evidence.scales = parse_scales(metadata_of(file, "scales", path), path);
  evidence.placement = parse_placement(metadata_of(file, "placement", path), path);
  evidence.places_n = checked_places(file.tensor("places"), evidence.scales, embedding.numel(), path);
  return evidence;
}

}  // namespace pillar
