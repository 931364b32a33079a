// Internal: one POST on a handle of libcurl, whoever drives the handle.
#pragma once

#include "http/shared/http_post.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace pillar {

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyCleanup>;

struct HeadersCleanup {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeadersCleanup>;

// Starts libcurl, once for the process. Throws Error(io).
void start_libcurl();

// `headers`: "Name: value".
HeaderList header_list(std::vector<std::string> headers);

// What a request leaves behind while it is under way; stays where it is until it is done.
struct EasyPost {
  HttpAnswer answer;
  std::size_t most_bytes = 0;  // of the answer's body: a longer one ends the transfer
  char fault[CURL_ERROR_SIZE] = {};
};

// `url`, `headers` and `body` must live until the transfer is done.
void prepare_post(CURL* handle, const std::string& url, curl_slist* headers, const std::string& body,
                  long timeout_ms, EasyPost& post);
// The answer to a transfer that ended with `code`.
HttpAnswer finish_post(CURL* handle, CURLcode code, EasyPost& post);

}  // namespace pillar
