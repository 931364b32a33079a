// Embeddings from a server that speaks OpenAI's POST /v1/embeddings (vLLM, TEI, llama.cpp, OpenAI).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pillar {

struct EmbeddingServerOptions {
  std::string url;          // http(s)://host[:port][/v1[/embeddings]]; what is missing of the path is added
  std::string model;        // as the server knows it
  std::string api_key;      // empty: none is sent. Never logged, nor part of a message
  std::string prefix;       // before each text: an instruction, say
  std::string body;         // JSON object merged into each request, {"dimensions": 1024} say; empty: none
  int retries = 6;          // after the first try
  double first_wait_s = 1;  // then twice as long each time; a Retry-After counts where it is longer
  double longest_wait_s = 120;
  double timeout_s = 300;  // of one try
};

// Calls may come from several threads; connections are kept for the next.
class EmbeddingServer {
 public:
  explicit EmbeddingServer(EmbeddingServerOptions options);  // throws Error(usage)
  EmbeddingServer(EmbeddingServer&&) noexcept;
  ~EmbeddingServer();

  // (texts, width) float32 in the order of `texts`, as the server gives them. No connection, 408, 429 and 5xx
  // are tried again. Throws Error(input) where the server refuses the texts (400, 413, 422: one may be too
  // long), and Error(io) for all else: no answer, an answer that is no JSON, another number of vectors,
  // vectors of several widths. With the server's own words, where it has some.
  at::Tensor embed(const std::vector<std::string>& texts) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pillar
