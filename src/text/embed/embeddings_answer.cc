#include "text/embed/embeddings_answer.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "http/shared/json_server.h"

#include <ATen/ops/empty.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestMessage = 300;

// Where the row of `item` goes, the `place`-th of the answer.
std::size_t index_of(const Json& item, std::size_t place, std::size_t count, const std::string& where) {
  const auto index = item.find("index");
  if (index == item.end()) return place;
  if (!index->is_number_unsigned() || index->get<std::uint64_t>() >= count)
    fail(ErrorCategory::io, "{}: a vector with the index {} in an answer to {} texts", where,
         printable(index->dump()), count);
  return index->get<std::size_t>();
}

void fill_row(const Json& numbers, float* row, const std::string& where) {
  for (const Json& number : numbers) {
    if (!number.is_number())
      fail(ErrorCategory::input, "{}: a vector with {} in it", where, printable(number.dump()));
    *row++ = number.get<float>();
  }
}

Json parse_answer(const std::string& body, const std::string& where) {
  Json answer = Json::parse(body, nullptr, false);
  if (answer.is_object()) return answer;
  // Python's json writes it so, and it is one text's.
  const bool has_nan =
      body.find("NaN") != std::string::npos && body.find("\"embedding\"") != std::string::npos;
  fail(has_nan ? ErrorCategory::input : ErrorCategory::io, "{}: the answer is {}: {}", where,
       has_nan ? "a vector with NaN in it" : "no JSON object", printable(body, kLongestMessage));
}

}  // namespace

at::Tensor parse_embeddings(const std::string& body, std::size_t count, const std::string& where) {
  const Json answer = parse_answer(body, where);
  const auto data = answer.find("data");
  if (data == answer.end() || !data->is_array())
    fail(ErrorCategory::io, "{}: an answer without embeddings: {}", where, server_message(body));
  if (data->size() != count)
    fail(ErrorCategory::io, "{}: {} vectors in answer to {} texts", where, data->size(), count);
  at::Tensor rows_nw;
  std::vector<bool> filled(count, false);
  for (std::size_t place = 0; place < count; ++place) {
    const Json& item = (*data)[place];
    const auto numbers = item.is_object() ? item.find("embedding") : item.end();
    if (numbers == item.end() || !numbers->is_array() || numbers->empty())
      fail(ErrorCategory::io, "{}: an embedding that is no list of numbers", where);
    const auto width = static_cast<std::int64_t>(numbers->size());
    if (!rows_nw.defined()) rows_nw = at::empty({static_cast<std::int64_t>(count), width}, at::kFloat);
    if (width != rows_nw.size(1))
      fail(ErrorCategory::io, "{}: vectors of {} and of {} numbers", where, rows_nw.size(1), width);
    const std::size_t row = index_of(item, place, count, where);
    if (filled[row]) fail(ErrorCategory::io, "{}: the vector with the index {} twice", where, row);
    filled[row] = true;
    fill_row(*numbers, rows_nw.mutable_data_ptr<float>() + static_cast<std::int64_t>(row) * width, where);
  }
  return rows_nw;
}

}  // namespace pillar
