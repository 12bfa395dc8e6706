// SPDX-License-Identifier: Apache-2.0
#include "server/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "server/connection.h"
#include "server/feed.h"
#include "server/limits.h"
#include "server/page_files.h"

namespace ekshume::server {
namespace {

constexpr std::string_view kApi = "/api/v1";
// What index.html has where this answer's nonce belongs: the styles of the page's library are
// allowed by it, and nothing else that stands in the page is.
constexpr std::string_view kNoncePlace = "EKSHUME_NONCE";
constexpr size_t kPieceBytes = size_t{1} << 18;
constexpr std::chrono::seconds kHeartbeat{10};

RequestHead HeadOf(const httplib::Request& request, std::map<std::string, std::string>& kept) {
  for (const char* name : {"Host", "Origin", "Sec-Fetch-Site", "Content-Type", "Cookie"}) {
    // A header that is there twice is no header of a browser.
    kept[name] =
        request.get_header_value_count(name) > 1 ? "(twice)" : request.get_header_value(name);
  }
  return {request.method,         kept["Host"],         kept["Origin"],
          kept["Sec-Fetch-Site"], kept["Content-Type"], kept["Cookie"]};
}

// Instead of any header of that name: the library would send both.
void SetHeader(httplib::Response& response, const char* name, const std::string& value) {
  response.headers.erase(name);
  response.set_header(name, value);
}

void SetHeaders(httplib::Response& response, std::string_view nonce) {
  const std::string styles = nonce.empty() ? "'self'" : fmt::format("'self' 'nonce-{}'", nonce);
  SetHeader(
      response, "Content-Security-Policy",
      fmt::format("default-src 'none'; script-src 'self'; style-src {}; img-src 'self' data:; "
                  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                  "frame-ancestors 'none'",
                  styles));
  SetHeader(response, "X-Content-Type-Options", "nosniff");
  SetHeader(response, "X-Frame-Options", "DENY");
  SetHeader(response, "Referrer-Policy", "no-referrer");
  SetHeader(response, "Cross-Origin-Opener-Policy", "same-origin");
  SetHeader(response, "Cross-Origin-Resource-Policy", "same-origin");
  SetHeader(response, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

void SayPlainly(httplib::Response& response, int status, const std::string& sentence) {
  response.status = status;
  response.set_content(sentence + "\n", "text/plain; charset=utf-8");
}

void Refuse(httplib::Response& response, int status, std::string_view code,
            std::string_view message) {
  response.status = status;
  response.set_content(ErrorBody(code, message), "application/json");
}

bool IsApi(const std::string& path) {
  return path == kApi || path.starts_with(std::string(kApi) + "/");
}

}  // namespace

HttpServer::HttpServer(Guard& guard, const Router& router, Broadcast& changes,
                       const TlsContext* tls)
    : guard_(guard),
      router_(router),
      changes_(changes),
      tls_(tls),
      users_log_in_(router.Find("POST", "/login").route != nullptr) {
  new_task_queue = [] { return new ConnectionThreads(); };
  set_keep_alive_max_count(limits::kMostRequestsPerConnection);
  set_payload_max_length(limits::kMostBodyBytes);
  // Before any body is read: whoever may not ask costs a head.
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    SetHeaders(response, "");
    response.set_header("Cache-Control", "no-store");
    std::map<std::string, std::string> kept;
    const RequestHead head = HeadOf(request, kept);
    if (const Result<void> ours = guard_.CheckOrigin(head); !ours) {
      Refuse(response, 403, "refused", ours.error().message);
      return HandlerResponse::Handled;
    }
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
      response.set_header("Allow", "GET, HEAD, POST");
      Refuse(response, 405, "method_not_allowed", request.method + " is nothing that is served");
      return HandlerResponse::Handled;
    }
    if (request.path == "/login" && request.method == "GET" && !users_log_in_) {
      RedeemLink(request, response);
      return HandlerResponse::Handled;
    }
    if (!IsOpen(request) && !guard_.Who(head)) {
      if (IsApi(request.path)) {
        if (users_log_in_) {
          Refuse(response, 401, "log_in", "log in first");
        } else {
          Refuse(response, 401, "no_session", "open the link that `ekshume serve` printed");
        }
      } else {
        SayPlainly(response, 401,
                   "Open the link that `ekshume serve` printed on the terminal. Each works once.");
      }
      return HandlerResponse::Handled;
    }
    return HandlerResponse::Unhandled;
  });
  const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
    Answer(request, response);
  };
  Get(".*", answer);
  Post(".*", answer);
  set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        SetHeaders(response, "");
        Refuse(response, 500, "bug", "a bug in ekshume");
      });
  // What the library refuses itself (a head that is none, too long a body) gets no page either.
  const Handler on_error = [](const httplib::Request&, httplib::Response& response) {
    if (!response.has_header("X-Frame-Options")) SetHeaders(response, "");
    if (response.body.empty()) {
      Refuse(response, response.status, "http", "the request was not understood");
    }
  };
  set_error_handler(on_error);
}

