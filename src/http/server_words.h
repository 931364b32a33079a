// Internal: where a JSON server is, what is sent with a request, and what its answers mean.
#pragma once

#include "http/shared/http_post.h"
#include "http/shared/json_server.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pillar {

// The address with what is missing of "/v1/<service>". Throws Error(usage) as JsonServer does.
std::string service_address(const std::string& url, const std::string& service);
// The address as messages name it: without a query, which may hold a key.
std::string printable_address(const std::string& url);
// "Name: value" lines. Throws Error(usage) for a key that no header can carry.
std::vector<std::string> json_headers(const std::string& api_key);
// Warns of a key, and of what requests carry, that would travel without encryption.
void warn_of_plain_http(const std::string& url, const std::string& named, const JsonServerOptions& options);
// `text` with stars in the place of the key.
std::string text_without_key(std::string text, const std::string& api_key);

bool is_success(const HttpAnswer& answer);
bool worth_another_try(const HttpAnswer& answer);    // no connection, 408, 429, 5xx but 501
bool refuses_the_request(const HttpAnswer& answer);  // 400, 413, 422: the request's own fault

// Seconds before try `attempt` + 1, from 0: twice as long each time up to longest_wait_s, spread over its
// upper half by `draw`, so that requests that failed together do not come back together; a Retry-After counts
// where it is longer.
double retry_wait(const HttpAnswer& answer, const JsonServerOptions& options, int attempt,
                  std::uint64_t draw);

}  // namespace pillar
