#include "pillar/eval/scan_predictor.h"

#include "pillar/core/fail.h"
#include "pillar/core/file.h"
#include "pillar/core/sha256.h"

#include "core/shared/joined.h"
#include "eval/predict/predictor_member.h"

#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>

namespace pillar {
namespace {

namespace fs = std::filesystem;

std::string outputs_text(const HeadsConfig& heads) {
  return fmt::format("{} of {}", to_string(heads.kind), joined(heads.outputs, ", "));
}

// One study is loaded once, for all of them.
void check_members(const std::vector<PredictorMember>& members) {
  const PredictorMember& first = members.front();
  for (const PredictorMember& member : members) {
    const auto refuse = [&](const char* what, const std::string& one, const std::string& other) {
      fail(ErrorCategory::usage, "{} and {} are no ensemble: their {} differ: {}; {}", first.path,
           member.path, what, one, other);
    };
    if (member.heads_config.kind != first.heads_config.kind ||
        member.heads_config.outputs != first.heads_config.outputs)
      refuse("outputs", outputs_text(first.heads_config), outputs_text(member.heads_config));
    if (member.spec.modality != first.spec.modality)
      refuse("modalities", first.spec.modality, member.spec.modality);
    if (describe(member.spec) != describe(first.spec))
      refuse("voxels", describe(first.spec), describe(member.spec));
  }
}

at::Tensor probabilities_of(OutcomeKind kind, const at::Tensor& logits_bn) {
  return kind == OutcomeKind::multiclass ? at::softmax(logits_bn, 1) : at::sigmoid(logits_bn);
}

at::Tensor mean_of(const std::vector<at::Tensor>& rows) {
  return rows.size() == 1 ? rows.front() : at::stack(rows).mean(0);
}

}  // namespace

const char* to_string(AverageOf average) noexcept {
  return average == AverageOf::logits ? "logits" : "probabilities";
}

AverageOf parse_average_of(std::string_view text) {
  for (const AverageOf average : {AverageOf::probabilities, AverageOf::logits}) {
    if (text == to_string(average)) return average;
  }
  fail(ErrorCategory::usage, "unknown average '{}'; probabilities or logits", text);
}

struct ScanPredictor::State {
  std::vector<PredictorMember> members;
  AverageOf average = AverageOf::probabilities;
  std::optional<CalibrationMap> calibration;  // of what is averaged
  std::map<std::string, std::string> settings;

  const HeadsConfig& heads() const { return members.front().heads_config; }
};

ScanPredictor::ScanPredictor(std::unique_ptr<State> state) : state_(std::move(state)) {}
ScanPredictor::ScanPredictor(ScanPredictor&&) noexcept = default;
ScanPredictor& ScanPredictor::operator=(ScanPredictor&&) noexcept = default;
ScanPredictor::~ScanPredictor() = default;

namespace {

bool of_file(const ScanPredictorOptions& options) {
  return options.calibration != "auto" && options.calibration != "none";
}

std::map<std::string, std::string> settings_of(const std::vector<PredictorMember>& members,
                                               const ScanPredictorOptions& options) {
  std::map<std::string, std::string> settings;
  std::vector<std::string> weights;
  for (const PredictorMember& member : members) weights.push_back(member.folder.fingerprint());
  settings["weights"] = joined(weights, " ");
  const auto digest = [](const fs::path& file) { return sha256_hex(MappedFile(file).bytes()); };
  std::vector<std::string> calibrations;
  for (const PredictorMember& member : members)
    calibrations.push_back(member.calibration ? digest(calibration_file(member.folder)) : "none");
  settings["calibration"] = of_file(options) ? digest(options.calibration) : joined(calibrations, " ");
  settings["average"] = members.size() > 1 ? to_string(options.average) : "one model";
  settings["dtype"] = members.front().encoder.dtype_name();
  settings["modality"] = members.front().spec.modality;
  settings["preprocess"] = describe(members.front().spec);
  settings["outputs"] = outputs_text(members.front().heads_config);
  return settings;
}

}  // namespace

ScanPredictor ScanPredictor::load(const ScanPredictorOptions& options) {
  if (options.models.empty()) fail(ErrorCategory::usage, "no model to predict with");
  auto state = std::make_unique<State>();
  state->average = options.average;
  for (const fs::path& model : options.models)
    state->members.push_back(load_member(model, options.encoder, options.calibration == "auto"));
  check_members(state->members);
  if (of_file(options)) state->calibration = calibration_of(options.calibration, state->heads());
  for (const PredictorMember& member : state->members) {
    if (state->members.size() > 1 && options.average == AverageOf::logits && member.calibration) {
      fail(ErrorCategory::usage,
           "{} has a calibration of its own probabilities, which an average of logits has no place for; "
           "choose "
           "--calibration none or a FILE, or --average probabilities",
           member.path);
    }
  }
  state->settings = settings_of(state->members, options);
  return ScanPredictor(std::move(state));
}

OutcomeKind ScanPredictor::kind() const noexcept {
  return state_->heads().kind;
}
const std::vector<std::string>& ScanPredictor::outputs() const noexcept {
  return state_->heads().outputs;
}
const PreprocessSpec& ScanPredictor::preprocessing() const noexcept {
  return state_->members.front().spec;
}
const std::map<std::string, std::string>& ScanPredictor::settings() const noexcept {
  return state_->settings;
}

at::Device ScanPredictor::device() const noexcept {
  return state_->members.front().encoder.device();
}

std::uint64_t ScanPredictor::estimated_bytes(std::int64_t batch) const {
  std::uint64_t bytes = 0;
  for (const PredictorMember& member : state_->members) bytes += member.encoder.estimated_bytes(batch);
  return bytes;
}

std::uint64_t ScanPredictor::estimated_device_bytes(std::int64_t batch) const {
  std::uint64_t bytes = 0;
  for (const PredictorMember& member : state_->members) bytes += member.encoder.estimated_device_bytes(batch);
  return bytes;
}

void ScanPredictor::require_attention() const {
  std::vector<std::string> with, without;
  for (const PredictorMember& member : state_->members)
    (member.looks() ? with : without).push_back(member.path.string());
  if (without.empty()) return;
  fail(ErrorCategory::usage,
       "maps show where attention pooling looked, and {} answer{} from the readout of all tokens{}{}; "
       "finetune with "
       "attention features, or leave out --maps",
       joined(without, ", "), without.size() == 1 ? "s" : "", with.empty() ? "" : "; maps can be had of ",
       joined(with, ", "));
}

ScanAnswers ScanPredictor::answer(const at::Tensor& voxels_bcdhw, bool want_attention) const {
  ScanAnswers answers;
  std::vector<at::Tensor> logits, probabilities;
  for (const PredictorMember& member : state_->members) {
    MemberAnswer one = answer_of(member, voxels_bcdhw, want_attention);
    probabilities.push_back(member.calibration ? calibrate_logits(*member.calibration, one.logits_bn)
                                               : probabilities_of(kind(), one.logits_bn));
    logits.push_back(std::move(one.logits_bn));
    if (one.attention_bdhw.defined()) answers.attention_bdhw.push_back(std::move(one.attention_bdhw));
  }
  answers.logits_bn = mean_of(logits);
  answers.probabilities_bn = logits.size() > 1 && state_->average == AverageOf::logits
                                 ? probabilities_of(kind(), answers.logits_bn)
                                 : mean_of(probabilities);
  if (state_->calibration)
    answers.probabilities_bn = calibrate_probabilities(*state_->calibration, answers.probabilities_bn);
  return answers;
}

}  // namespace pillar
