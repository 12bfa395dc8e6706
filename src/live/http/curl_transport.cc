// SPDX-License-Identifier: Apache-2.0
#include "live/http/curl_transport.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "base/limits.h"

namespace ekshume::live::http {
namespace {

constexpr long kStallSeconds = 60;
constexpr size_t kMaxHeaderBytes = size_t{1} << 20;
constexpr size_t kMaxErrorBytes = size_t{1} << 20;  // of an error's body, when there is a sink

// What the callbacks of one transfer share.
struct Transfer {
  CURL* handle;
  const Request& request;
  const Progress* progress;
  Answer answer;
  std::optional<Error> error;  // why a callback stopped the transfer
  size_t header_bytes = 0;

  bool IsSuccess() const {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
  }
};

size_t OnBody(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view bytes(data, size * count);
  const bool success = transfer.IsSuccess();
  if (transfer.request.sink && success) {
    if (Result<void> taken = transfer.request.sink(ByteView::Of(bytes)); !taken) {
      transfer.error = taken.error();
      return CURL_WRITEFUNC_ERROR;
    }
    return bytes.size();
  }
  const size_t most = transfer.request.sink ? kMaxErrorBytes : limits::kMaxAnswerBytes;
  if (bytes.size() > most - transfer.answer.body.size()) {
    transfer.error = Fail(ErrorCode::kLimit,
                          fmt::format("an answer of more than {} bytes (kMaxAnswerBytes)", most));
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.answer.body += bytes;
  return bytes.size();
}

size_t OnHeader(char* data, size_t size, size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::string_view line(data, size * count);
  const size_t taken = line.size();
  transfer.header_bytes += taken;
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.error = Fail(ErrorCode::kLimit, "an answer with more than a mebibyte of headers");
    return 0;
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) transfer.answer.headers.clear();  // after 100 Continue
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return taken;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  transfer.answer.headers.emplace_back(AsciiLower(line.substr(0, colon)), value);
  return taken;
}

int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(context);
  return transfer.progress != nullptr && transfer.progress->cancelled() ? 1 : 0;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

List HeaderList(const Request& request) {
  List list;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    EKSHUME_CHECK(longer != nullptr);
    static_cast<void>(list.release());
    list.reset(longer);
  };
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    has_type = has_type || AsciiLower(name) == "content-type";
    // curl's form for a header without a value.
    append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // What curl would add by itself.
  append("Expect:");
  if (!has_type) append("Content-Type:");
  return list;
}

void SetMethod(CURL* handle, const Request& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.method == "GET" && request.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request.method != "DELETE" || !request.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void SetBlob(CURL* handle, CURLoption option, const std::string& text) {
  if (text.empty()) return;
  std::string copy = text;
  curl_blob blob{copy.data(), copy.size(), CURL_BLOB_COPY};
  curl_easy_setopt(handle, option, &blob);
}

void SetTls(CURL* handle, const TransportOptions& options) {
  SetBlob(handle, CURLOPT_CAINFO_BLOB, options.ca_pem);
  SetBlob(handle, CURLOPT_SSLCERT_BLOB, options.certificate_pem);
  SetBlob(handle, CURLOPT_SSLKEY_BLOB, options.key_pem);
  if (options.insecure) {
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

// Asks the URL's host for what is written as coming from `server_name`, so that certificate and SNI
// are of that name. Changes `url`; the list must live as long as the transfer.
List ConnectTo(const std::string& server_name, std::string& url) {
  List list;
  if (server_name.empty()) return list;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parts.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
      return std::string();
    std::string copy(text);
    curl_free(text);
    return copy;
  };
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK) {
    return list;  // curl names what is wrong with it
  }
  const std::string port = part(CURLUPART_PORT);
  const std::string line =
      fmt::format("{}:{}:{}:{}", server_name, port, part(CURLUPART_HOST), port);
  curl_url_set(parts.get(), CURLUPART_HOST, server_name.c_str(), 0);
  url = part(CURLUPART_URL);
  list.reset(curl_slist_append(nullptr, line.c_str()));
  EKSHUME_CHECK(list != nullptr);
  return list;
}

// The URL without its query, which may hold a signature.
std::string_view WithoutQuery(std::string_view url) { return url.substr(0, url.find('?')); }

bool HasLineEnds(const Request& request) {
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of("\r\n") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

CurlTransport::CurlTransport(TransportOptions options) : options_(std::move(options)) {
  static const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  EKSHUME_CHECK(kInitialised == CURLE_OK);
}

CurlTransport::~CurlTransport() {
  for (void* handle : idle_) curl_easy_cleanup(handle);
}

void* CurlTransport::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      void* handle = idle_.back();
      idle_.pop_back();
      return handle;
    }
  }
  return curl_easy_init();
}

void CurlTransport::GiveBack(void* handle) {
  curl_easy_reset(handle);  // keeps its connections
  const std::lock_guard lock(mutex_);
  idle_.push_back(handle);
}

Result<Answer> CurlTransport::Send(const Request& request) {
  if (HasLineEnds(request)) {
    return Fail(ErrorCode::kInvalidArgument, "a header of a request holds a line end");
  }
  CURL* handle = Take();
  if (handle == nullptr) return Fail(ErrorCode::kIo, "libcurl gives no handle");
  Transfer transfer{handle, request, options_.progress, {}, {}, 0};
  std::array<char, CURL_ERROR_SIZE> reason{};
  const List headers = HeaderList(request);
  std::string url = request.url;
  const List connect_to = ConnectTo(options_.server_name, url);
  if (connect_to) curl_easy_setopt(handle, CURLOPT_CONNECT_TO, connect_to.get());
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  if (request.direct) curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  SetMethod(handle, request);
  SetTls(handle, options_);

  const CURLcode code = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  GiveBack(handle);
  if (transfer.error) return *std::move(transfer.error);
  if (code == CURLE_ABORTED_BY_CALLBACK) return Fail(ErrorCode::kCancelled, "stopped");
  if (code != CURLE_OK) {
    return Fail(ErrorCode::kIo,
                fmt::format("{} {}: {}", request.method, WithoutQuery(request.url),
                            reason.front() != '\0' ? reason.data() : curl_easy_strerror(code)));
  }
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

}  // namespace ekshume::live::http
