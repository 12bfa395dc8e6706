// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "server/connection.h"

// TLS 1.2 and 1.3 (OpenSSL) for a server that other machines reach.
namespace ekshume::server {

// The certificate and key of a server. Any thread.
class TlsContext {
 public:
  // `certificate`: the file of the chain, our own certificate first; `key`: that of its private
  // key; both PEM. kIo or kInvalidArgument with the file and what OpenSSL says.
  static Result<std::unique_ptr<TlsContext>> Load(const std::string& certificate,
                                                  const std::string& key);

  SSL_CTX* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const;
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

// A connection over TLS. The handshake must be done within limits::kRequestTime. One thread.
class TlsStream final : public SocketStream {
 public:
  // `context` must outlive the object. The socket is made non-blocking.
  TlsStream(const TlsContext& context, int socket);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // False when the other side did not manage it.
  bool Handshake();

 private:
  bool has_pending() const override;
  ssize_t Receive(char* out, size_t size) override;
  ssize_t Send(const char* bytes, size_t size) override;
  // Waits for what the last call, which returned `result`, wants; false when it failed or nothing
  // comes in time.
  bool WaitAfter(int result, std::chrono::milliseconds time);

  SSL* const ssl_;
};

}  // namespace ekshume::server
