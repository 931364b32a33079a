#include "core/shared/torch_file.h"

#include "pillar/core/fail.h"
#include "pillar/core/printable.h"

#include "core/shared/tensor_bytes.h"
#include "core/tensor_files/pickle.h"
#include "core/tensor_files/torch_zip.h"

#include <algorithm>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

namespace pillar {
namespace {

using PickleKind = PickleValue::Kind;
using Records = std::map<std::string, ByteView>;

constexpr std::uint64_t kMostPickleBytes = 64'000'000;
constexpr int kMostLevels = 64;
constexpr int kMostVisits = 1'000'000;
constexpr std::array<std::uint8_t, 6> kLegacyMagic = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc};

bool begins_with(ByteView bytes, ByteView start) {
  return bytes.size() >= start.size() && std::equal(start.begin(), start.end(), bytes.begin());
}

struct Source {
  const std::string& name;
  const Records& records;
  std::shared_ptr<const void> owner;
};

at::ScalarType dtype_named(const std::string& class_name, const Source& source) {
  static const std::map<std::string, at::ScalarType> kTypes = {
      {"torch.FloatStorage", at::kFloat},   {"torch.DoubleStorage", at::kDouble},
      {"torch.HalfStorage", at::kHalf},     {"torch.BFloat16Storage", at::kBFloat16},
      {"torch.LongStorage", at::kLong},     {"torch.IntStorage", at::kInt},
      {"torch.ShortStorage", at::kShort},   {"torch.CharStorage", at::kChar},
      {"torch.ByteStorage", at::kByte},     {"torch.BoolStorage", at::kBool},
      {"torch.UInt16Storage", at::kUInt16}, {"torch.uint16", at::kUInt16},
      {"torch.uint32", at::kUInt32},        {"torch.uint64", at::kUInt64}};
  const auto found = kTypes.find(class_name);
  if (found == kTypes.end()) {
    fail(ErrorCategory::unsupported, "{}: tensors of type {}", source.name, printable(class_name));
  }
  return found->second;
}

[[noreturn]] void not_a_tensor(const Source& source, const std::string& key) {
  fail(ErrorCategory::input, "{}: '{}' is not a tensor that torch.save() writes", source.name,
       printable(key));
}

std::vector<std::int64_t> integers(const PickleValue& value, const Source& source, const std::string& key) {
  std::vector<std::int64_t> numbers;
  if (value.kind != PickleKind::sequence || value.items.size() > kMostLevels) not_a_tensor(source, key);
  for (const PickleValue* item : value.items) {
    if (item->kind != PickleKind::integer) not_a_tensor(source, key);
    numbers.push_back(item->integer);
  }
  return numbers;
}

// The bytes a tensor spans, from its first element to its last; none where the numbers make no sense.
std::optional<std::uint64_t> span_bytes(const std::vector<std::int64_t>& sizes,
                                        const std::vector<std::int64_t>& strides, std::uint64_t held,
                                        std::size_t element_size) {
  std::int64_t last = 0, count = 1;
  bool fits = sizes.size() == strides.size();
  for (std::size_t axis = 0; fits && axis < sizes.size(); ++axis) {
    std::int64_t reach = 0;
    fits = sizes[axis] >= 0 && strides[axis] >= 0 &&
           !__builtin_mul_overflow(std::max<std::int64_t>(sizes[axis] - 1, 0), strides[axis], &reach) &&
           !__builtin_add_overflow(last, reach, &last) && !__builtin_mul_overflow(count, sizes[axis], &count);
  }
  if (!fits) return std::nullopt;
  if (count == 0) return 0;
  // A stride of 0 would make much out of little.
  const std::uint64_t elements = held / element_size;
  const auto span = static_cast<std::uint64_t>(last) + 1;
  if (span > elements || static_cast<std::uint64_t>(count) > elements) return std::nullopt;
  return span * element_size;
}

// `arguments` of torch._utils._rebuild_tensor_v2 (storage, offset, sizes, strides, gradient, hooks) or v3,
// which has the dtype after them.
at::Tensor rebuild(const PickleValue& arguments, bool names_dtype, const Source& source,
                   const std::string& key) {
  const auto& items = arguments.items;
  if (arguments.kind != PickleKind::sequence || items.size() < (names_dtype ? 7 : 4))
    not_a_tensor(source, key);
  if (items[0]->kind != PickleKind::persistent || items[1]->kind != PickleKind::integer)
    not_a_tensor(source, key);
  const auto& id = items[0]->items[0]->items;  // "storage", its class, its key, its device, its length
  if (id.size() < 3 || id[1]->kind != PickleKind::global || id[2]->kind != PickleKind::text)
    not_a_tensor(source, key);
  const at::ScalarType dtype = dtype_named(names_dtype ? items[6]->text : id[1]->text, source);
  const auto sizes = integers(*items[2], source, key), strides = integers(*items[3], source, key);
  const auto found = source.records.find(fmt::format("data/{}", id[2]->text));
  if (found == source.records.end()) {
    fail(ErrorCategory::input, "{}: the data of '{}' are not in it", source.name, printable(key));
  }
  const ByteView record = found->second;
  const std::size_t element_size = c10::elementSize(dtype);
  const auto offset = static_cast<std::uint64_t>(items[1]->integer);
  const std::uint64_t elements = record.size() / element_size;
  const auto span = offset > elements
                        ? std::nullopt
                        : span_bytes(sizes, strides, (elements - offset) * element_size, element_size);
  if (!span)
    fail(ErrorCategory::input, "{}: '{}' is a tensor larger than its data", source.name, printable(key));
  if (*span == 0) return at::empty(sizes, dtype);
  const ByteView bytes = record.subspan(offset * element_size, *span);
  if (dtype == at::kBool && !are_bools(bytes)) {
    fail(ErrorCategory::input, "{}: '{}' is of bools but has bytes other than 0 and 1", source.name,
         printable(key));
  }
  std::shared_ptr<const void> owner = source.owner;
  const std::uint8_t* data = bytes.data();
  if (reinterpret_cast<std::uintptr_t>(data) % element_size != 0) {
    auto copy = std::make_shared<Bytes>(bytes.begin(), bytes.end());
    data = copy->data();
    owner = std::move(copy);
  }
  return at::from_blob(
      const_cast<std::uint8_t*>(data), sizes, strides, [owner](void*) {}, dtype);
}

class Collector {
 public:
  // `text_bytes`: how much text lists may hold; 0: lists are left out.
  Collector(const Source& source, std::uint64_t text_bytes)
      : source_(source), want_lists_(text_bytes > 0), text_left_(text_bytes) {}
  void visit(const PickleValue& value, const std::string& key, int level);
  TorchContent take() { return std::move(content_); }

