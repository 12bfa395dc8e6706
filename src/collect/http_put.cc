// SPDX-License-Identifier: Apache-2.0
#include "collect/http_put.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/text.h"
#include "collect/resolve.h"
#include "collect/system.h"

namespace ekshume::collect {
namespace {

constexpr size_t kMaxAnswerHeadBytes = size_t{64} << 10;
constexpr time_t kTimeoutSeconds = 60;

// Where distributions keep the certificates that they trust.
constexpr std::array<std::string_view, 4> kTrustFiles = {
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"};

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct AddressFree {
  void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

std::string TlsError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return text.data();
}

std::string Md5(ByteView body) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(body.data(), body.size(), digest.data(), &length, EVP_md5(), nullptr) != 1)
    return {};
  return EncodeBase64(AsBytes(digest).First(length));
}

// A connected socket to the first address that answers.
Result<Bio> Connect(const Url& url) {
  const std::vector<Address> addresses = EKSHUME_TRY(Resolve(url.host));
  int failed = 0;
  for (const Address& address : addresses) {
    const int family = address.is_six ? AF_INET6 : AF_INET;
    const std::unique_ptr<BIO_ADDR, AddressFree> target(BIO_ADDR_new());
    BIO_ADDR_rawmake(target.get(), family, address.bytes.data(), address.is_six ? 16 : 4,
                     htons(static_cast<uint16_t>(url.port)));
    const int number = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) {
      failed = errno;
      continue;
    }
    const timeval timeout{.tv_sec = kTimeoutSeconds};
    setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (BIO_connect(number, target.get(), BIO_SOCK_NODELAY) == 1) {
      return Bio(BIO_new_socket(number, BIO_CLOSE));
    }
    failed = errno;
    close(number);
  }
  return SystemError("connect to", fmt::format("{}:{}", url.host, url.port), failed);
}

Result<Bio> StartTls(Bio plain, ssl_ctx_st* tls, const std::string& host) {
  Bio secured(BIO_new_ssl(tls, /*client=*/1));
  SSL* ssl = nullptr;
  BIO_get_ssl(secured.get(), &ssl);
  if (ssl == nullptr) return Fail(ErrorCode::kIo, "TLS: " + TlsError());
  std::string name = host;
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  // A certificate names addresses apart from names.
  X509_VERIFY_PARAM* check = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) != 1) SSL_set1_host(ssl, host.c_str());
  BIO_push(secured.get(), plain.release());
  if (BIO_do_handshake(secured.get()) != 1) {
    const long verified = SSL_get_verify_result(ssl);
    return Fail(
        ErrorCode::kIo,
        fmt::format("TLS with {}: {}", host,
                    verified != X509_V_OK ? X509_verify_cert_error_string(verified) : TlsError()));
  }
  return secured;
}

Result<void> WriteAll(BIO* bio, ByteView bytes) {
  while (!bytes.empty()) {
    size_t written = 0;
    errno = 0;
    if (BIO_write_ex(bio, bytes.data(), std::min<size_t>(bytes.size(), size_t{64} << 10),
                     &written) != 1) {
      return SystemError("send", "request", errno == 0 ? ECONNRESET : errno);
    }
    bytes = bytes.From(written);
  }
  return {};
}

// A body of chunks (RFC 9112, 7.1) without what frames them, up to where it breaks off.
std::string WithoutChunks(std::string_view body) {
  std::string out;
  for (;;) {
    const size_t line = body.find("\r\n");
    if (line == std::string_view::npos) return out;
    const auto size = ParseNumber(body.substr(0, std::min(line, body.find(';'))), 16);
    body.remove_prefix(line + 2);
    if (!size || *size == 0) return out;
    const size_t count = std::min<size_t>(*size, body.size());
    out += body.substr(0, count);
    body.remove_prefix(std::min(count + 2, body.size()));
  }
}

// The status line, the ETag header, and what follows them.
Result<PutAnswer> ParseAnswer(const std::string& text) {
  const size_t end = text.find("\r\n\r\n");
  const std::vector<std::string_view> first =
      Fields(std::string_view(text).substr(0, text.find("\r\n")));
  const auto status =
      first.size() > 1 && first[0].starts_with("HTTP/1.") ? ParseNumber(first[1]) : std::nullopt;
  if (!status || *status > 999 || end == std::string::npos) {
    return Fail(ErrorCode::kIo, "the server did not answer with HTTP, or hung up");
  }
  PutAnswer answer{.status = static_cast<int>(*status), .body = text.substr(end + 4)};
  for (const std::string_view line : SplitNonEmpty(std::string_view(text).substr(0, end), '\n')) {
    constexpr std::string_view kEtag = "etag:";
    const std::string lower = AsciiLower(line);
    if (lower.starts_with("transfer-encoding:") && lower.contains("chunked")) {
      answer.body = WithoutChunks(answer.body);
    }
    if (!lower.starts_with(kEtag)) continue;
    const std::vector<std::string_view> fields = Fields(line.substr(kEtag.size()));
    if (!fields.empty()) answer.etag = fields[0];
    while (answer.etag.ends_with('\r')) answer.etag.pop_back();
  }
  return answer;
}

