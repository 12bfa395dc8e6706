// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/client.h"
#include "live/wire/uri.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/wait.h"
#include "live/http/curl_transport.h"
#include "live/http/date.h"
#include "live/wire/page_count.h"

namespace ekshume::live::kubernetes {
namespace {

// Changes may have a query in their path: dryRun, fieldManager.
std::string_view WithoutQuery(std::string_view path) { return path.substr(0, path.find('?')); }

constexpr std::string_view kMissing = "the permission to ";
constexpr std::string_view kMissingEnd = " is missing";
constexpr int kAttempts = 4;
constexpr int64_t kTokenFileSeconds = 60;
constexpr size_t kWordsBytes = 400;  // of a server's message, in ours

std::string_view WithoutNewline(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool IsRetried(const Result<http::Answer>& answer) {
  if (!answer) return answer.error().code == ErrorCode::kIo;
  return answer->status == 429 || answer->status == 500 || answer->status == 502 ||
         answer->status == 503 || answer->status == 504;
}

http::TransportOptions TransportOptionsOf(const Access& access, const Progress* progress) {
  http::TransportOptions options;
  options.ca_pem = access.ca_pem;
  options.certificate_pem = access.certificate_pem;
  options.key_pem = access.key_pem;
  options.insecure = access.insecure;
  options.server_name = access.tls_server_name;
  options.progress = progress;
  return options;
}

}  // namespace

std::string Permission::Text() const {
  std::string text = fmt::format("{} {}", verb, resource);
  if (!group.empty()) text += fmt::format(" of {}", group);
  if (!in_namespace.empty()) text += fmt::format(" in namespace {}", in_namespace);
  return text;
}

Permission PermissionFor(std::string_view method, std::string_view path) {
  const std::vector<std::string_view> parts = SplitNonEmpty(path, '/');
  Permission permission;
  size_t next = 2;  // after api/v1
  if (!parts.empty() && parts[0] == "apis" && parts.size() > 2) {
    permission.group = parts[1];
    next = 3;
  }
  if (parts.size() > next + 2 && parts[next] == "namespaces") {
    permission.in_namespace = parts[next + 1];
    next += 2;
  }
  const bool has_name = parts.size() > next + 1;
  permission.resource = parts.size() > next ? std::string(parts[next]) : std::string(path);
  if (parts.size() > next + 2) permission.resource += fmt::format("/{}", parts[next + 2]);
  if (method == "GET") permission.verb = has_name ? "get" : "list";
  // A name that is encoded in the path is not asked for by itself.
  if (has_name && parts[next + 1].find('%') == std::string_view::npos) {
    permission.name = parts[next + 1];
  }
  if (method == "POST") permission.verb = "create";
  if (method == "PUT") permission.verb = "update";
  if (method == "PATCH") permission.verb = "patch";
  if (method == "DELETE") permission.verb = "delete";
  return permission;
}

std::string PathOf(std::initializer_list<std::string_view> segments) {
  std::string path;
  for (const std::string_view segment : segments) {
    // Dots alone would be taken for a step up.
    const bool dots = segment.find_first_not_of('.') == std::string_view::npos;
    path += fmt::format("/{}", dots ? "%2E" : wire::UriEncode(segment));
  }
  return path;
}

bool IsConflict(const Error& error) {
  return error.message.find(": status 409: ") != std::string::npos;
}

std::string MissingPermission(const Error& error) {
  const size_t begin = error.message.find(kMissing);
  if (begin == std::string::npos) return "";
  const size_t end = error.message.find(kMissingEnd, begin);
  if (end == std::string::npos) return "";
  return error.message.substr(begin + kMissing.size(), end - begin - kMissing.size());
}

Result<std::unique_ptr<Client>> Client::Open(Access access, const Surroundings& surroundings,
                                             const RunProgram& run, const Progress* progress) {
  if (access.plugin) {
    // A certificate of a plugin belongs to the connection.
    const PluginCredential credential = EKSHUME_TRY(AskPlugin(access, run));
    if (!credential.certificate_pem.empty()) {
      access.certificate_pem = credential.certificate_pem;
      access.key_pem = credential.key_pem;
    }
  }
  auto transport = std::make_unique<http::CurlTransport>(TransportOptionsOf(access, progress));
  return std::make_unique<Client>(std::move(access), surroundings, run, std::move(transport),
                                  progress);
}

Result<std::unique_ptr<Client>> Client::Again(const Progress* progress) const {
  return Open(access_, surroundings_, run_, progress);
}

Client::Client(Access access, Surroundings surroundings, RunProgram run,
               std::unique_ptr<http::Transport> transport, const Progress* progress)
    : access_(std::move(access)),
      surroundings_(std::move(surroundings)),
      run_(std::move(run)),
      transport_(std::move(transport)),
      progress_(progress) {}

Result<std::string> Client::Authorization() {
  const std::lock_guard lock(mutex_);
  if (!access_.user_name.empty()) {
    const std::string both = fmt::format("{}:{}", access_.user_name, access_.password);
    return fmt::format("Basic {}", EncodeBase64(ByteView::Of(both)));
  }
  const Timestamp now = Now();
  if (token_until_ && *token_until_ <= now) token_.clear();
  if (token_.empty() && access_.plugin) {
    const PluginCredential credential = EKSHUME_TRY(AskPlugin(access_, run_));
    token_ = credential.token;
    token_until_ = credential.expires;
    if (token_until_) token_until_->seconds -= kTokenFileSeconds;
  } else if (token_.empty() && !access_.token_file.empty()) {
    const std::string text = EKSHUME_TRY(surroundings_.read_file(access_.token_file));
    token_ = WithoutNewline(text);
    token_until_ = Timestamp{now.seconds + kTokenFileSeconds, 0};
  } else if (token_.empty()) {
    token_ = access_.token;
  }
  return token_.empty() ? std::string() : fmt::format("Bearer {}", token_);
}

void Client::ForgetToken() {
  const std::lock_guard lock(mutex_);
  token_.clear();
}

double Client::clock_offset_seconds() const {
  const std::lock_guard lock(mutex_);
  return clock_offset_seconds_;
}

Error Client::FailureOf(const http::Answer& answer, std::string_view method,
                        std::string_view path) const {
  const Json status = Json::parse(answer.body, nullptr, false);
  const std::string text = wire::TextOf(status, "message");
  const std::string words =
      EscapeForTerminal(std::string_view(text.empty() ? answer.body : text).substr(0, kWordsBytes));
  if (answer.status == 401) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("the API server does not accept our credentials ({})", access_.source));
  }
  if (answer.status == 403) {
    // Admission refuses by 403 too; RBAC's words are "User "x" cannot get resource ...".
    if (text.find(" cannot ") != std::string::npos || text.empty()) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{}{}{} ({})", kMissing, PermissionFor(method, path).Text(),
                              kMissingEnd, words));
    }
    return Fail(ErrorCode::kUnsupported, fmt::format("the API server refuses it: {}", words));
  }
  const ErrorCode code = answer.status == 404 ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(code, fmt::format("{} {}: status {}: {}", method, path, answer.status, words));
}

