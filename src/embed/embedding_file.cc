#include "embed/embedding_file.h"

#include "pillar/core/csv.h"
#include "pillar/core/fail.h"
#include "pillar/core/npy.h"
#include "pillar/core/printable.h"
#include "pillar/core/safetensors.h"

#include "core/shared/joined.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFileBytes = 1 << 28;  // of one embedding, inflated

at::Tensor stored_tensor(const fs::path& file) {
  if (file.extension() == ".safetensors") return SafetensorsFile(file).tensor(kEmbeddingKey);
  const auto arrays = read_npz(file, kMaxFileBytes);
  const auto found = arrays.find(kEmbeddingKey);
  if (found == arrays.end()) fail(ErrorCategory::input, "{}: no array '{}' in it", file, kEmbeddingKey);
  return found->second;
}

float parse_float(const std::string& text, const fs::path& file, std::size_t line) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    fail(ErrorCategory::input, "{}: row {}: '{}' is no finite number", file, line, printable(text));
  return value;
}

}  // namespace

bool is_finite(const at::Tensor& values) {
  const at::Tensor floats = values.contiguous();
  const float* data = floats.const_data_ptr<float>();
  return std::all_of(data, data + floats.numel(), [](float value) { return std::isfinite(value); });
}

std::vector<fs::path> embedding_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  if (!fs::exists(folder, error)) return files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& file = it->path();
    if (file.filename().string().starts_with(".")) continue;
    if (file.extension() == ".npz" || file.extension() == ".safetensors") files.push_back(file);
  }
  if (error) fail(ErrorCategory::io, "{}: cannot list: {}", folder, error.message());
  return files;
}

at::Tensor read_embedding_file(const fs::path& file) {
  at::Tensor stored = stored_tensor(file);
  if (stored.dim() == 2 && stored.size(0) == 1) stored = stored.squeeze(0);
  if (stored.dim() != 1 || stored.numel() == 0 || !stored.is_floating_point()) {
    fail(ErrorCategory::input, "{}: embedding of type {} and shape [{}], not one vector of floats", file,
         c10::toString(stored.scalar_type()), joined(stored.sizes().begin(), stored.sizes().end(), ","));
  }
  at::Tensor vector = at::empty(stored.sizes(), at::kFloat);  // its own memory: a mapped file stays closed
  vector.copy_(stored);
  if (!is_finite(vector)) fail(ErrorCategory::input, "{}: NaN or infinite values", file);
  return vector;
}

std::map<std::string, at::Tensor> read_embedding_csv(const fs::path& file) {
  const CsvTable table = read_csv(file);
  if (table.header.size() < 2 || table.header[0] != "accession")
    fail(ErrorCategory::input, "{}: its columns are not accession, e0, e1, ...", file);
  const std::size_t width = table.header.size() - 1;
  std::map<std::string, at::Tensor> rows;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    at::Tensor vector = at::empty({static_cast<std::int64_t>(width)}, at::kFloat);
    auto* data = vector.mutable_data_ptr<float>();
    for (std::size_t k = 0; k < width; ++k) data[k] = parse_float(table.rows[i][k + 1], file, i + 2);
    if (!rows.emplace(table.rows[i][0], vector).second)
      fail(ErrorCategory::input, "{}: row {}: accession {} again", file, i + 2, printable(table.rows[i][0]));
  }
  return rows;
}

void write_embedding_csv(const fs::path& file, const std::map<std::string, at::Tensor>& rows) {
  CsvTable table;
  table.header = {"accession"};
  if (!rows.empty()) {
    for (std::int64_t i = 0; i < rows.begin()->second.numel(); ++i)
      table.header.push_back(fmt::format("e{}", i));
  }
  for (const auto& [accession, vector] : rows) {
    if (vector.numel() + 1 != static_cast<std::int64_t>(table.header.size())) {
      fail(ErrorCategory::input, "{}: {} has {} values, others {}", file, printable(accession),
           vector.numel(), table.header.size() - 1);
    }
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(accession);
    const float* data = vector.const_data_ptr<float>();
    for (std::int64_t i = 0; i < vector.numel(); ++i)
      row.push_back(fmt::format("{}", data[i]));  // read back, the same bits
  }
  write_csv(file, table);
}

}  // namespace pillar