Result<PutAnswer> ReadAnswer(BIO* bio) {
  std::string text;
  std::array<char, 4096> piece{};
  while (text.size() < kMaxAnswerHeadBytes) {
    size_t count = 0;
    errno = 0;
    if (BIO_read_ex(bio, piece.data(), piece.size(), &count) != 1 || count == 0) {
      if (errno == EAGAIN) return Fail(ErrorCode::kIo, "no answer within a minute");
      break;
    }
    text.append(piece.data(), count);
    // An interim answer (100) is followed by the real one.
    if (text.starts_with("HTTP/1.1 100")) {
      const size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos) text.erase(0, end + 4);
    }
  }
  return ParseAnswer(text);
}

}  // namespace

std::optional<Url> ParseUrl(std::string_view text) {
  Url url;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return std::nullopt;
  }
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    url.tls = false;
    url.port = 80;
  } else {
    return std::nullopt;
  }
  const size_t slash = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, slash);
  url.target = text.substr(slash);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  const size_t bracket = authority.find(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = ParseNumber(authority.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
    url.port = static_cast<int>(*port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty() || authority.contains('@')) return std::nullopt;
  url.host = authority;
  return url;
}

Result<std::unique_ptr<HttpPut>> HttpPut::Create(const std::string& ca_file,
                                                 const std::string& root) {
  std::unique_ptr<HttpPut> client(new HttpPut());
  client->tls_ = SSL_CTX_new(TLS_client_method());
  if (client->tls_ == nullptr) return Fail(ErrorCode::kIo, "TLS: " + TlsError());
  SSL_CTX_set_verify(client->tls_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(client->tls_, TLS1_2_VERSION);
  if (!ca_file.empty()) {
    if (SSL_CTX_load_verify_file(client->tls_, ca_file.c_str()) != 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: no certificates in it: {}", ca_file, TlsError()));
    }
    return client;
  }
  for (const std::string_view file : kTrustFiles) {
    for (const std::string& path : {std::string(file), root + std::string(file)}) {
      if (SSL_CTX_load_verify_file(client->tls_, path.c_str()) == 1) return client;
      ERR_clear_error();
    }
  }
  // Without any, TLS fails with a sentence that says so; plain HTTP needs none.
  return client;
}

HttpPut::~HttpPut() { SSL_CTX_free(tls_); }

Result<PutAnswer> HttpPut::Put(const Url& url, ByteView body) {
  return Send(url, fmt::format("PUT {} HTTP/1.1\r\nContent-MD5: {}\r\n", url.target, Md5(body)),
              body);
}

Result<PutAnswer> HttpPut::Post(const Url& url, ByteView body, std::string_view content_type) {
  return Send(url,
              fmt::format("POST {} HTTP/1.1\r\n{}{}{}", url.target,
                          content_type.empty() ? "" : "Content-Type: ", content_type,
                          content_type.empty() ? "" : "\r\n"),
              body);
}

Result<PutAnswer> HttpPut::Send(const Url& url, std::string_view head, ByteView body) {
  Bio bio = EKSHUME_TRY(Connect(url));
  if (url.tls) bio = EKSHUME_TRY(StartTls(std::move(bio), tls_, url.host));
  const std::string host = url.host.contains(':') ? fmt::format("[{}]", url.host) : url.host;
  const bool usual_port = url.port == (url.tls ? 443 : 80);
  const std::string whole =
      fmt::format("{}Host: {}{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", head, host,
                  usual_port ? std::string() : fmt::format(":{}", url.port), body.size());
  EKSHUME_TRY(WriteAll(bio.get(), ByteView::Of(whole)));
  // A server that refuses may answer and hang up before it has all: its answer says why.
  const Result<void> sent = WriteAll(bio.get(), body);
  Result<PutAnswer> answer = ReadAnswer(bio.get());
  if (!sent && !answer) return sent.error();
  return answer;
}

}  // namespace ekshume::collect
