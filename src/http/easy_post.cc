#include "http/easy_post.h"

#include "pillar/core/error.h"

#include <filesystem>

namespace pillar {
namespace {

constexpr long kConnectTimeoutMs = 20'000;

std::size_t receive(char* data, std::size_t size, std::size_t count, void* to) {
  auto& post = *static_cast<EasyPost*>(to);
  if (size * count > post.most_bytes - post.answer.body.size()) return 0;  // which ends the transfer
  post.answer.body.append(data, size * count);
  return size * count;
}

bool is_hopeless(CURLcode code) {
  return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
         code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_WRITE_ERROR ||
         code == CURLE_SSL_CACERT_BADFILE;
}

// Debian's libcurl takes the authorities that it trusts from Debian's place; a program that was carried to
// RHEL or SUSE finds them at theirs. Null where there is none of these, which leaves libcurl to say so.
const char* authorities_file() {
  for (const char* file :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"}) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return file;
  }
  return nullptr;
}

}  // namespace

void start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, whatever the thread
  if (started != CURLE_OK) throw Error(ErrorCategory::io, "libcurl does not start");
}

HeaderList header_list(std::vector<std::string> headers) {
  // Large bodies go out at once: many servers do not answer the question first.
  headers.emplace_back("Expect:");
  HeaderList list;
  for (const std::string& header : headers) list.reset(curl_slist_append(list.release(), header.c_str()));
  return list;
}

void prepare_post(CURL* handle, const std::string& url, curl_slist* headers, const std::string& body,
                  long timeout_ms, EasyPost& post) {
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  static const char* const authorities = authorities_file();
  if (authorities != nullptr) curl_easy_setopt(handle, CURLOPT_CAINFO, authorities);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, post.fault);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &receive);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &post);
}

HttpAnswer finish_post(CURL* handle, CURLcode code, EasyPost& post) {
  HttpAnswer answer = std::move(post.answer);
  if (code == CURLE_OK) {
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_off_t wait = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait);
    answer.retry_after_s = static_cast<double>(wait);
  } else {
    answer.fault = post.fault[0] != '\0' ? post.fault : curl_easy_strerror(code);
    answer.too_long = code == CURLE_WRITE_ERROR;
    if (answer.too_long) answer.fault = "an answer longer than any that is read";
    answer.hopeless = is_hopeless(code);
  }
  return answer;
}

}  // namespace pillar
