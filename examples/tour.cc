// The pieces of docs/cpp.md, each a function, so that what is printed there compiles and runs.
//   tour DICOM_FOLDER OUT [PRETRAIN_CONFIG]
#include <cstdio>
#include <vector>

#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <pillar/core/error.h>
#include <pillar/core/notes.h>
#include <pillar/embed/embedding_cache.h>
#include <pillar/image/dicom_series.h>
#include <pillar/image/preprocess.h>
#include <pillar/image/volume_file.h>
#include <pillar/metrics/metrics.h>
#include <pillar/rave/sample.h>
#include <pillar/train/contrastive.h>
#include <pillar/train/pretrain.h>
#include <pillar/windows/windowed_volume.h>

namespace {

pillar::Volume open_dicom(const std::filesystem::path& folder) {
  const pillar::DicomScan scan = pillar::scan_dicom(folder);  // headers only, every series of the folder
  pillar::LoadReport report;
  pillar::Volume volume = pillar::load_series(scan.series.at(0), {}, report);
  pillar::log_notes(report.notes);  // what was odd: missing slices, uneven spacing, ...

  const auto [depth, height, width] = pillar::size_dhw(volume.voxels_dhw);
  const auto [x, y, z] = volume.geometry.point({0, 0, 0});  // LPS, millimetres
  std::printf("%lld x %lld x %lld voxels from (%.1f, %.1f, %.1f)\n", static_cast<long long>(depth),
              static_cast<long long>(height), static_cast<long long>(width), x, y, z);
  return volume;
}

void nifti_there_and_back(const pillar::Volume& volume, const std::filesystem::path& file) {
  pillar::write_volume_file(file, volume);  // .nii .nii.gz .nrrd .mha
  pillar::Notes notes;
  const pillar::Volume back = pillar::read_volume_file(file, {volume.modality, std::nullopt}, notes);
  pillar::log_notes(notes);
  std::printf("the same voxels: %s\n", back.voxels_dhw.equal(volume.voxels_dhw) ? "yes" : "no");
}

pillar::Volume sample_there_and_back(const pillar::Volume& volume, const std::filesystem::path& out) {
  pillar::PreprocessOptions grid;
  grid.modality = volume.modality;
  grid.target_spacing_xyz_mm = {8, 8, 8};
  const pillar::PreprocessResult fitted = pillar::preprocess(volume, grid, "A1");

  pillar::SampleMetadata metadata;
  metadata.accession = "A1";
  metadata.modality = volume.modality;
  pillar::write_sample(out, fitted.volume, metadata, {});  // {}: lossless, a folder

  const pillar::Sample sample = pillar::Sample::open(out);
  const pillar::Volume middle = sample.read({10, 20});  // ten slices, decoded from the keyframe before
  std::printf("%s: %lld slices read\n", sample.info().payload_name.c_str(),
              static_cast<long long>(middle.voxels_dhw.size(0)));
  return sample.read();
}

void look_through_windows(const pillar::Volume& volume) {
  const std::vector<pillar::Window> windows =
      pillar::parse_windows("lung,bone,kidney:60,300", pillar::WindowFamily::ct);
  const pillar::WindowedVolume windowed(volume.voxels_dhw.unsqueeze(0).unsqueeze(0), windows);  // (B,C,D,H,W)
  const at::Tensor slab_dhwc = windowed.slab_dhwc(0, 0, 8, at::kBFloat16);  // of sample 0: slices 0 to 7
  std::printf("%lld channels\n", static_cast<long long>(slab_dhwc.size(3)));
}

void embeddings_there_and_back(const std::filesystem::path& folder) {
  pillar::EmbeddingCache cache(folder, "train", pillar::EmbeddingFormat::npz);
  cache.put("A1", at::full({8}, 0.5, at::kFloat));
  cache.put("A2", at::full({8}, 0.25, at::kFloat));
  cache.flush();

  const pillar::EmbeddingSet set = pillar::load_embeddings(folder, "train");
  std::printf("%zu embeddings of %lld numbers\n", set.accessions.size(),
              static_cast<long long>(set.embeddings.size(1)));
}

void measure() {
  const std::vector<double> scores = {0.9, 0.8, 0.4, 0.3};
  const std::vector<std::int8_t> answers = {1, 0, 1, 0};  // -1: not known
  const pillar::RankedScores ranked = pillar::rank_scores(scores, answers);
  std::printf("AUROC %.3f, average precision %.3f, sensitivity at 90 %% specificity %.3f\n",
              pillar::auroc(ranked), pillar::average_precision(ranked),
              pillar::sensitivity_at_specificity(ranked, 0.9).sensitivity);
}

void contrast() {
  const at::Tensor images = at::eye(4), texts = at::eye(4);  // unit rows, image i belongs to text i
  const pillar::World alone;  // or World::join(...), and rows of all processes count
  const pillar::ContrastiveLoss loss = pillar::contrastive_loss(images, texts, at::full({}, 2.659), alone);
  std::printf("loss %.3f\n",
              loss.loss.item<double>());  // image_grad, text_grad and logit_scale_grad beside it
}

void pretrain(const std::filesystem::path& config) {
  pillar::PretrainOptions options;
  options.config = pillar::load_pretrain_config(config, {"train.epochs=1"});
  options.device = pillar::training_device("auto", 0);
  const pillar::PretrainOutcome outcome = pillar::run_pretrain(options, pillar::World());
  std::printf("%lld steps\n", static_cast<long long>(outcome.steps));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3)
    throw pillar::Error(pillar::ErrorCategory::usage, "tour takes DICOM_FOLDER OUT [PRETRAIN_CONFIG]");
  const std::filesystem::path out = argv[2];
  std::filesystem::create_directories(out);
  const pillar::Volume volume = open_dicom(argv[1]);
  nifti_there_and_back(volume, out / "A1.nii.gz");
  look_through_windows(sample_there_and_back(volume, out / "A1.1.0"));
  embeddings_there_and_back(out / "cache");
  measure();
  contrast();
  if (argc > 3) pretrain(argv[3]);
} catch (const pillar::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return static_cast<int>(pillar::exit_code(error.category()));
}
