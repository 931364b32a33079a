#include "pillar/text/text_cache.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/joined.h"
#include "text/cache/vector_store.h"

#include <algorithm>
#include <cmath>

namespace pillar {

namespace fs = std::filesystem;

std::unique_ptr<VectorStore> open_vector_store(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorCategory::io, "{}: no such file or folder", path);
  return fs::is_directory(status) ? open_vector_folder(path) : open_packed_vectors(path);
}

at::Tensor checked_vector(const at::Tensor& stored, std::int64_t width, const std::string& where) {
  const auto dtype = stored.scalar_type();
  if (dtype != at::kFloat && dtype != at::kHalf && dtype != at::kBFloat16 && dtype != at::kDouble)
    fail(ErrorCategory::input, "{}: a vector of {}", where, c10::toString(dtype));
  const bool one_row = stored.dim() == 1 || (stored.dim() == 2 && stored.size(0) == 1);
  if (!one_row || stored.size(-1) != width) {
    fail(ErrorCategory::input, "{}: a vector of shape ({}) where embedding_dim is {}", where,
         joined(stored.sizes(), ","), width);
  }
  at::Tensor vector = stored.reshape({width}).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  vector = vector.contiguous();
  const std::span<const float> values(vector.const_data_ptr<float>(), static_cast<std::size_t>(width));
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    fail(ErrorCategory::input, "{}: a vector with NaN or infinite numbers", where);
  return vector;
}

struct TextCache::State {
  fs::path path;
  std::unique_ptr<VectorStore> store;

  std::optional<std::size_t> find(const std::string& study_id) const {
    const StudyDigest digest = study_digest(study_id);
    const auto& studies = store->studies();
    const auto found = std::lower_bound(studies.begin(), studies.end(), digest);
    if (found == studies.end() || *found != digest) return std::nullopt;
    return static_cast<std::size_t>(found - studies.begin());
  }
};

TextCache::TextCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextCache::TextCache(TextCache&&) noexcept = default;
TextCache& TextCache::operator=(TextCache&&) noexcept = default;
TextCache::~TextCache() = default;

TextCache TextCache::open(const fs::path& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  state->store = open_vector_store(path);
  return TextCache(std::move(state));
}

std::int64_t TextCache::width() const noexcept {
  return state_->store->width();
}

std::int64_t TextCache::count() const noexcept {
  return static_cast<std::int64_t>(state_->store->studies().size());
}

bool TextCache::contains(const std::string& study_id) const {
  return state_->find(study_id).has_value();
}

at::Tensor TextCache::vector(const std::string& study_id, const std::string& category) const {
  const auto place = state_->find(study_id);
  if (!place) fail(ErrorCategory::input, "{}: no embedding of study '{}'", state_->path, printable(study_id));
  const StoredVectors vectors = state_->store->stored(*place);
  const std::string where =
      fmt::format("{}: study '{}'", state_->store->file(*place).string(), printable(study_id));
  const auto found = vectors.find(category);
  if (found == vectors.end()) {
    std::vector<std::string> there;
    for (const auto& [name, vector] : vectors) there.push_back(printable(name));
    fail(ErrorCategory::input, "{} has no category '{}'; it has: {}", where, printable(category),
         joined(there, ", "));
  }
  return checked_vector(found->second, width(), where);
}

}  // namespace pillar