Result<http::Answer> Client::Send(http::Request request, std::string_view path,
                                  http::Answer* refused) {
  request.url = fmt::format("{}{}", access_.server, request.url);
  const http::Headers headers = request.headers;
  const auto sink = request.sink;
  bool received = false;
  if (sink) {
    request.sink = [&](ByteView bytes) {
      received = true;
      return sink(bytes);
    };
  }
  bool renewed = false;
  for (int attempt = 1;; ++attempt) {
    request.headers = headers;
    const std::string authorization = EKSHUME_TRY(Authorization());
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    Result<http::Answer> answer = transport_->Send(request);
    if (answer) {
      if (const auto date = http::ParseHttpDate(answer->Header("date"))) {
        const auto offset = static_cast<double>(date->seconds - Now().seconds);
        const std::lock_guard lock(mutex_);
        clock_offset_seconds_ = std::abs(offset) <= 1 ? 0 : offset;
      }
      if (answer->status / 100 == 2) return answer;
    }
    const bool renews = access_.plugin || !access_.token_file.empty();
    if (answer && answer->status == 401 && renews && !renewed) {
      renewed = true;
      ForgetToken();
      continue;
    }
    const bool cancelled = progress_ != nullptr && progress_->cancelled();
    if (request.method == "GET" && !received && IsRetried(answer) && attempt < kAttempts &&
        !cancelled) {
      EKSHUME_TRY(Wait(std::chrono::milliseconds(250 << attempt), progress_));
      continue;
    }
    if (!answer) {
      return WithContext(answer.error(), fmt::format("the API server at {}", access_.server));
    }
    const Error failure = FailureOf(*answer, request.method, path);
    if (refused != nullptr) *refused = *std::move(answer);
    return failure;
  }
}

Result<Json> Client::Get(const std::string& path, const std::string& query) {
  return GetAs("application/json", path, query);
}

Result<Json> Client::GetAs(const std::string& accept, const std::string& path,
                           const std::string& query, http::Answer* refused) {
  http::Request request;
  request.url = query.empty() ? path : fmt::format("{}?{}", path, query);
  request.headers = {{"Accept", accept}};
  const http::Answer answer = EKSHUME_TRY(Send(std::move(request), path, refused));
  return wire::ParseJson(answer.body, path);
}

