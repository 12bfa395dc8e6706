// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/exec.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <optional>

#include "base/limits.h"
#include "base/text.h"
#include "live/kubernetes/client.h"
#include "live/wire/json.h"
#include "live/wire/uri.h"

namespace ekshume::live::kubernetes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

constexpr char kInput = 0;
constexpr char kOutput = 1;
constexpr char kErrors = 2;
constexpr char kStatus = 3;
constexpr char kClose = '\xff';  // v5: the channel in the next byte has ended
constexpr std::string_view kVersion5 = "v5.channel.k8s.io";
constexpr std::string_view kOffered = "v5.channel.k8s.io, v4.channel.k8s.io";
constexpr size_t kInputPieceBytes = 32 << 10;  // runtimes read messages of up to 32 KiB well
constexpr size_t kKeptErrorBytes = 8 << 10;
constexpr std::chrono::seconds kHandshake{30};
constexpr std::chrono::seconds kIdle{60};  // pings go out at half of it
constexpr std::chrono::milliseconds kSlice{100};

struct Address {
  bool tls = true;
  std::string host;
  std::string port;
  std::string prefix;  // a path before /api
};

Result<Address> ParseServer(const std::string& server) {
  Address address;
  std::string_view rest = server;
  address.tls = rest.starts_with("https://");
  rest.remove_prefix(address.tls ? 8 : 7);
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    address.prefix = rest.substr(slash);
    rest = rest.substr(0, slash);
  }
  address.port = address.tls ? "443" : "80";
  const size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    address.port = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  address.host = rest;
  if (address.host.empty()) return Fail(ErrorCode::kInvalidArgument, "the server has no host name");
  return address;
}

Result<void> SetTls(asio::ssl::context& context, const Access& access) {
  error_code error;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
  if (access.insecure) {
    context.set_verify_mode(asio::ssl::verify_none, error);
  } else {
    context.set_verify_mode(asio::ssl::verify_peer, error);
    if (access.ca_pem.empty()) {
      context.set_default_verify_paths(error);
    } else {
      context.add_certificate_authority(asio::buffer(access.ca_pem), error);
    }
  }
  if (!error && !access.certificate_pem.empty()) {
    context.use_certificate_chain(asio::buffer(access.certificate_pem), error);
    if (!error) {
      context.use_private_key(asio::buffer(access.key_pem), asio::ssl::context::pem, error);
    }
  }
  if (error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a certificate or key of {}: {}", access.source, error.message()));
  }
  return {};
}

std::string Target(const Address& address, const ExecRequest& request) {
  std::string target =
      fmt::format("{}{}?container={}&stdin={}&stdout=true&stderr=true&tty=false", address.prefix,
                  request.path, wire::UriEncode(request.container), !request.input.empty());
  for (const std::string& word : request.command) {
    target += fmt::format("&command={}", wire::UriEncode(word));
  }
  return target;
}

// One command over one connection; Stream is Plain or Tls.
template <typename Stream>
class Session {
 public:
  Session(asio::io_context& context, websocket::stream<Stream> stream, const ExecRequest& request,
          const Progress* progress)
      : context_(context), socket_(std::move(stream)), request_(request), progress_(progress) {}

  Result<ExecOutcome> Run(const Address& address, const Access& access,
                          const std::string& authorization) {
    EKSHUME_TRY(Connect(address, access));
    EKSHUME_TRY(Handshake(address, access, authorization));
    socket_.binary(true);
    // Servers before 1.30 take each frame for a message: no message may be cut into frames.
    socket_.auto_fragment(false);
    socket_.read_message_max(limits::kMaxStreamFrameBytes);
    Read();
    if (!request_.input.empty()) Write();
    EKSHUME_TRY(Wait([&] { return done_; }));
    if (failure_) return *failure_;
    return outcome_;
  }

 private:
  // Runs what is pending until `ready`, and asks in between whether to stop.
  Result<void> Wait(const std::function<bool()>& ready) {
    while (!ready()) {
      if (progress_ != nullptr && progress_->cancelled()) {
        beast::get_lowest_layer(socket_).close();
        context_.restart();
        context_.run_for(kSlice);
        return Fail(ErrorCode::kCancelled, "stopped");
      }
      context_.restart();
      context_.run_one_for(kSlice);
    }
    return {};
  }

