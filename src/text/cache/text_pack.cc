#include "pillar/text/text_pack.h"

#include "pillar/core/fail.h"
#include "pillar/core/progress.h"

#include "text/cache/cache_metadata.h"
#include "text/cache/packed_writer.h"
#include "text/cache/vector_file.h"
#include "text/cache/vector_store.h"

#include <set>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsualCategory = "all_findings";
constexpr std::size_t kPackReleaseEvery = 1024;  // studies

std::string named(const VectorStore& store, std::size_t place) {
  return fmt::format("{}: study {}", store.file(place).string(), to_hex(store.studies()[place]));
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCategory::io, "{}: cannot make the folder: {}", folder, error.message());
}

// Calls body(place) for each study, with a progress bar.
template <typename Body>
void for_each_study(const VectorStore& store, const std::string& label, bool quiet, const Body& body) {
  const std::size_t count = store.studies().size();
  Progress progress(
      {.label = label, .unit = "studies", .total = static_cast<std::int64_t>(count), .quiet = quiet});
  for (std::size_t place = 0; place < count; ++place) {
    body(place);
    progress.advance();
    if (place % kPackReleaseEvery == 0) store.release_pages();
  }
}

}  // namespace

TextPackSummary pack_text_cache(const fs::path& cache, const fs::path& file, const TextPackOptions& options) {
  if (options.dtype != at::kFloat && options.dtype != at::kBFloat16)
    fail(ErrorCategory::usage, "a packed text cache is fp32 or bf16");
  std::error_code ignored;
  if (fs::is_directory(file, ignored))
    fail(ErrorCategory::usage, "{}: is a folder; a packed text cache is one file", file);
  const at::NoGradGuard no_grad;
  const auto store = open_vector_store(cache);
  if (store->studies().empty()) fail(ErrorCategory::input, "{}: no studies", cache);

  TextPackSummary summary{static_cast<std::int64_t>(store->studies().size()), store->width(), {}};
  const StoredVectors first = store->stored(0);
  std::set<std::string> known = {first.count(kUsualCategory) != 0 ? kUsualCategory : first.begin()->first};
  summary.categories.assign(known.begin(), known.end());
  PackedWriter writer(file, options.dtype, store->width(), store->info());
  // A pass for each category: the first finds the others, and mostly there are none.
  for (std::size_t i = 0; i < summary.categories.size(); ++i) {
    const std::string category = summary.categories[i];
    writer.begin_category(category);
    for_each_study(*store, fmt::format("pack {}", category), options.quiet, [&](std::size_t place) {
      for (const auto& [name, vector] : store->stored(place)) {
        if (known.insert(name).second) summary.categories.push_back(name);
        if (name == category)
          writer.add(store->studies()[place], checked_vector(vector, store->width(), named(*store, place)));
      }
    });
  }
  writer.finish();
  return summary;
}

TextPackSummary unpack_text_cache(const fs::path& file, const fs::path& folder, bool quiet) {
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !(fs::is_directory(folder, ignored) && fs::is_empty(folder, ignored)))
    fail(ErrorCategory::usage, "{}: is there already; choose another folder", folder);
  const at::NoGradGuard no_grad;
  const auto store = open_packed_vectors(file);
  TextPackSummary summary{static_cast<std::int64_t>(store->studies().size()), store->width(), {}};
  if (folder.has_parent_path()) make_folder(folder.parent_path());
  PartialPath partial(folder);
  make_folder(partial.path() / "embeddings");
  std::set<std::string> categories;
  for_each_study(*store, "unpack", quiet, [&](std::size_t place) {
    StoredVectors vectors = store->stored(place);
    for (auto& [name, vector] : vectors) {
      categories.insert(name);
      vector = checked_vector(vector, store->width(), named(*store, place));
    }
    const std::string name = vector_file_name(store->studies()[place]);
    const Descriptor to = Descriptor::create(partial.path() / name, folder / name);
    write_all(to, format_vector_file(vectors), folder / name);
  });
  write_cache_metadata(partial.path(), store->info(), store->studies());
  partial.commit();
  summary.categories.assign(categories.begin(), categories.end());
  return summary;
}

}  // namespace pillar