Result<int> HttpServer::Bind(HttpServer& server, const std::string& address, int port) {
  // SO_REUSEADDR alone: another process must not be able to take the port beside us.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server.set_tcp_nodelay(true);
  if (port == 0) {
    const int free_port = server.bind_to_any_port(address);
    if (free_port > 0) return free_port;
  } else if (server.bind_to_port(address, port)) {
    return port;
  }
  return Fail(ErrorCode::kIo,
              fmt::format("cannot listen on {} port {}: it is in use, or not ours", address, port));
}

void HttpServer::Stop() {
  changes_.Stop();
  stop();
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  bool kept = false;
  if (tls_ == nullptr) {
    SocketStream stream(socket);
    kept = AnswerAll(stream);
  } else {
    TlsStream stream(*tls_, socket);
    kept = stream.Handshake() && AnswerAll(stream);
  }
  shutdown(socket, SHUT_RDWR);
  close(socket);
  return kept;
}

bool HttpServer::AnswerAll(SocketStream& stream) {
  bool kept = false;
  const auto stopping = [&] { return changes_.stopped(); };
  for (size_t left = limits::kMostRequestsPerConnection; left > 0; --left) {
    if (!stream.WaitForRequest(stopping)) break;
    stream.BeginRequest();
    bool closed = false;
    bool has_body = false;
    kept = process_request(stream, left == 1, closed, [&](httplib::Request& request) {
      // Compression would cost more than it saves on loopback.
      request.headers.erase("Accept-Encoding");
      // What is refused leaves its body unread: it must not be taken for the next request.
      has_body = request.method == "POST" || request.has_header("Content-Length") ||
                 request.has_header("Transfer-Encoding");
      if (!has_body) return;
      request.headers.erase("Connection");
      request.headers.emplace("Connection", "close");
    });
    if (!kept || closed || has_body) break;
  }
  return kept;
}

bool HttpServer::IsOpen(const httplib::Request& request) const {
  if (!IsApi(request.path)) return users_log_in_ && request.method != "POST";
  const std::string path = request.path.substr(kApi.size());
  const Route* const route = router_.Find(request.method, path).route;
  return route != nullptr && route->is_open;
}

void HttpServer::RedeemLink(const httplib::Request& request, httplib::Response& response) {
  const Result<std::string> session = guard_.Redeem(request.get_param_value("token"));
  if (!session) {
    SayPlainly(response, session.error().code == ErrorCode::kLimit ? 429 : 401,
               "This link does not work any more: each works once. In the page, \"New link\" makes "
               "another.");
    return;
  }
  response.set_header("Set-Cookie", guard_.CookieFor(*session));
  response.set_redirect("/", 303);
}

void HttpServer::Answer(const httplib::Request& request, httplib::Response& response) {
  std::map<std::string, std::string> kept;
  const std::optional<Visitor> visitor = guard_.Who(HeadOf(request, kept));
  if (!visitor && !IsOpen(request)) return Refuse(response, 401, "no_session", "the session ended");
  if (IsApi(request.path)) return AnswerApi(request, visitor, response);
  if (request.method == "POST") {
    response.set_header("Allow", "GET, HEAD");
    return Refuse(response, 405, "method_not_allowed", "the page takes no POST");
  }
  AnswerPage(request, response);
}

void HttpServer::AnswerPage(const httplib::Request& request, httplib::Response& response) {
  const std::span<const PageFile> files = PageFiles();
  const auto find = [&](std::string_view path) {
    return std::ranges::find(files, path, &PageFile::path);
  };
  auto found = find(request.path);
  const bool is_asset = request.path.starts_with("/assets/");
  if (is_asset && found == files.end()) {
    return SayPlainly(response, 404, "The page has no such file.");
  }
  if (is_asset) {
    // Their names change with their content.
    SetHeader(response, "Cache-Control", "private, max-age=31536000, immutable");
    response.set_content(found->content.data(), found->content.size(), std::string(found->type));
    return;
  }
  // Every view has an address of its own, and all are the same page.
  if (found == files.end()) found = find("/index.html");
  if (found == files.end()) {
    return SayPlainly(response, 501,
                      "This ekshume was built without npm, so it has no page. Its API is at "
                      "/api/v1/openapi.json.");
  }
  if (found->path != "/index.html") {
    response.set_content(found->content.data(), found->content.size(), std::string(found->type));
    return;
  }
  const Result<std::string> nonce = NewSecret();
  if (!nonce) return Refuse(response, 500, "io", nonce.error().message);
  std::string page(found->content);
  for (size_t at = page.find(kNoncePlace); at != std::string::npos;
       at = page.find(kNoncePlace, at)) {
    page.replace(at, kNoncePlace.size(), *nonce);
  }
  SetHeaders(response, *nonce);
  response.set_content(page, std::string(found->type));
}

