#include "rate/batch_answers.h"

#include "pillar/core/fail.h"

#include "core/shared/object_lines.h"
#include "core/shared/streamed_file.h"
#include "rate/chat.h"
#include "rate/question_id.h"

#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace pillar {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The answer in a line of responses; a fault where the engine gave none.
Reply reply_of_line(const json& line) {
  Reply reply;
  const auto response = line.find("response");
  if (response == line.end() || !response->is_object() || !response->contains("body")) {
    reply.fault = "the engine gave no response";
    return reply;
  }
  const auto status = response->find("status_code");
  if (status != response->end() && status->is_number_integer() && status->get<int>() != 200) {
    reply.fault = fmt::format("the engine's status is {}", status->get<int>());
    return reply;
  }
  return read_chat_reply((*response)["body"].dump());
}

}  // namespace

std::string custom_id(const Ask& ask, const std::string& accession, const RateQuestions& questions,
                      const std::vector<std::size_t>& asked) {
  std::string item, ids;
  for (const std::size_t question : asked) ids += questions.questions[question].id;
  if (ask.whole_category || ask.stage == RateStage::map_categories)
    item = questions.categories[ask.item].name;
  else if (ask.stage == RateStage::process_questions)
    item = questions.questions[ask.item].id;
  return ordered_json{to_string(ask.stage), accession, item,
                      ask.strict           ? "again"
                      : ask.whole_category ? "category " + question_id(ids)
                                           : "first"}
      .dump();
}

struct BatchWriter::State {
  ChatSettings settings;
  Prompts prompts;
  const RateQuestions& questions;
  const RateReports& reports;
  StreamedFile file;
  std::int64_t count = 0;
};

BatchWriter::BatchWriter(const ExtractOptions& options, Prompts prompts, const RateQuestions& questions,
                         const RateReports& reports)
    : state_(new State{chat_settings(options), std::move(prompts), questions, reports,
                       StreamedFile(options.write_requests)}) {
  check_chat_body(options.server.body);
}
BatchWriter::~BatchWriter() = default;

AnswerAll BatchWriter::answers() {
  return [this](AskSession& session) {
    State& state = *state_;
    while (const auto ask = session.next()) {
      const AskContent content = session.content(*ask);
      const ChatPrompt prompt =
          chat_prompt(state.prompts, state.questions, *ask, content, state.settings.tri_state);
      const std::size_t by_schema = ask->whole_category ? content.questions.size() : 0;
      const std::string id =
          custom_id(*ask, state.reports.reports[ask->report].accession, state.questions, content.questions);
      state.file << R"({"custom_id":)" << json(id).dump()
                 << R"(,"method":"POST","url":"/v1/chat/completions","body":)"
                 << chat_request(state.settings, prompt, by_schema) << "}\n";
      ++state.count;
    }
  };
}

std::int64_t BatchWriter::commit() {
  state_->file.commit();
  return state_->count;
}

AnswerAll batch_responses(const std::filesystem::path& file, const RateQuestions& questions,
                          const RateReports& reports) {
  return [file, &questions, &reports](AskSession& session) {
    std::unordered_map<std::string, Ask> open;
    const auto expect_all = [&] {
      while (const auto ask = session.next()) {
        open.emplace(custom_id(*ask, reports.reports[ask->report].accession, questions,
                               session.content(*ask).questions),
                     *ask);
      }
    };
    expect_all();
    for_each_object(file, [&](const json& line, std::size_t number) {
      const std::string id = text_of(line, "custom_id", file, number);
      if (id.empty()) fail(ErrorCategory::input, "{}:{}: no custom_id", file, number);
      const auto asked = open.extract(id);
      if (!asked.empty()) session.take(asked.mapped(), reply_of_line(line));
      expect_all();  // an unclear answer is to be asked again, which the file may answer further down
    });
    for (const auto& [id, ask] : open) {
      Reply reply;
      reply.fault = ask.strict ? "unclear, and to be asked again: --write-requests writes the request"
                               : "no response in the file";
      session.take(ask, std::move(reply));
    }
  };
}

}  // namespace pillar
