#include "core/shared/torch_file.h"

#include "core/tensor_files/pickle.h"
#include "support/expect_error.h"
#include "support/torch_file.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/serialization/pickle.h>

namespace pillar {
namespace {

using test::pickled;
using test::pickled_dict;
using test::pickled_global;
using test::pickled_integer;
using test::pickled_text;
using test::pickled_tuple;
using test::PickledTensor;
using test::torch_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

void expect_refused(const Bytes& file, ErrorCategory category, const std::string& fault) {
  EXPECT_PILLAR_ERROR(read_torch_tensors(file, "a.pt"), category, AllOf(HasSubstr("a.pt"), HasSubstr(fault)));
}

void expect_refused(const std::string& pickle, const std::string& fault) {
  expect_refused(torch_file(pickle, {at::zeros({6})}), ErrorCategory::input, fault);
}

TEST(TorchFile, NestedDictsAreFlattened) {
  const at::Tensor values = at::arange(6, at::kFloat);
  const std::string tensor = pickled({.sizes = {2, 3}, .strides = {3, 1}});
  const std::string parameter =
      pickled_global("torch._utils", "_rebuild_parameter") + pickled_tuple({tensor, "\x88", "N"}) + "R";
  const std::string object =
      pickled_global("easydict", "EasyDict") + ")\x81(" + pickled_text("lr") + pickled_integer(1) + "u";
  const std::string pickle =
      pickled_dict({{"epoch", pickled_integer(2)},
                    {"state_dict", pickled_dict({{"a.weight", tensor}, {"b", parameter}}, true)},
                    {"args", object}});
  const Bytes file = torch_file(pickle, {values});
  const auto tensors = read_torch_tensors(file, "a.pt");
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_TRUE(at::equal(tensors.at("state_dict.a.weight"), values.reshape({2, 3})));
  EXPECT_TRUE(at::equal(tensors.at("state_dict.b"), values.reshape({2, 3})));
}

TEST(TorchFile, ListsOfTextAreReadWhereTheyAreWanted) {
  const std::string pickle =
      pickled_dict({{"keys", "](" + pickled_text("a, \"b\"") + pickled_text("<c>") + "e"},
                    {"more", pickled_dict({{"pair", pickled_tuple({pickled_text("x"), pickled_text("")})}})},
                    {"mixed", "](" + pickled_text("a") + pickled_integer(1) + "e"},
                    {"none", "]"},
                    {"embeddings", pickled({.sizes = {2, 3}, .strides = {3, 1}})}});
  const Bytes file = torch_file(pickle, {at::arange(6, at::kFloat)});
  const TorchContent content = read_torch_content(file, "a.pt");
  EXPECT_THAT(content.text_lists, ElementsAre(Pair("keys", ElementsAre("a, \"b\"", "<c>")),
                                              Pair("more.pair", ElementsAre("x", ""))));
  EXPECT_EQ(content.tensors.size(), 1u);
  EXPECT_EQ(read_torch_tensors(file, "a.pt").size(), 1u);
}

TEST(TorchFile, OneTextNamedAgainAndAgainDoesNotInflate) {
  std::string items = pickled_text(std::string(1000, 'a')) + "q\x01";
  for (int i = 0; i < 1000; ++i) items += "h\x01";
  const Bytes file = torch_file(pickled_dict({{"keys", "](" + items + "e"}}), {at::zeros({6})});
  EXPECT_PILLAR_ERROR(read_torch_content(file, "a.pt"), ErrorCategory::input,
                      AllOf(HasSubstr("a.pt: 'keys'"), HasSubstr("more text")));
  EXPECT_TRUE(read_torch_tensors(file, "a.pt").empty());
}

TEST(TorchFile, StridesOffsetsAndTypesAreKept) {
  const at::Tensor values = at::arange(6, at::kLong);
  const Bytes file = torch_file(
      pickled({.storage = "LongStorage", .sizes = {2, 2}, .strides = {1, 2}, .offset = 1}), {values});
  const at::Tensor read = read_torch_tensors(file, "a.pt").at("");
  EXPECT_TRUE(at::equal(read, values.slice(0, 1, 5).reshape({2, 2}).t()));
  const Bytes empty = torch_file(pickled({.sizes = {0, 3}, .strides = {3, 1}}), {at::zeros({1})});
  EXPECT_EQ(read_torch_tensors(empty, "a.pt").at("").sizes(), (std::vector<std::int64_t>{0, 3}));
}

TEST(TorchFile, WhatLibTorchPicklesIsRead) {
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("half", at::arange(5, at::kHalf));
  dict.insert("flags", at::full({3}, true, at::kBool));
  const std::vector<char> pickle = torch::jit::pickle_save(dict);
  const Bytes file(pickle.begin(), pickle.end());
  const auto tensors = read_torch_tensors(file, "a.pt");
  EXPECT_TRUE(at::equal(tensors.at("half"), at::arange(5, at::kHalf)));
  EXPECT_TRUE(at::equal(tensors.at("flags"), at::full({3}, true, at::kBool)));
}

TEST(TorchFile, ViewsKeepTheirOwner) {
  const at::Tensor values = at::arange(9, at::kByte);
  auto file = std::make_shared<const Bytes>(
      torch_file(pickled({.storage = "ByteStorage", .sizes = {9}, .strides = {1}}), {values}));
  at::Tensor tensor = read_torch_tensors(*file, "a.pt", file).at("");
  const std::weak_ptr<const Bytes> watch = file;
  file.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_TRUE(at::equal(tensor, values));
  tensor.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(TorchFile, TensorsBeyondTheirDataAreRefused) {
  const std::string fault = "larger than its data";
  expect_refused(pickled({.sizes = {7}, .strides = {1}}), fault);
  expect_refused(pickled({.sizes = {6}, .strides = {1}, .offset = 1}), fault);
  expect_refused(pickled({.sizes = {6}, .strides = {1}, .offset = -1}), fault);
  expect_refused(pickled({.sizes = {2, 2}, .strides = {5, 1}}), fault);
  expect_refused(pickled({.sizes = {-1}, .strides = {1}}), fault);
  expect_refused(pickled({.sizes = {2}, .strides = {-1}}), fault);
  expect_refused(pickled({.sizes = {2}, .strides = {1, 1}}), fault);
  expect_refused(pickled({.sizes = {1000}, .strides = {0}}), fault);
  expect_refused(pickled({.sizes = {1 << 30, 1 << 30, 1 << 30}, .strides = {1 << 30, 1 << 30, 1 << 30}}),
                 fault);
  expect_refused(pickled({.storage = "DoubleStorage", .sizes = {4}, .strides = {1}}), fault);
  expect_refused(pickled({.key = 4, .sizes = {1}, .strides = {1}}), "are not in it");
}

TEST(TorchFile, OtherTensorsAreNamed) {
  const auto file = [](const std::string& pickle) {
    return torch_file(pickle, {at::full({6}, 7, at::kByte)});
  };
  expect_refused(file(pickled({.storage = "ComplexFloatStorage", .sizes = {1}, .strides = {1}})),
                 ErrorCategory::unsupported, "torch.ComplexFloatStorage");
  expect_refused(file(pickled({.storage = "BoolStorage", .sizes = {6}, .strides = {1}})),
                 ErrorCategory::input, "bytes other than 0 and 1");
  const std::string sparse =
      pickled_global("torch._utils", "_rebuild_sparse_tensor") + pickled_tuple({}) + "R";
  expect_refused(file(pickled_dict({{"s", sparse}})), ErrorCategory::unsupported, "'s' is no dense tensor");
  const std::string no_storage =
      pickled_global("torch._utils", "_rebuild_tensor_v2") +
      pickled_tuple({"N", pickled_integer(0), pickled_tuple({}), pickled_tuple({})}) + "R";
  expect_refused(file(pickled_dict({{"t", no_storage}})), ErrorCategory::input, "'t' is not a tensor");
}

TEST(TorchFile, BrokenPicklesAreRefused) {
  for (const std::string pickle : {"X\xff\xff\xff\xff", "t", "}(K\x01u", "K\x01K\x02s", "h\x05", "R", "(N",
                                   "ctorch\n", "Q", "\x8b\xff\xff\xff\xff", "i", "0", "b"}) {
    expect_refused(pickle, "not a readable pickle");
  }
  // A dict that holds itself, and one of 2^70 paths.
  expect_refused(fmt::format("}}q\x01{}h\x01s", pickled_text("a")), "nested too deep");
  std::string laughs = "}";
  for (int i = 0; i < 60; ++i) laughs = fmt::format("}}(K\x01{}q\x01K\x02h\x01u", laughs);
  expect_refused(laughs, "nested too deep");
  // A tower that would take the stack with it, if values were freed by recursion.
  EXPECT_TRUE(
      read_torch_tensors(torch_file(fmt::format("N{}", std::string(1'000'000, '\x85')), {}), "a.pt").empty());
}

TEST(TorchFile, BrokenZipsAreRefused) {
  const Bytes whole = test::torch_state_dict({{"a", at::arange(1000, at::kFloat)}});
  for (const std::size_t size : {std::size_t{4}, whole.size() / 2, whole.size() - 10}) {
    expect_refused(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)),
                   ErrorCategory::input, "not a");
  }
  Bytes flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  expect_refused(flipped, ErrorCategory::input, "checksum");
  expect_refused(torch_file("", {}, {{"other", "x"}}), ErrorCategory::input, "no data.pkl");
  expect_refused(torch_file("}", {at::zeros({100000})}, {}, true), ErrorCategory::input, "compressed");
  expect_refused(torch_file("}", {}, {{"x", "1"}, {"x", "2"}}), ErrorCategory::input, "x' twice");
  expect_refused(torch_file("}", {}, {{"byteorder", "big"}}), ErrorCategory::unsupported, "big-endian");
  const Bytes legacy = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c};
  expect_refused(legacy, ErrorCategory::unsupported, "before 2020");
}

}  // namespace
}  // namespace pillar
