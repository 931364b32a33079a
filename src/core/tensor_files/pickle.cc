#include "core/tensor_files/pickle.h"

#include "pillar/core/fail.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

namespace pillar {
namespace {

using PickleKind = PickleValue::Kind;

static_assert(std::endian::native == std::endian::little, "pickled numbers are read as they are stored");

constexpr std::size_t kMostValues = 4'000'000;

class PickleReader {
 public:
  PickleReader(ByteView bytes, const std::string& name) : bytes_(bytes), name_(name) {}
  Pickle read();

 private:
  [[noreturn]] void broken(const char* fault) const {
    fail(ErrorCategory::input, "{}: not a readable pickle: {} at byte {}", name_, fault, at_);
  }
  ByteView take(std::uint64_t size);
  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }
  std::string line();
  PickleValue* make(PickleKind kind);
  void push(PickleValue* value) { stack_.push_back(value); }
  void push_text(std::uint64_t size);
  void push_integer(std::int64_t value, PickleKind kind = PickleKind::integer);
  void push_long(std::uint64_t size);
  PickleValue* pop();
  PickleValue& top();
  std::vector<const PickleValue*> pop_to_mark();
  void push_sequence(std::vector<const PickleValue*> items) {
    push_new(PickleKind::sequence, std::move(items));
  }
  void push_new(PickleKind kind, std::vector<const PickleValue*> items);
  void push_tuple(std::size_t count);
  void push_call();
  void push_global(const std::string& module, const std::string& name);
  void add_to_top(PickleKind kind, const std::vector<const PickleValue*>& items);
  void remember(std::uint64_t index) { memo_[index] = &top(); }
  void recall(std::uint64_t index);

  bool scalar(std::uint8_t opcode);
  bool container(std::uint8_t opcode);
  bool object(std::uint8_t opcode);
  bool bookkeeping(std::uint8_t opcode);

  ByteView bytes_;
  const std::string& name_;
  std::size_t at_ = 0;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
};

ByteView PickleReader::take(std::uint64_t size) {
  if (size > bytes_.size() - at_) broken("truncated");
  const ByteView taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::string PickleReader::line() {
  const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
  const void* end = std::memchr(begin, '\n', bytes_.size() - at_);
  if (end == nullptr) broken("truncated");
  std::string text(begin, static_cast<const char*>(end));
  at_ += text.size() + 1;
  return text;
}

PickleValue* PickleReader::make(PickleKind kind) {
  if (pickle_.values.size() >= kMostValues) broken("more values than any checkpoint has");
  pickle_.values.emplace_back().kind = kind;
  return &pickle_.values.back();
}

void PickleReader::push_text(std::uint64_t size) {
  const ByteView text = take(size);
  PickleValue* value = make(PickleKind::text);
  value->text.assign(text.begin(), text.end());
  push(value);
}

void PickleReader::push_integer(std::int64_t integer, PickleKind kind) {
  PickleValue* value = make(kind);
  value->integer = integer;
  push(value);
}

// Two's complement of any length.
void PickleReader::push_long(std::uint64_t size) {
  const ByteView digits = take(size);
  if (size > 8) return push(make(PickleKind::other));
  std::uint64_t value = size > 0 && digits.back() >= 0x80 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | digits[i];
  push_integer(static_cast<std::int64_t>(value));
}

PickleValue* PickleReader::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) broken("an empty stack");
  PickleValue* value = stack_.back();
  stack_.pop_back();
  return value;
}

PickleValue& PickleReader::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) broken("an empty stack");
  return *stack_.back();
}

std::vector<const PickleValue*> PickleReader::pop_to_mark() {
  if (marks_.empty()) broken("no mark");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const PickleValue*> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleReader::push_new(PickleKind kind, std::vector<const PickleValue*> items) {
  PickleValue* value = make(kind);
  value->items = std::move(items);
  push(value);
}

void PickleReader::push_tuple(std::size_t count) {
  std::vector<const PickleValue*> items(count);
  for (std::size_t i = count; i-- > 0;) items[i] = pop();
  push_sequence(std::move(items));
}

void PickleReader::push_call() {
  const PickleValue* arguments = pop();
  const PickleValue* callee = pop();
  const bool is_dict = callee->kind == PickleKind::global && (callee->text == "collections.OrderedDict" ||
                                                              callee->text == "collections.defaultdict");
  if (is_dict) return push_new(PickleKind::dict, {});
  push_new(PickleKind::call, {callee, arguments});
}

void PickleReader::push_global(const std::string& module, const std::string& name) {
  PickleValue* value = make(PickleKind::global);
  value->text = fmt::format("{}.{}", module, name);
  push(value);
}

void PickleReader::add_to_top(PickleKind kind, const std::vector<const PickleValue*>& items) {
  PickleValue& target = top();
  if (target.kind == PickleKind::call) return;
  if (target.kind != kind) broken("an item for something that holds none");
  if (kind == PickleKind::dict && items.size() % 2 != 0) broken("a key without a value");
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleReader::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) broken("a reference to nothing");
  push(found->second);
}