Result<void> Client::GetText(const std::string& path, const std::string& query,
                             const std::function<Result<void>(ByteView)>& sink) {
  http::Request request;
  request.url = query.empty() ? path : fmt::format("{}?{}", path, query);
  request.sink = sink;
  request.timeout = std::chrono::milliseconds(0);
  EKSHUME_TRY(Send(std::move(request), path));
  return {};
}

Result<void> Client::List(const std::string& path, const std::string& query,
                          const std::function<Result<void>(const Json&)>& item) {
  return ListAs("application/json", path, query, item);
}

Result<void> Client::ListMetadata(const std::string& path,
                                  const std::function<Result<void>(const Json&)>& item) {
  return ListAs("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", path, "", item);
}

Result<void> Client::ListAs(const std::string& accept, const std::string& path,
                            const std::string& query,
                            const std::function<Result<void>(const Json&)>& item) {
  wire::PageCount pages(path);
  std::string next;
  do {
    EKSHUME_TRY(pages.Another());
    const std::string page = fmt::format("limit=500{}{}{}{}", query.empty() ? "" : "&", query,
                                         next.empty() ? "" : "&continue=", wire::UriEncode(next));
    http::Answer refused;
    const auto list = GetAs(accept, path, page, &refused);
    if (!list && refused.status == 410 && !next.empty()) {
      // What the pages are of is forgotten by now: the server says how to go on with newer objects.
      const Json status = Json::parse(refused.body, nullptr, false);
      const std::string newer = wire::TextOf(wire::ObjectOf(status, "metadata"), "continue");
      if (newer.empty() || newer == next) return list.error();
      next = newer;
      continue;
    }
    if (!list) return list.error();
    for (const Json& entry : wire::ArrayOf(*list, "items")) EKSHUME_TRY(item(entry));
    next = wire::TextOf(wire::ObjectOf(*list, "metadata"), "continue");
  } while (!next.empty());
  return {};
}

Result<std::string> Client::Change(const char* method, const std::string& path, const Json& body,
                                   const std::string& content_type) {
  http::Request request{.method = method, .url = path};
  request.headers = {{"Content-Type", content_type}, {"Accept", "application/json"}};
  request.body = wire::DumpJson(body);
  return EKSHUME_TRY(Send(std::move(request), WithoutQuery(path))).body;
}

Result<Json> Client::Post(const std::string& path, const Json& body) {
  const std::string answer = EKSHUME_TRY(Change("POST", path, body, "application/json"));
  return Json::parse(answer, nullptr, false);
}

Result<Json> Client::Put(const std::string& path, const Json& body) {
  const std::string answer = EKSHUME_TRY(Change("PUT", path, body, "application/json"));
  return wire::ParseJson(answer, path);
}

Result<Json> Client::Patch(const std::string& path, const Json& body,
                           const std::string& content_type) {
  const std::string answer = EKSHUME_TRY(Change("PATCH", path, body, content_type));
  return wire::ParseJson(answer, path);
}

Result<void> Client::Delete(const std::string& path, const Json& options) {
  http::Request request{.method = "DELETE", .url = path};
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = wire::DumpJson(options);
  EKSHUME_TRY(Send(std::move(request), WithoutQuery(path)));
  return {};
}

Result<ExecOutcome> Client::Run(const ExecRequest& request, const Progress* progress) {
  const std::string authorization = EKSHUME_TRY(Authorization());
  return exec_(access_, authorization, request, progress);
}

Result<bool> Client::May(const Permission& permission) {
  const size_t slash = permission.resource.find('/');
  const std::string sub = slash == std::string::npos ? "" : permission.resource.substr(slash + 1);
  const Json review = {{"apiVersion", "authorization.k8s.io/v1"},
                       {"kind", "SelfSubjectAccessReview"},
                       {"spec",
                        {{"resourceAttributes",
                          {{"namespace", permission.in_namespace},
                           {"verb", permission.verb},
                           {"group", permission.group},
                           {"resource", permission.resource.substr(0, slash)},
                           {"subresource", sub},
                           {"name", permission.name}}}}}};
  const Json answer =
      EKSHUME_TRY(Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review));
  const Json& status = wire::ObjectOf(answer, "status");
  return status.contains("allowed") && status["allowed"] == true;
}

std::string Client::UserName() {
  const Json review = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
  const auto answer = Post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review);
  if (!answer) return "";
  return wire::TextOf(wire::ObjectOf(wire::ObjectOf(*answer, "status"), "userInfo"), "username");
}

}  // namespace ekshume::live::kubernetes
