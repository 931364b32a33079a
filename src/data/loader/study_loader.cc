#include "pillar/data/study_loader.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/data/prefetch.h"
#include "pillar/data/scan.h"

#include "core/shared/joined.h"
#include "core/shared/path_format.h"
#include "data/loader/micro_assembly.h"
#include "data/loader/note_summary.h"
#include "data/loader/study_sequence.h"
#include "data/loader/volume_cache.h"
#include "data/scan/annotation.h"
#include "data/shared/load_fault.h"
#include "device/shared/cuda_module.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <ATen/ops/empty.h>

namespace pillar {
namespace {

constexpr std::uint64_t kDepthCrop = 0x7A63726F70;  // this use of a study's seed

// What a loader thread hands over; the voxels are in the micro-batch.
struct Loaded {
  StudyPlace place;
  Notes notes;
  std::string fault;       // not empty: nothing was loaded
  bool annotated = false;  // there is a mask, too
};

// A study's voxels and mask where they were written in the batch.
struct FittedPointers {
  at::ScalarType dtype;
  const void* voxels = nullptr;
  const std::uint8_t* mask = nullptr;  // of no mask
  bool cropped = false;                // along D, which in training is drawn anew in each epoch
};

const StudyLoaderOptions& checked(const StudyLoaderOptions& options, const StudyPool& pool) {
  check_batch_shape(options.shape);
  if (options.threads < 1) fail(ErrorCategory::usage, "cannot load on {} threads", options.threads);
  const SizeDhw& size = pool.spec.size_dhw;
  if (std::any_of(size.begin(), size.end(), [](std::int64_t n) { return n < 1; }))
    fail(ErrorCategory::usage, "{}: a model size of {}", pool.spec.modality, joined(size, "x"));
  if (options.pin && !cuda_available())
    fail(ErrorCategory::usage, "page-locked batches need a CUDA device, and there is none");
  return options;
}

}  // namespace

struct StudyLoader::State {
  State(const StudyPool& pool_, const StudyLoaderOptions& options_)
      : pool(pool_),
        options(checked(options_, pool_)),
        sequence(static_cast<std::int64_t>(pool.studies.size()), options.shape, options.seed, options.train,
                 options.first_step, options.end_step, pool.weights, options.start),
        cache(options.cache_bytes),
        step(options.first_step),
        prefetch(sequence.size(), [this](std::int64_t item, MemoryShare& share) { return load(item, share); },
                 {options.threads, options.memory_bytes}) {}

  std::uint64_t seed_of(const StudyPlace& place) const {
    const auto epoch = static_cast<std::uint64_t>(place.epoch),
               study = static_cast<std::uint64_t>(place.study);
    if (!sequence.draws()) return mix_seed({options.seed, epoch, study});
    return mix_seed({options.seed, epoch, study, static_cast<std::uint64_t>(place.position)});
  }
  const PoolStudy& study_of(const StudyPlace& place) const {
    return pool.studies[static_cast<std::size_t>(place.study)];
  }
  std::uint64_t input_bytes(at::ScalarType dtype) const {
    const SizeDhw& size = pool.spec.size_dhw;
    return static_cast<std::uint64_t>(size[0] * size[1] * size[2]) * c10::elementSize(dtype);
  }

  std::uint64_t held_bytes(at::ScalarType dtype, bool annotated) const {
    return input_bytes(dtype) + (annotated ? input_bytes(at::kByte) : 0);
  }

  Loaded load(std::int64_t item, MemoryShare& share);
  void load_kept(const KeptVolume& kept, Loaded& loaded, MemoryShare& share);
  std::uint64_t decode(Loaded& loaded, MemoryShare& share);  // what it holds in the end
  FittedInput fit(const Scan& scan, const StudyPlace& place, Notes& notes) const;
  // Writes the scan and its mask, which may be not defined, to their places in the batch.
  FittedPointers write(const Scan& scan, const at::Tensor& mask_dhw, Loaded& loaded, MemoryShare& share,
                       std::uint64_t more_bytes);
  void keep(const StudyPlace& place, const Scan& scan, const at::Tensor& mask_dhw,
            const FittedPointers& fitted);
  std::shared_ptr<MicroAssembly> assembly_of(const StudyPlace& place);
  std::optional<MicroBatch> take_micro(const MicroRange& range, StepBatch& batch);

  void wait_for_item();

  const StudyPool pool;  // its own: a thread that hangs in a read may outlive the caller's
  const StudyLoaderOptions options;
  const StudySequence sequence;
  VolumeCache cache;
  NoteSummary notes;

