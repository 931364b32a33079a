// Reading a whole split back.
#include "pillar/core/fail.h"
#include "pillar/core/file_name.h"
#include "pillar/core/printable.h"
#include "pillar/core/thread_pool.h"
#include "pillar/embed/embedding_cache.h"

#include "embed/embedding_file.h"

#include <algorithm>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

struct Stored {
  fs::path file;
  at::Tensor vector;  // unset until read
};

void add(std::map<std::string, Stored>& found, const std::string& accession, Stored stored) {
  const auto [place, added] = found.emplace(accession, stored);
  if (!added) {
    fail(ErrorCategory::input, "{}: accession {} is in {} too", stored.file, printable(accession),
         place->second.file);
  }
}

}  // namespace

EmbeddingSet load_embeddings(const fs::path& cache, const std::string& split) {
  const fs::path folder = cache / "embeddings" / split;
  const fs::path csv = fs::path(folder) += ".csv";
  std::map<std::string, Stored> found;
  for (const fs::path& file : embedding_files(folder))
    add(found, accession_of(file.stem().string()), {file, {}});
  std::error_code ignored;
  if (fs::exists(csv, ignored)) {
    for (auto& [accession, vector] : read_embedding_csv(csv)) add(found, accession, {csv, vector});
  }
  if (found.empty()) fail(ErrorCategory::io, "{}: no embeddings there", folder);

  std::vector<Stored*> stored;
  EmbeddingSet set;
  for (auto& [accession, one] : found) {
    set.accessions.push_back(accession);
    stored.push_back(&one);
  }
  const auto count = static_cast<std::int64_t>(stored.size());
  parallel_for(count, usable_processors(), [&](std::int64_t i) {
    Stored& one = *stored[static_cast<std::size_t>(i)];
    if (!one.vector.defined()) one.vector = read_embedding_file(one.file);
  });

  const std::int64_t width = stored.front()->vector.numel();
  set.embeddings = at::empty({count, width}, at::kFloat);
  auto* to = set.embeddings.mutable_data_ptr<float>();
  for (const Stored* one : stored) {
    if (one->vector.numel() != width) {
      fail(ErrorCategory::input, "{}: {} values, {} has {}", one->file, one->vector.numel(),
           stored.front()->file, width);
    }
    to = std::copy_n(one->vector.const_data_ptr<float>(), width, to);
  }
  return set;
}

}  // namespace pillar