 private:
  void visit_call(const PickleValue& call, const std::string& key, int level);
  void visit_list(const PickleValue& list, const std::string& key);
  const Source& source_;
  bool want_lists_;
  std::uint64_t text_left_;
  int visits_ = 0;
  TorchContent content_;
};

void Collector::visit(const PickleValue& value, const std::string& key, int level) {
  if (level > kMostLevels || ++visits_ > kMostVisits) {
    fail(ErrorCategory::input, "{}: nested too deep, or in a ring", source_.name);
  }
  if (value.kind == PickleKind::call) return visit_call(value, key, level);
  if (value.kind == PickleKind::sequence) return visit_list(value, key);
  if (value.kind != PickleKind::dict) return;
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
    const PickleValue& name = *value.items[i];
    if (name.kind != PickleKind::text && name.kind != PickleKind::integer) continue;
    const std::string text = name.kind == PickleKind::text ? name.text : fmt::format("{}", name.integer);
    visit(*value.items[i + 1], key.empty() ? text : fmt::format("{}.{}", key, text), level + 1);
  }
}

void Collector::visit_call(const PickleValue& call, const std::string& key, int level) {
  static const std::string kModule = "torch._utils.";
  if (call.items[0]->kind != PickleKind::global) return;
  const std::string& callee = call.items[0]->text;
  const auto& arguments = *call.items[1];
  // What LibTorch's own pickler puts around a dict.
  if (callee == "torch.jit._pickle.restore_type_tag" && !arguments.items.empty()) {
    return visit(*arguments.items[0], key, level + 1);
  }
  if (!callee.starts_with(kModule + "_rebuild_")) return;
  const std::string function = callee.substr(kModule.size());
  if (function == "_rebuild_parameter" || function == "_rebuild_parameter_with_state") {
    if (arguments.kind != PickleKind::sequence || arguments.items.empty()) not_a_tensor(source_, key);
    return visit(*arguments.items[0], key, level + 1);
  }
  if (function != "_rebuild_tensor" && function != "_rebuild_tensor_v2" && function != "_rebuild_tensor_v3") {
    fail(ErrorCategory::unsupported, "{}: '{}' is no dense tensor ({})", source_.name, printable(key),
         printable(function));
  }
  const at::Tensor tensor = rebuild(arguments, function == "_rebuild_tensor_v3", source_, key);
  if (!content_.tensors.emplace(key, tensor).second) {
    fail(ErrorCategory::input, "{}: '{}' twice", source_.name, printable(key));
  }
}

