#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/npy.h"
#include "pillar/core/safetensors.h"
#include "pillar/image/dicom_write.h"
#include "pillar/image/volume_file.h"
#include "pillar/rave/sample.h"

#include "commands.h"

#include <spdlog/spdlog.h>

namespace pillar {
namespace {

struct DecodeArguments {
  std::filesystem::path sample;
  std::filesystem::path out;
  std::filesystem::path out_dicom;
  std::string slices;
  int threads = 0;
  bool overwrite = false;
};

void require_new(const std::filesystem::path& path, bool overwrite) {
  if (!overwrite && std::filesystem::exists(path)) {
    fail(ErrorCategory::usage, "{}: is there already; --overwrite replaces it", path);
  }
}

// Before anything is decoded: a wrong ending should not cost a volume's time.
void require_known_ending(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".npy" || extension == ".safetensors" || is_volume_file(path)) return;
  fail(ErrorCategory::usage, "{}: unknown ending; one of .npy .nii .nii.gz .nrrd .mha .safetensors", path);
}

void write_volume(const std::filesystem::path& path, const Volume& volume) {
  const std::string extension = path.extension().string();
  if (extension == ".npy") return write_npy(path, volume.voxels_dhw);
  if (extension == ".safetensors") return write_safetensors(path, {{"volume", volume.voxels_dhw}});
  write_volume_file(path, volume);
}

void write_dicom(const std::filesystem::path& folder, const Volume& volume, const SampleInfo& info) {
  DicomWriteOptions options;
  if (info.metadata) {
    constexpr std::size_t kLongestAccession = 16;  // DICOM value representation SH
    options.accession = info.metadata->accession;
    if (options.accession.size() > kLongestAccession) {  // a volume file's name, say
      spdlog::warn("accession {} is longer than DICOM's {} characters: left empty", options.accession,
                   kLongestAccession);
      options.accession.clear();
    }
    options.series_number = info.metadata->series_number;
    options.series_description = info.metadata->series_description;
    // A new series: its voxels are not the source's, so it must not carry the source's UID.
    options.uid_seed = "decoded " + info.metadata->series_uid + " " + info.metadata->accession;
  }
  PartialPath partial(folder);
  write_dicom_series(partial.path(), volume, options);
  partial.commit();
}

ExitCode decode(const DecodeArguments& a) {
  if (a.out.empty() == a.out_dicom.empty())
    fail(ErrorCategory::usage, "decode needs --out or --out-dicom, one of the two");
  const std::filesystem::path& target = a.out.empty() ? a.out_dicom : a.out;
  require_new(target, a.overwrite);
  if (!a.out.empty()) require_known_ending(a.out);
  const Sample sample = Sample::open(a.sample);
  const SliceRange range = a.slices.empty() ? SliceRange() : parse_slice_range(a.slices);
  const Volume volume = sample.read(range, a.threads);
  if (a.out.empty()) {
    write_dicom(a.out_dicom, volume, sample.info());
  } else {
    write_volume(a.out, volume);
  }
  return ExitCode::ok;
}

}  // namespace

void add_decode(AppContext& context) {
  CLI::App* command =
      context.app.add_subcommand("decode", "a sample to .npy, .nii.gz, .nrrd, .mha, .safetensors or DICOM");
  auto a = std::make_shared<DecodeArguments>();
  command->add_option("SAMPLE", a->sample, "folder, archive or video file")->required();
  command->add_option("--out", a->out, "file to write; its ending chooses the format");
  command->add_option("--out-dicom", a->out_dicom, "folder to write a DICOM series to, one file a slice");
  command->add_option("--slices", a->slices, "only slices a:b (b not included), without decoding the rest");
  command->add_option("--threads", a->threads, "decoder threads; 0: one a processor")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--overwrite", a->overwrite, "replace what is there");
  command->callback([a, &context] { context.result = decode(*a); });
}

}  // namespace pillar
