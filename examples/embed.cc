// A scan to a vector: a DICOM folder, a NIfTI, NRRD or MetaImage file, or a RAVE sample.
//   embed MODEL SCAN
#include <cstdio>

#include <pillar/core/error.h>
#include <pillar/data/load_model_input.h>
#include <pillar/model/encoder.h>
#include <pillar/model/model_folder.h>

int main(int argc, char** argv) try {
  if (argc != 3) throw pillar::Error(pillar::ErrorCategory::usage, "embed takes MODEL SCAN");
  const pillar::ModelFolder model = pillar::open_model_folder(argv[1]);
  const pillar::Encoder encoder = pillar::Encoder::load(model);
  const pillar::PreprocessSpec spec = model.preprocessing(encoder.tower());

  pillar::Notes notes;  // what was decided for this scan
  const at::Tensor voxels_cdhw = pillar::load_model_input(argv[2], spec, notes).voxels_cdhw;
  pillar::log_notes(notes);
  const at::Tensor rows = encoder.readout(voxels_cdhw.unsqueeze(0),  // a batch of one
                                          pillar::tower_windows(spec, encoder.tower()));

  for (std::int64_t i = 0; i < rows.size(1); ++i) std::printf("%.6g\n", rows[0][i].item<double>());
} catch (const pillar::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return static_cast<int>(pillar::exit_code(error.category()));
}
