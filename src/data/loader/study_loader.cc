#include "pillar/data/study_loader.h"

#include "pillar/core/fail.h"
#include "pillar/core/random.h"
#include "pillar/data/prefetch.h"
#include "pillar/data/scan.h"

#include "core/shared/joined.h"
#include "data/loader/micro_assembly.h"
#include "data/loader/note_summary.h"
#include "data/loader/study_sequence.h"
#include "data/loader/volume_cache.h"
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
  std::string fault;  // not empty: nothing was loaded
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
                 options.first_step, options.end_step),
        cache(options.cache_bytes),
        step(options.first_step),
        prefetch(sequence.size(), [this](std::int64_t item, MemoryShare& share) { return load(item, share); },
                 {options.threads, options.memory_bytes}) {}

  std::uint64_t seed_of(const StudyPlace& place) const {
    return mix_seed(
        {options.seed, static_cast<std::uint64_t>(place.epoch), static_cast<std::uint64_t>(place.study)});
  }
  const PoolStudy& study_of(const StudyPlace& place) const {
    return pool.studies[static_cast<std::size_t>(place.study)];
  }
  std::uint64_t input_bytes(at::ScalarType dtype) const {
    const SizeDhw& size = pool.spec.size_dhw;
    return static_cast<std::uint64_t>(size[0] * size[1] * size[2]) * c10::elementSize(dtype);
  }

  Loaded load(std::int64_t item, MemoryShare& share);
  void load_kept(const KeptVolume& kept, Loaded& loaded, MemoryShare& share);
  std::uint64_t decode(Loaded& loaded, MemoryShare& share);  // what it holds in the end
  FittedInput fit(const Scan& scan, const StudyPlace& place, Notes& notes) const;
  void keep(const StudyPlace& place, const Scan& scan, at::ScalarType dtype, const void* fitted);
  std::shared_ptr<MicroAssembly> assembly_of(const StudyPlace& place);
  std::optional<MicroBatch> take_micro(const MicroRange& range, StepBatch& batch);

  const StudyPool& pool;
  const StudyLoaderOptions options;
  const StudySequence sequence;
  VolumeCache cache;
  NoteSummary notes;

  const std::shared_ptr<BatchMemory> memory = options.pin ? nullptr : BatchMemory::make();
  std::mutex mutex;  // of assemblies
  std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<MicroAssembly>> assemblies;  // step, index

  std::int64_t step;
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

void StudyLoader::State::load_kept(const KeptVolume& kept, Loaded& loaded, MemoryShare& share) {
  const auto write = [&](const FittedInput& input) {
    share.set(input_bytes(input.dtype));
    assembly_of(loaded.place)->write(loaded.place.slot(), input);
  };
  if (kept.scan) return write(fit(*kept.scan, loaded.place, loaded.notes));
  write({kept.fitted_cdhw.scalar_type(),
         [&](void* out) { std::memcpy(out, kept.fitted_cdhw.const_data_ptr(), kept.fitted_cdhw.nbytes()); }});
}

// The whole volume where the next epoch's crop may be another, what the model sees of it otherwise.
void StudyLoader::State::keep(const StudyPlace& place, const Scan& scan, at::ScalarType dtype,
                              const void* fitted) {
  const at::Tensor& voxels = scan.volume.voxels_dhw;
  if (options.train && voxels.size(0) > pool.spec.size_dhw[0]) {
    cache.offer(place.study, voxels.nbytes(), [&] {
      Scan kept = scan;
      const bool exact = voxels.storage().nbytes() == voxels.nbytes();  // else a view of something larger
      if (!exact) kept.volume.voxels_dhw = voxels.clone(at::MemoryFormat::Contiguous);
      return KeptVolume{std::move(kept), {}};
    });
    return;
  }
  cache.offer(place.study, input_bytes(dtype), [&] {
    const SizeDhw& size = pool.spec.size_dhw;
    at::Tensor copy = at::empty({1, size[0], size[1], size[2]}, dtype);
    std::memcpy(copy.mutable_data_ptr(), fitted, copy.nbytes());
    return KeptVolume{std::nullopt, std::move(copy)};
  });
}

// One thread within a study: the others have studies of their own.
std::uint64_t StudyLoader::State::decode(Loaded& loaded, MemoryShare& share) {
  const PoolStudy& study = study_of(loaded.place);
  std::optional<OpenedScan> opened =
      open_scan({study.path, study.name}, {prepare_options(pool.spec), /*threads=*/1});
  for (const std::string& note : opened->notes) loaded.notes.add(fmt::format("{}: {}", study.name, note));
  const std::uint64_t read_bytes = opened->read_bytes;
  require_memory(study.path, read_bytes + input_bytes(at::kShort));
  share.set(read_bytes + input_bytes(at::kShort));
  const Scan scan = opened->read();
  opened.reset();  // an inflated archive, say
  const FittedInput input = fit(scan, loaded.place, loaded.notes);
  share.set(read_bytes + input_bytes(input.dtype));
  const void* fitted = assembly_of(loaded.place)->write(loaded.place.slot(), input);
  keep(loaded.place, scan, input.dtype, fitted);
  return input_bytes(input.dtype);
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

// Its studies in order, without those that failed; unset where none is left.
std::optional<MicroBatch> StudyLoader::State::take_micro(const MicroRange& range, StepBatch& batch) {
  MicroBatch micro;
  micro.index = range.index;
  std::vector<std::size_t> slots;
  for (std::int64_t position = range.begin; position < range.end; ++position) {
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
  }
  std::shared_ptr<MicroAssembly> assembly;
  {
    const std::lock_guard lock(mutex);
    if (auto node = assemblies.extract({batch.step, range.index})) assembly = std::move(node.mapped());
  }
  if (slots.empty()) return std::nullopt;
  micro.voxels_bcdhw = assembly->finish(slots);
  return micro;
}

StudyLoader::StudyLoader(const StudyPool& pool, const StudyLoaderOptions& options)
    : state_(std::make_unique<State>(pool, options)) {}

StudyLoader::~StudyLoader() = default;

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

double StudyLoader::waited_seconds() const noexcept {
  return state_->waited_seconds;
}

Notes StudyLoader::notes() const {
  return state_->notes.summary();
}

}  // namespace pillar
