#include "support/torch_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

namespace pillar::test {
namespace {

std::string number(std::uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

void add_record(archive* zip, const std::string& name, std::string_view content) {
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, fmt::format("checkpoint/{}", name).c_str());
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
  archive_write_header(zip, entry);
  archive_write_data(zip, content.data(), content.size());
  archive_entry_free(entry);
}

std::string pickled_integers(const std::vector<int>& values) {
  std::vector<std::string> items;
  for (const int value : values) items.push_back(pickled_integer(value));
  return pickled_tuple(items);
}

}  // namespace

std::string pickled_text(const std::string& text) {
  return fmt::format("X{}{}", number(static_cast<std::uint32_t>(text.size())), text);
}

std::string pickled_integer(int value) {
  return fmt::format("J{}", number(static_cast<std::uint32_t>(value)));
}

std::string pickled_global(const std::string& module, const std::string& name) {
  return fmt::format("c{}\n{}\n", module, name);
}

std::string pickled_tuple(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item;
  return text + "t";
}

std::string pickled_dict(const std::vector<std::pair<std::string, std::string>>& items, bool ordered) {
  std::string text = ordered ? pickled_global("collections", "OrderedDict") + ")R" : "}";
  text += "(";
  for (const auto& [key, value] : items) text += pickled_text(key) + value;
  text += "u";
  // What a module's state_dict() carries with it.
  return ordered ? text + pickled_dict({{"_metadata", "}"}}) + "b" : text;
}

std::string pickled(const PickledTensor& tensor) {
  const std::string storage =
      pickled_tuple({pickled_text("storage"), pickled_global("torch", tensor.storage),
                     pickled_text(std::to_string(tensor.key)), pickled_text("cuda:0"), pickled_integer(1)}) +
      "Q";
  return pickled_global("torch._utils", "_rebuild_tensor_v2") +
         pickled_tuple({storage, pickled_integer(tensor.offset), pickled_integers(tensor.sizes),
                        pickled_integers(tensor.strides), "\x89", pickled_dict({}, true)}) +
         "R";
}

Bytes torch_file(const std::string& pickle, const std::vector<at::Tensor>& storages,
                 const std::vector<std::pair<std::string, std::string>>& others, bool deflate) {
  std::size_t room = pickle.size() + 100'000;
  for (const at::Tensor& storage : storages) room += storage.nbytes() + 1000;
  for (const auto& [name, content] : others) room += content.size() + 1000;
  Bytes bytes(room);
  std::size_t used = 0;
  archive* zip = archive_write_new();
  archive_write_set_format_zip(zip);
  archive_write_set_options(zip, deflate ? "zip:compression=deflate" : "zip:compression=store");
  archive_write_open_memory(zip, bytes.data(), bytes.size(), &used);
  if (!pickle.empty()) add_record(zip, "data.pkl", fmt::format("\x80\x02{}.", pickle));
  for (const auto& [name, content] : others) add_record(zip, name, content);
  for (std::size_t i = 0; i < storages.size(); ++i) {
    add_record(zip, fmt::format("data/{}", i),
               {static_cast<const char*>(storages[i].const_data_ptr()), storages[i].nbytes()});
  }
  archive_write_close(zip);
  archive_write_free(zip);
  bytes.resize(used);
  return bytes;
}

Bytes torch_state_dict(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                       const std::vector<std::string>& keys) {
  std::vector<std::pair<std::string, std::string>> items;
  std::vector<at::Tensor> storages;
  for (const auto& [name, tensor] : tensors) {
    PickledTensor record;
    record.key = static_cast<int>(storages.size());
    if (tensor.scalar_type() == at::kLong) record.storage = "LongStorage";
    if (tensor.scalar_type() == at::kByte) record.storage = "ByteStorage";
    for (const auto size : tensor.sizes()) record.sizes.push_back(static_cast<int>(size));
    for (const auto stride : tensor.contiguous().strides())
      record.strides.push_back(static_cast<int>(stride));
    items.emplace_back(name, pickled(record));
    storages.push_back(tensor.contiguous());
  }
  std::string pickle = pickled_dict(items, true);
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) pickle = pickled_dict({{*key, pickle}});
  return torch_file(pickle, storages);
}

}  // namespace pillar::test
