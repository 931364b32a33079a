#include "rave/encode/encode_names.h"

#include "pillar/core/config.h"
#include "pillar/core/fail.h"
#include "pillar/core/printable.h"
#include "pillar/image/volume_file.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "core/shared/settled_path.h"

#include <algorithm>
#include <map>

namespace pillar {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kNameFields = {"name",       "patient",   "accession",   "series",
                                              "series_uid", "study_uid", "description", "modality",
                                              "file",       "volume",    "folder"};

// The file's name without its ending, or the folder's.
std::string file_field(const FoundScan& scan) {
  return scan.series ? settled_path(scan.source).filename().string() : volume_file_name(scan.source);
}

// The folder that the file, or the series' folder, lies in.
std::string folder_field(const FoundScan& scan) {
  return settled_path(scan.source).parent_path().filename().string();
}

// A volume file has no patient and no UIDs, and its accession is its own name.
std::string dicom_field(const FoundScan& scan, const SampleMetadata& identity, const std::string& field) {
  if (field == "accession") return identity.accession;
  if (!scan.series) return "";
  const DicomSeries& series = *scan.series;
  if (field == "patient") return series.patient_id;
  if (field == "series") return std::to_string(series.series_number);
  if (field == "series_uid") return series.series_uid;
  if (field == "study_uid") return series.study_uid;
  if (field == "volume") return std::to_string(series.volume_index);
  if (field == "description") return series.series_description;
  return to_string(series.modality);
}

void check_field(const std::string& field, const std::string& text) {
  if (std::find(kNameFields.begin(), kNameFields.end(), field) != kNameFields.end()) return;
  const std::string near = nearest_name(field, kNameFields);
  fail(ErrorCategory::usage, "--name-template '{}': no field '{{{}}}'; {}the fields are {}", text, field,
       near.empty() ? "" : fmt::format("did you mean '{}'? ", near), joined(kNameFields, ", "));
}

// The name as a path can carry it. What ends as an archive does could not be told from one.
std::string checked_name(const std::string& name, const FoundScan& scan) {
  const std::string safe = path_safe_name(name);
  if (safe.empty()) fail(ErrorCategory::input, "{}: its sample's name is empty", scan.source);
  for (Archive archive : {Archive::tar, Archive::tar_lz4}) {
    if (safe.ends_with(sample_suffix(archive)))
      fail(ErrorCategory::input, "{}: the name {} ends in {}, as an archive's does", scan.source,
           printable(safe), sample_suffix(archive));
  }
  return safe;
}

}  // namespace

SampleNaming::SampleNaming(const EncodeJob& job) {
  const std::string& text = job.name_template;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('{', at);
    if (open != at) parts_.push_back({text.substr(at, std::min(open, text.size()) - at), ""});
    if (open == std::string::npos) break;
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos)
      fail(ErrorCategory::usage, "--name-template '{}': a '{{' without its '}}'", text);
    parts_.push_back({"", text.substr(open + 1, close - open - 1)});
    check_field(parts_.back().field, text);
    at = close + 1;
  }
  const auto has_field = [](const Part& part) { return !part.field.empty(); };
  if (!parts_.empty() && std::none_of(parts_.begin(), parts_.end(), has_field))
    fail(ErrorCategory::usage, "--name-template '{}': no field in it, so all samples would have one name",
         text);
  const auto is_name = [](const Part& part) { return part.field == "name"; };
  if (job.input_names.empty() && std::any_of(parts_.begin(), parts_.end(), is_name))
    fail(ErrorCategory::usage, "--name-template '{}': {{name}} is that of --name-column, which is not given",
         text);
  if (!job.input_names.empty() && job.input_names.size() != job.inputs.size())
    fail(ErrorCategory::usage, "{} inputs with {} names", job.inputs.size(), job.input_names.size());
  names_ = job.input_names;
  std::map<fs::path, std::string> names;
  for (std::size_t i = 0; i < job.input_names.size(); ++i) {
    const auto [place, is_new] = names.emplace(settled_path(job.inputs[i]), job.input_names[i]);
    if (!is_new && place->second != job.input_names[i])
      fail(ErrorCategory::input, "{}: has two names, {} and {}", job.inputs[i], printable(place->second),
           printable(job.input_names[i]));
  }
}

std::string SampleNaming::filled(const FoundScan& scan, const SampleMetadata& identity) const {
  std::string name;
  for (const Part& part : parts_) {
    if (part.field.empty()) {
      name += part.text;
      continue;
    }
    const std::string value = part.field == "name"     ? names_[scan.input]
                              : part.field == "file"   ? file_field(scan)
                              : part.field == "folder" ? folder_field(scan)
                                                       : dicom_field(scan, identity, part.field);
    if (value.empty())
      fail(ErrorCategory::input, "{}: has no {}, which the name template asks for", scan.source, part.field);
    name += value;
  }
  return name;
}

std::string SampleNaming::name(const FoundScan& scan, const SampleMetadata& identity) const {
  if (!parts_.empty()) return checked_name(filled(scan, identity), scan);
  if (!names_.empty()) return checked_name(names_[scan.input], scan);
  return sample_name(identity);
}

}  // namespace pillar