  Result<void> WaitFor(const std::optional<error_code>& result, std::string_view what) {
    EKSHUME_TRY(Wait([&] { return result.has_value(); }));
    if (!*result) return {};
    return Fail(ErrorCode::kIo, fmt::format("{}: {}", what, result->message()));
  }

  Result<void> Connect(const Address& address, const Access& access) {
    error_code error;
    asio::ip::tcp::resolver resolver(context_);
    const auto endpoints = resolver.resolve(address.host, address.port, error);
    if (error) {
      return Fail(ErrorCode::kIo, fmt::format("{}: {}", address.host, error.message()));
    }
    auto& lowest = beast::get_lowest_layer(socket_);
    lowest.expires_after(kHandshake);
    std::optional<error_code> result;
    lowest.async_connect(endpoints, [&](error_code e, const auto&) { result = e; });
    EKSHUME_TRY(WaitFor(result, fmt::format("{}:{}", address.host, address.port)));
    if constexpr (std::is_same_v<Stream, Tls>) {
      const std::string& name =
          access.tls_server_name.empty() ? address.host : access.tls_server_name;
      Tls& tls = socket_.next_layer();
      asio::ip::make_address(name, error);
      if (error) {  // a name, not an address; SSL_set_tlsext_host_name without its C cast
        std::string sni = name;
        SSL_ctrl(tls.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 sni.data());
      }
      if (!access.insecure) tls.set_verify_callback(asio::ssl::host_name_verification(name));
      result.reset();
      tls.async_handshake(asio::ssl::stream_base::client, [&](error_code e) { result = e; });
      EKSHUME_TRY(WaitFor(result, "the server's certificate or ours"));
    }
    lowest.expires_never();
    return {};
  }

  Result<void> Handshake(const Address& address, const Access& access,
                         const std::string& authorization) {
    websocket::stream_base::timeout times{
        .handshake_timeout = kHandshake, .idle_timeout = kIdle, .keep_alive_pings = true};
    socket_.set_option(times);
    socket_.set_option(websocket::stream_base::decorator([&](websocket::request_type& message) {
      message.set(beast::http::field::user_agent, "ekshume");
      message.set(beast::http::field::sec_websocket_protocol,
                  beast::string_view(kOffered.data(), kOffered.size()));
      if (!authorization.empty()) message.set(beast::http::field::authorization, authorization);
    }));
    websocket::response_type answer;
    std::optional<error_code> result;
    const std::string host = fmt::format("{}:{}", address.host, address.port);
    socket_.async_handshake(answer, host, Target(address, request_),
                            [&](error_code e) { result = e; });
    EKSHUME_TRY(Wait([&] { return result.has_value(); }));
    if (*result) return Refusal(answer, *result, access);
    const auto protocol = answer[beast::http::field::sec_websocket_protocol];
    outcome_.protocol.assign(protocol.data(), protocol.size());
    if (kOffered.find(outcome_.protocol) == std::string_view::npos || outcome_.protocol.empty()) {
      return Fail(ErrorCode::kUnsupported,
                  "the server speaks no version of exec over WebSocket that we do (v5, v4)");
    }
    return {};
  }