void Collector::visit_list(const PickleValue& list, const std::string& key) {
  const auto is_text = [](const PickleValue* item) { return item->kind == PickleKind::text; };
  if (!want_lists_ || list.items.empty() || !std::all_of(list.items.begin(), list.items.end(), is_text))
    return;
  std::vector<std::string> texts;
  for (const PickleValue* item : list.items) {
    // A pickle can name one text any number of times.
    const std::uint64_t bytes = item->text.size() + 1;
    if (bytes > text_left_) {
      fail(ErrorCategory::input, "{}: '{}' has more text than the file is long", source_.name,
           printable(key));
    }
    text_left_ -= bytes;
    texts.push_back(item->text);
  }
  if (!content_.text_lists.emplace(key, std::move(texts)).second) {
    fail(ErrorCategory::input, "{}: '{}' twice", source_.name, printable(key));
  }
}

// `with_lists`: else only tensors.
TorchContent read_content(ByteView bytes, const std::string& name, const std::shared_ptr<const void>& owner,
                          bool with_lists) {
  if (begins_with(bytes, kLegacyMagic)) {
    fail(ErrorCategory::unsupported, "{}: PyTorch's format of before 2020; load and save it with a newer one",
         name);
  }
  const Records records = read_torch_zip(bytes, name);
  if (const auto order = records.find("byteorder");
      order != records.end() && begins_with(order->second, as_bytes("big"))) {
    fail(ErrorCategory::unsupported, "{}: written on a big-endian machine", name);
  }
  const auto pickled = records.find("data.pkl");
  if (pickled == records.end()) fail(ErrorCategory::input, "{}: not a torch file: no data.pkl", name);
  if (pickled->second.size() > kMostPickleBytes) {
    fail(ErrorCategory::input, "{}: a pickle of {} bytes", name, pickled->second.size());
  }
  const Pickle pickle = parse_pickle(pickled->second, name);
  const Source source{name, records, owner};
  Collector collector(source, with_lists ? pickled->second.size() : 0);
  collector.visit(*pickle.root, "", 0);
  return collector.take();
}

}  // namespace

bool looks_like_torch_file(ByteView bytes) noexcept {
  return begins_with(bytes, as_bytes("PK\3\4")) || begins_with(bytes, kLegacyMagic);
}

std::map<std::string, at::Tensor> read_torch_tensors(ByteView bytes, const std::string& name,
                                                     const std::shared_ptr<const void>& owner) {
  return read_content(bytes, name, owner, false).tensors;
}

TorchContent read_torch_content(ByteView bytes, const std::string& name,
                                const std::shared_ptr<const void>& owner) {
  return read_content(bytes, name, owner, true);
}

}  // namespace pillar
