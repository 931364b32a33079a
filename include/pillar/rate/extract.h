// Reports to labels: every stage and question of RATE asked of a language model or of rules, with one journal
// that survives being killed, and the public engine's files made from it.
#pragma once

#include "pillar/rate/reports.h"
#include "pillar/rate/stage.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pillar {

enum class RateProvider {
  server,     // an OpenAI-compatible POST /v1/chat/completions
  rules,      // patterns of a YAML file: no language model
  responses,  // answers of an offline engine, in the OpenAI batch format
};

enum class AnswerKind {
  yes_no,
  tri_state,  // Yes, No or Uncertain, with a quote that must stand in the report word for word
};

enum class AskBy {
  question,  // a request for each question, the public engine's way
  category,  // one for all questions of a category, answered as JSON by a schema: far fewer tokens
};

struct RateServer {
  std::string url;      // http(s)://HOST[:PORT][/v1[/chat/completions]]
  std::string model;    // as the server knows it
  std::string api_key;  // empty: none is sent. Never logged, stored, nor part of a message
  std::string body;     // JSON object merged into each request; empty: none
  int connections = 64;
  int retries = 6;          // after a request's first try
  double first_wait_s = 1;  // then twice as long each time; a Retry-After counts where it is longer
  double longest_wait_s = 120;
  double timeout_s = 300;  // of one try
};

struct ModelSampling {
  double temperature = 0;
  double top_p = 1;
  std::int64_t max_tokens = 4096;
};

struct ExtractOptions {
  std::vector<std::filesystem::path> reports;
  ReportColumns columns;
  std::filesystem::path questions;             // question list
  std::filesystem::path out;                   // the folder: journal and derived files
  std::vector<std::filesystem::path> prompts;  // YAML files; what a later one has replaces an earlier one's
  RateProvider provider = RateProvider::server;
  RateServer server;
  ModelSampling sampling;
  std::filesystem::path rules;  // of RateProvider::rules
  std::vector<RateStage> stages = parse_rate_stages("all");
  AnswerKind answers = AnswerKind::yes_no;
  AskBy ask = AskBy::question;
  bool logprobs = false;                 // P(yes) where the server gives log-probabilities
  bool restart = false;                  // drop a journal that is there
  std::filesystem::path write_requests;  // instead of asking: OpenAI batch requests, one a line
  std::filesystem::path read_responses;  // of RateProvider::responses
  bool quiet = false;
};

struct ExtractSummary {
  std::int64_t reports = 0, questions = 0;
  std::int64_t asked = 0;    // answers got in this run
  std::int64_t kept = 0;     // answers that the journal had already
  std::int64_t missing = 0;  // questions whose answer is unclear even after a second try, of all in the files
  std::int64_t unsupported = 0;  // tri-state answers whose quote does not stand in the report
  std::int64_t given_up = 0;     // requests without an answer, and empty reports: failures.csv
  std::int64_t written_requests = 0;
  std::int64_t tokens_in = 0, tokens_out = 0;  // as the server counts them
  double seconds = 0;
  Notes notes;
};

// Throws Error(usage | input | io): what read_rate_reports(), load_question_list() and the readers of prompts
// and rules throw; a stage whose input no stage has made; a journal of another model, prompt or provider, or
// of other texts of the same reports, without `restart`; a folder that another run works in; a server that
// refuses every request (a wrong key or model) or is not there.
ExtractSummary run_rate_extract(const ExtractOptions& options);

}  // namespace pillar