bool PickleReader::scalar(std::uint8_t opcode) {
  switch (opcode) {
    case 'N':
      push(make(PickleKind::none));
      return true;
    case 0x88:
      push_integer(1, PickleKind::boolean);
      return true;
    case 0x89:
      push_integer(0, PickleKind::boolean);
      return true;
    case 'J':
      push_integer(number<std::int32_t>());
      return true;
    case 'K':
      push_integer(number<std::uint8_t>());
      return true;
    case 'M':
      push_integer(number<std::uint16_t>());
      return true;
    case 0x8a:
      push_long(number<std::uint8_t>());
      return true;
    case 0x8b:
      push_long(number<std::uint32_t>());
      return true;
    case 'G':
      take(8);
      push(make(PickleKind::other));
      return true;
    case 'U':
    case 'C':
    case 0x8c:
      push_text(number<std::uint8_t>());
      return true;
    case 'T':
    case 'B':
    case 'X':
      push_text(number<std::uint32_t>());
      return true;
    case 0x8d:
    case 0x8e:
      push_text(number<std::uint64_t>());
      return true;
    default:
      return false;
  }
}

bool PickleReader::container(std::uint8_t opcode) {
  switch (opcode) {
    case ']':
    case ')':
    case 0x8f:
      push_sequence({});
      return true;
    case '}':
      push_new(PickleKind::dict, {});
      return true;
    case 't':
    case 'l':
    case 0x91:
      push_sequence(pop_to_mark());
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(opcode - 0x84u);
      return true;
    case 'a': {
      const PickleValue* item = pop();
      add_to_top(PickleKind::sequence, {item});
      return true;
    }
    case 'e':
    case 0x90:
      add_to_top(PickleKind::sequence, pop_to_mark());
      return true;
    case 's': {
      const PickleValue* value = pop();
      const PickleValue* key = pop();
      add_to_top(PickleKind::dict, {key, value});
      return true;
    }
    case 'u':
      add_to_top(PickleKind::dict, pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool PickleReader::object(std::uint8_t opcode) {
  switch (opcode) {
    case 'c': {
      const std::string module = line();
      push_global(module, line());
      return true;
    }
    case 0x93: {
      const PickleValue* name = pop();
      const PickleValue* module = pop();
      if (name->kind != PickleKind::text || module->kind != PickleKind::text)
        broken("a class without a name");
      push_global(module->text, name->text);
      return true;
    }
    case 'R':
    case 0x81:
      push_call();
      return true;
    case 0x92:
      pop();
      push_call();
      return true;  // keyword arguments
    case 'b':
      pop();
      top();
      return true;  // an object's own attributes
    case 'Q': {
      const PickleValue* id = pop();
      push_new(PickleKind::persistent, {id});
      return true;
    }
    default:
      return false;
  }
}

bool PickleReader::bookkeeping(std::uint8_t opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      pop();
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      push(&top());
      return true;
    case 'q':
      remember(number<std::uint8_t>());
      return true;
    case 'r':
      remember(number<std::uint32_t>());
      return true;
    case 0x94:
      remember(memo_.size());
      return true;
    case 'h':
      recall(number<std::uint8_t>());
      return true;
    case 'j':
      recall(number<std::uint32_t>());
      return true;
    case 0x95:
      take(8);
      return true;  // a frame's length
    default:
      return false;
  }
}

Pickle PickleReader::read() {
  if (number<std::uint8_t>() != 0x80) broken("no protocol");
  if (const auto protocol = number<std::uint8_t>(); protocol < 2 || protocol > 5)
    broken("an unknown protocol");
  for (;;) {
    const auto opcode = number<std::uint8_t>();
    if (opcode == '.') break;
    if (!bookkeeping(opcode) && !scalar(opcode) && !container(opcode) && !object(opcode)) {
      broken("an opcode that data does not need");
    }
  }
  if (!marks_.empty()) broken("an open mark");
  pickle_.root = pop();
  return std::move(pickle_);
}

}  // namespace

Pickle parse_pickle(ByteView bytes, const std::string& name) {
  return PickleReader(bytes, name).read();
}

}  // namespace pillar