  const std::shared_ptr<BatchMemory> memory = options.pin ? nullptr : BatchMemory::make();
  std::mutex mutex;  // of assemblies
  std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<MicroAssembly>> assemblies;  // step, index

  std::int64_t step;
  std::int64_t taken = 0;  // items of the sequence
  bool hangs = false;      // a thread does, in a read
  double waited_seconds = 0;
  Prefetch<Loaded> prefetch;  // last, so that its threads end before what they use
};

std::shared_ptr<MicroAssembly> StudyLoader::State::assembly_of(const StudyPlace& place) {
  const std::lock_guard lock(mutex);
  std::shared_ptr<MicroAssembly>& micro = assemblies[{place.step, place.micro.index}];
  if (!micro) {
    micro = std::make_shared<MicroAssembly>(static_cast<std::size_t>(place.micro.end - place.micro.begin),
                                            pool.spec.size_dhw, memory);
  }
  return micro;
}

FittedInput StudyLoader::State::fit(const Scan& scan, const StudyPlace& place, Notes& notes_of_scan) const {
  std::optional<double> depth_crop;
  if (options.train) depth_crop = unit_interval(mix_seed({seed_of(place), kDepthCrop}));
  return fit_input(scan, pool.spec, notes_of_scan, depth_crop);
}

FittedPointers StudyLoader::State::write(const Scan& scan, const at::Tensor& mask_dhw, Loaded& loaded,
                                         MemoryShare& share, std::uint64_t more_bytes) {
  const FittedInput input = fit(scan, loaded.place, loaded.notes);
  loaded.annotated = mask_dhw.defined();
  share.set(more_bytes + held_bytes(input.dtype, loaded.annotated));
  const std::shared_ptr<MicroAssembly> assembly = assembly_of(loaded.place);
  FittedPointers fitted{input.dtype, assembly->write(loaded.place.slot(), input)};
  fitted.cropped = input.placement.fitted_dhw()[0] > input.placement.size_dhw[0];
  if (!loaded.annotated) return fitted;
  std::uint8_t* mask = assembly->mask(loaded.place.slot());
  write_mask(mask_dhw, input.placement, mask);
  fitted.mask = mask;
  return fitted;
}

void StudyLoader::State::load_kept(const KeptVolume& kept, Loaded& loaded, MemoryShare& share) {
  if (kept.scan) {
    write(*kept.scan, kept.mask_dhw, loaded, share, 0);
    return;
  }
  const at::Tensor& voxels = kept.fitted_cdhw;
  loaded.annotated = kept.mask_dhw.defined();
  share.set(held_bytes(voxels.scalar_type(), loaded.annotated));
  const std::shared_ptr<MicroAssembly> assembly = assembly_of(loaded.place);
  assembly->write(loaded.place.slot(), {voxels.scalar_type(), [&](void* out) {
                                          std::memcpy(out, voxels.const_data_ptr(), voxels.nbytes());
                                        }});
  if (!loaded.annotated) return;
  std::memcpy(assembly->mask(loaded.place.slot()), kept.mask_dhw.const_data_ptr(), kept.mask_dhw.nbytes());
}

// The whole volume where the next epoch's crop may be another, what the model sees of it otherwise.
void StudyLoader::State::keep(const StudyPlace& place, const Scan& scan, const at::Tensor& mask_dhw,
                              const FittedPointers& fitted) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  const SizeDhw& size = pool.spec.size_dhw;
  if (options.train && fitted.cropped) {
    const std::uint64_t mask_bytes = mask_dhw.defined() ? mask_dhw.nbytes() : 0;
    cache.offer(place.study, voxels.nbytes() + mask_bytes, [&] {
      Scan kept = scan;
      const bool exact = voxels.storage().nbytes() == voxels.nbytes();  // else a view of something larger
      if (!exact) kept.volume.voxels_dhw = voxels.clone(at::MemoryFormat::Contiguous);
      return KeptVolume{std::move(kept), {}, mask_dhw};
    });
    return;
  }
  cache.offer(place.study, held_bytes(fitted.dtype, fitted.mask != nullptr), [&] {
    at::Tensor voxels_copy = at::empty({1, size[0], size[1], size[2]}, fitted.dtype), mask_copy;
    std::memcpy(voxels_copy.mutable_data_ptr(), fitted.voxels, voxels_copy.nbytes());
    if (fitted.mask != nullptr) {
      mask_copy = at::empty(size, at::kByte);
      std::memcpy(mask_copy.mutable_data_ptr(), fitted.mask, mask_copy.nbytes());
    }
    return KeptVolume{std::nullopt, std::move(voxels_copy), std::move(mask_copy)};
  });
}