void HttpServer::AnswerApi(const httplib::Request& request, const std::optional<Visitor>& visitor,
                           httplib::Response& response) {
  const std::string path = request.path.substr(kApi.size());
  if (path == "/openapi.json") return Send(ApiReply::Of(router_.OpenApi()), response);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  Router::Match match = router_.Find(method, path);
  if (match.route == nullptr) {
    if (match.allowed.empty()) return Refuse(response, 404, "not_found", "there is no such route");
    std::string allowed;
    for (const std::string& one : match.allowed) allowed += (allowed.empty() ? "" : ", ") + one;
    response.set_header("Allow", allowed);
    return Refuse(response, 405, "method_not_allowed", "not with this method");
  }
  const Role least = match.route->least_role();
  if (visitor && visitor->role < least) {
    return Refuse(response, 403, "role",
                  fmt::format("{} is a {}: this needs the role {}", visitor->name,
                              NameOf(visitor->role), NameOf(least)));
  }
  ApiRequest asked;
  asked.method = method;
  asked.path = path;
  asked.address = request.remote_addr;
  if (visitor) {
    asked.analyst = visitor->name;
    asked.role = visitor->role;
  }
  for (const auto& [name, value] : request.params) asked.values[name] = value;
  asked.values.merge(std::map(match.values));
  for (const auto& [name, value] : match.values) asked.values[name] = value;
  if (method == "POST") {
    asked.body = Json::parse(request.body, nullptr, false);
    if (asked.body.is_discarded()) {
      return Refuse(response, 400, "invalid_argument", "the body is no JSON");
    }
  }
  Result<ApiReply> reply = match.route->answer(asked);
  if (!reply) {
    const Error& error = reply.error();
    // What was given up although nobody asked for that: the case is not to be had just now.
    const std::string_view code =
        error.code == ErrorCode::kCancelled ? "busy" : ErrorCodeName(error.code);
    return Refuse(response, StatusOf(error.code), code, error.message);
  }
  if (!reply->begins.empty()) response.set_header("Set-Cookie", guard_.CookieFor(reply->begins));
  if (reply->ends_session) {
    std::map<std::string, std::string> kept;
    guard_.End(HeadOf(request, kept));
    response.set_header("Set-Cookie", guard_.CookieFor(""));
  }
  if (reply->is_feed) return SendFeed(request, response);
  Send(std::move(*reply), response);
}

void HttpServer::Send(ApiReply reply, httplib::Response& response) {
  if (!reply.attachment.empty()) {
    response.set_header("Content-Disposition",
                        fmt::format("attachment; filename=\"{}\"", reply.attachment));
  }
  // Of 200 the library makes 206 where a part was asked for.
  if (reply.status != 200) response.status = reply.status;
  if (!reply.source) return response.set_content(reply.body, reply.content_type);
  const std::shared_ptr<ByteSource> source = std::move(reply.source);
  if (source->size_bytes() == 0) return response.set_content("", reply.content_type);
  response.set_content_provider(source->size_bytes(), reply.content_type,
                                [source](size_t offset, size_t length, httplib::DataSink& sink) {
                                  const std::string piece =
                                      source->Read(offset, std::min(length, kPieceBytes));
                                  // Evidence that ends early: the connection breaks, and the file
                                  // is seen to be incomplete.
                                  return !piece.empty() && sink.write(piece.data(), piece.size());
                                });
}

void HttpServer::SendFeed(const httplib::Request& request, httplib::Response& response) {
  if (listeners_.fetch_add(1) >= limits::kMostListeners) {
    listeners_.fetch_sub(1);
    return Refuse(response, 429, "limit", "too many pages are open");
  }
  const auto feed = std::make_shared<Feed>(guard_, changes_, request.get_header_value("Cookie"));
  response.set_chunked_content_provider(
      "text/event-stream",
      [feed](size_t, httplib::DataSink& sink) {
        const std::optional<std::string> piece = feed->Next(kHeartbeat);
        if (piece) return sink.write(piece->data(), piece->size());
        sink.done();
        return true;
      },
      [this](bool) { listeners_.fetch_sub(1); });
}

}  // namespace ekshume::server
