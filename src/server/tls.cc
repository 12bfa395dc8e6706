// SPDX-License-Identifier: Apache-2.0
#include "server/tls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>

#include "server/limits.h"

namespace ekshume::server {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What OpenSSL says last; its queue is empty afterwards.
std::string LastError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

Result<void> CheckFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return {};
  return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, error ? error.message() : "is no file"));
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

Result<std::unique_ptr<TlsContext>> TlsContext::Load(const std::string& certificate,
                                                     const std::string& key) {
  EKSHUME_TRY(CheckFile(certificate));
  EKSHUME_TRY(CheckFile(key));
  auto tls = std::make_unique<TlsContext>();
  tls->context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = tls->context_.get();
  if (context == nullptr) return Fail(ErrorCode::kIo, "no TLS: " + LastError());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // What was not written whole is written again from where the library keeps it.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no certificate in PEM: {}", certificate, LastError()));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is not the private key of {}: {}", key, certificate, LastError()));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is not the private key of {}: {}", key, certificate, LastError()));
  }
  return tls;
}

TlsStream::TlsStream(const TlsContext& context, int socket)
    : SocketStream(socket), ssl_(SSL_new(context.get())) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  if (ssl_ != nullptr) SSL_set_fd(ssl_, socket);
}

TlsStream::~TlsStream() {
  if (ssl_ == nullptr) return;
  if (SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
  SSL_free(ssl_);
  ERR_clear_error();
}

bool TlsStream::WaitAfter(int result, milliseconds time) {
  const int why = SSL_get_error(ssl_, result);
  ERR_clear_error();
  if (time <= milliseconds{0}) return false;
  if (why == SSL_ERROR_WANT_READ) return IsReady(socket(), POLLIN, time);
  return why == SSL_ERROR_WANT_WRITE && IsReady(socket(), POLLOUT, time);
}

bool TlsStream::Handshake() {
  if (ssl_ == nullptr) return false;
  const auto end = steady_clock::now() + limits::kRequestTime;
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_);
    if (result == 1) return true;
    if (!WaitAfter(result, duration_cast<milliseconds>(end - steady_clock::now()))) return false;
  }
}

bool TlsStream::has_pending() const { return SSL_pending(ssl_) > 0; }

ssize_t TlsStream::Receive(char* out, size_t size) {
  const int most = static_cast<int>(std::min<size_t>(size, INT_MAX));
  while (true) {
    ERR_clear_error();
    const int count = SSL_read(ssl_, out, most);
    if (count > 0) return count;
    if (SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN) return 0;
    if (!WaitAfter(count, time_left())) return -1;
  }
}

ssize_t TlsStream::Send(const char* bytes, size_t size) {
  const int most = static_cast<int>(std::min<size_t>(size, INT_MAX));
  const auto end = steady_clock::now() + limits::kWriteTime;
  while (true) {
    ERR_clear_error();
    const int count = SSL_write(ssl_, bytes, most);
    if (count > 0) return count;
    if (!WaitAfter(count, duration_cast<milliseconds>(end - steady_clock::now()))) return -1;
  }
}

}  // namespace ekshume::server