// One thread within a study: the others have studies of their own.
std::uint64_t StudyLoader::State::decode(Loaded& loaded, MemoryShare& share) {
  const PoolStudy& study = study_of(loaded.place);
  std::optional<OpenedScan> opened = open_scan({study.path, study.name}, read_options(pool.spec));
  for (const std::string& note : opened->notes) loaded.notes.add(fmt::format("{}: {}", study.name, note));
  const bool annotated = !study.annotation.empty();
  const std::uint64_t read_bytes = opened->read_bytes * (annotated ? 2 : 1);  // a mask is read much the same
  require_memory(study.path, read_bytes + held_bytes(at::kShort, annotated));
  share.set(read_bytes + held_bytes(at::kShort, annotated));
  const Scan scan = opened->read();
  opened.reset();  // an inflated archive, say
  const at::Tensor mask_dhw = read_annotation(study.annotation, scan, pool.spec, loaded.notes);
  const FittedPointers fitted = write(scan, mask_dhw, loaded, share, read_bytes);
  keep(loaded.place, scan, mask_dhw, fitted);
  return held_bytes(fitted.dtype, annotated);
}

Loaded StudyLoader::State::load(std::int64_t item, MemoryShare& share) {
  Loaded loaded;
  loaded.place = sequence.place(item);
  try {
    if (const auto kept = cache.find(loaded.place.study)) {
      load_kept(*kept, loaded, share);
    } else {
      share.set(decode(loaded, share));
    }
  } catch (const std::exception& error) {
    loaded.fault = first_line(error);
    share.set(0);
  }
  return loaded;
}

void StudyLoader::State::wait_for_item() {
  if (!prefetch.wait_for(options.patience)) {
    hangs = true;
    const PoolStudy& study = study_of(sequence.place(taken));
    fail(ErrorCategory::io, "{}: {}: not read after {:.3g} minutes: does its disk answer?", study.name,
         study.path, std::chrono::duration<double, std::ratio<60>>(options.patience).count());
  }
  ++taken;
}

// Its studies in order, without those that failed; unset where none is left.
std::optional<MicroBatch> StudyLoader::State::take_micro(const MicroRange& range, StepBatch& batch) {
  MicroBatch micro;
  micro.index = range.index;
  std::vector<std::size_t> slots;
  for (std::int64_t position = range.begin; position < range.end; ++position) {
    wait_for_item();
    std::optional<Prefetched<Loaded>> item = prefetch.next();
    if (item->error) std::rethrow_exception(item->error);
    const Loaded& loaded = *item->value;
    const PoolStudy& study = study_of(loaded.place);
    for (const std::string& note : loaded.notes) notes.add(loaded.place.study, study.name, note);
    if (!loaded.fault.empty()) {
      batch.bad.push_back({study.name, study.path.string(), loaded.fault});
      continue;
    }
    slots.push_back(loaded.place.slot());
    micro.studies.push_back(loaded.place.study);
    micro.names.push_back(study.name);
    micro.study_seeds.push_back(seed_of(loaded.place));
    micro.annotated.push_back(loaded.annotated);
  }
  std::shared_ptr<MicroAssembly> assembly;
  {
    const std::lock_guard lock(mutex);
    if (auto node = assemblies.extract({batch.step, range.index})) assembly = std::move(node.mapped());
  }
  if (slots.empty()) return std::nullopt;
  micro.voxels_bcdhw = assembly->finish(slots);
  micro.masks_bdhw = assembly->finish_masks(slots);
  return micro;
}

StudyLoader::StudyLoader(const StudyPool& pool, const StudyLoaderOptions& options)
    : state_(std::make_unique<State>(pool, options)) {}

// Threads that hang would be waited for. They end with the process, and what they use is kept until then.
StudyLoader::~StudyLoader() {
  if (!state_->hangs) return;
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::unique_ptr<State>>;
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(state_));
}

std::optional<StepBatch> StudyLoader::next() {
  const auto start = std::chrono::steady_clock::now();
  State& state = *state_;
  if (state.step >= state.options.end_step) return std::nullopt;
  StepBatch batch;
  batch.step = state.step;
  batch.epoch = state.sequence.epoch_of(state.step);
  for (const MicroRange& range : state.sequence.micros_of(state.step)) {
    if (auto micro = state.take_micro(range, batch)) batch.micro_batches.push_back(std::move(*micro));
  }
  ++state.step;
  state.waited_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return batch;
}

EpochStart StudyLoader::start_at(std::int64_t step) const {
  return state_->sequence.start_at(step);
}

double StudyLoader::waited_seconds() const noexcept {
  return state_->waited_seconds;
}

std::vector<NoteKind> StudyLoader::notes() const {
  return state_->notes.kinds();
}

}  // namespace pillar