  Error Refusal(const websocket::response_type& answer, const error_code& error,
                const Access& access) const {
    const auto status = answer.result_int();
    if (error != websocket::error::upgrade_declined) {
      return Fail(ErrorCode::kIo, fmt::format("exec: {}", error.message()));
    }
    if (status == 401) {
      return Fail(ErrorCode::kUnsupported, fmt::format("the API server does not accept our "
                                                       "credentials ({})",
                                                       access.source));
    }
    if (status == 403) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("the permission to {} is missing (exec needs get and create)",
                              PermissionFor("POST", request_.path).Text()));
    }
    const std::string words =
        EscapeForTerminal(std::string_view(answer.body()).substr(0, kKeptErrorBytes));
    return Fail(status == 404 ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("exec: the server answers with status {}: {}", status, words));
  }

  void End(std::optional<Error> failure) {
    if (!done_) failure_ = std::move(failure);
    done_ = true;
  }

  void Read() {
    socket_.async_read(buffer_, [this](error_code error, size_t) {
      if (error) {
        End(Fail(
            ErrorCode::kIo,
            fmt::format("exec: the connection ended before the command did: {}", error.message())));
        return;
      }
      const auto bytes = buffer_.cdata();
      const std::string_view message(static_cast<const char*>(bytes.data()), bytes.size());
      const Result<void> taken = Take(message);
      buffer_.consume(buffer_.size());
      if (!taken) End(taken.error());
      if (!done_) Read();
    });
  }

  Result<void> Take(std::string_view message) {
    if (message.empty()) return {};
    const std::string_view content = message.substr(1);
    switch (message.front()) {
      case kOutput:
        if (!content.empty() && request_.output) return request_.output(ByteView::Of(content));
        return {};
      case kErrors:
        outcome_.errors += content.substr(0, kKeptErrorBytes - outcome_.errors.size());
        return {};
      case kStatus: return TakeStatus(content);
      default: return {};
    }
  }

  Result<void> TakeStatus(std::string_view content) {
    const wire::Json status = EKSHUME_TRY(wire::ParseJson(content, "exec"));
    if (wire::TextOf(status, "status") == "Success") {
      End(std::nullopt);
      return {};
    }
    for (const wire::Json& cause : wire::ArrayOf(wire::ObjectOf(status, "details"), "causes")) {
      if (wire::TextOf(cause, "reason") != "ExitCode") continue;
      outcome_.exit_code = static_cast<int>(wire::IntegerOf(cause, "message", 255));
      End(std::nullopt);
      return {};
    }
    return Fail(ErrorCode::kUnsupported,
                fmt::format("exec: {}", EscapeForTerminal(wire::TextOf(status, "message"))));
  }

  void Write() {
    const std::string_view left = request_.input.substr(written_);
    if (left.empty()) {
      // The half-close of v5; v4 has none.
      if (outcome_.protocol != kVersion5 || closed_input_) return;
      closed_input_ = true;
      piece_.assign({kClose, kInput});
    } else {
      const std::string_view next = left.substr(0, kInputPieceBytes);
      piece_.assign(1, kInput);
      piece_ += next;
      written_ += next.size();
    }
    socket_.async_write(asio::buffer(piece_), [this](error_code error, size_t) {
      // What came is still read: the command may have ended without reading all.
      if (!error) Write();
    });
  }

  asio::io_context& context_;
  websocket::stream<Stream> socket_;
  const ExecRequest& request_;
  const Progress* const progress_;
  beast::flat_buffer buffer_;
  std::string piece_;  // the message that is being written
  size_t written_ = 0;
  bool closed_input_ = false;
  bool done_ = false;
  std::optional<Error> failure_;
  ExecOutcome outcome_;
};

Result<ExecOutcome> RunExec(const Access& access, const std::string& authorization,
                            const ExecRequest& request, const Progress* progress) {
  const Address address = EKSHUME_TRY(ParseServer(access.server));
  asio::io_context context;
  if (!address.tls) {
    Session<Plain> session(context, websocket::stream<Plain>(context), request, progress);
    return session.Run(address, access, authorization);
  }
  asio::ssl::context tls(asio::ssl::context::tls_client);
  EKSHUME_TRY(SetTls(tls, access));
  Session<Tls> session(context, websocket::stream<Tls>(context, tls), request, progress);
  return session.Run(address, access, authorization);
}

}  // namespace

Result<ExecOutcome> Exec(const Access& access, const std::string& authorization,
                         const ExecRequest& request, const Progress* progress) {
  // Boost reports by exceptions where memory or descriptors run out.
  try {
    return RunExec(access, authorization, request, progress);
  } catch (const std::exception& exception) {
    return Fail(ErrorCode::kIo, fmt::format("exec: {}", exception.what()));
  }
}

}  // namespace ekshume::live::kubernetes
