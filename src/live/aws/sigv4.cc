// SPDX-License-Identifier: Apache-2.0
#include "live/aws/sigv4.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/hash.h"
#include "base/hmac.h"
#include "live/wire/uri.h"

namespace ekshume::live::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

Sha256Digest Hmac(const Sha256Digest& key, std::string_view text) {
  return HmacSha256(ByteView(key), ByteView::Of(text));
}

// Spaces around a value go, several within become one.
std::string CanonicalValue(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// Sorted by encoded name, then by encoded value.
std::string CanonicalQuery(const Parameters& query) {
  Parameters encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(wire::UriEncode(name), wire::UriEncode(value));
  std::ranges::sort(encoded);
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

// The headers with the host, by name; values of equal names joined with commas in their order.
Parameters CanonicalHeaders(const SignedRequest& request) {
  Parameters sorted = {{"host", CanonicalValue(request.host)}};
  for (const auto& [name, value] : request.headers)
    sorted.emplace_back(name, CanonicalValue(value));
  std::ranges::stable_sort(sorted, {}, &std::pair<std::string, std::string>::first);
  Parameters joined;
  for (auto& [name, value] : sorted) {
    if (!joined.empty() && joined.back().first == name) {
      joined.back().second += ',';
      joined.back().second += value;
    } else {
      joined.emplace_back(std::move(name), std::move(value));
    }
  }
  return joined;
}

std::string NamesOf(const Parameters& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

std::string ScopeText(const SigningScope& scope, std::string_view date) {
  return fmt::format("{}/{}/{}/{}", date.substr(0, 8), scope.region, scope.service, kTerminator);
}

std::string EmptyPayload() { return ToHex(Sha256::Of(ByteView())); }

}  // namespace

std::string EncodeQuery(const Parameters& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += wire::UriEncode(name);
    out += '=';
    out += wire::UriEncode(value);
  }
  return out;
}

std::string EncodePath(std::string_view path) {
  std::string encoded = wire::UriEncode(path, true);
  const std::string slash = wire::UriEncode(std::string(1, kNameSlash));
  for (size_t at = encoded.find(slash); at != std::string::npos; at = encoded.find(slash, at)) {
    encoded.replace(at, slash.size(), "%2F");
  }
  return encoded;
}

std::string AmzDate(Timestamp time) {
  std::string text = FormatTimestamp(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text + "Z";
}

Signature ComputeSignature(const SignedRequest& request, const Credentials& credentials,
                           const SigningScope& scope, Timestamp time) {
  const std::string once = EncodePath(request.path.empty() ? "/" : request.path);
  const std::string path = scope.service == "s3" ? once : wire::UriEncode(once, true);
  const Parameters headers = CanonicalHeaders(request);
  Signature out;
  out.signed_headers = NamesOf(headers);
  out.canonical_request =
      fmt::format("{}\n{}\n{}\n", request.method, path, CanonicalQuery(request.query));
  for (const auto& [name, value] : headers) {
    out.canonical_request += name;
    out.canonical_request += ':';
    out.canonical_request += value;
    out.canonical_request += '\n';
  }
  out.canonical_request +=
      fmt::format("\n{}\n{}", out.signed_headers,
                  request.payload_sha256.empty() ? EmptyPayload() : request.payload_sha256);

  const std::string date = AmzDate(time);
  out.string_to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, ScopeText(scope, date),
                                   ToHex(Sha256::Of(ByteView::Of(out.canonical_request))));
  const std::string secret = "AWS4" + credentials.secret_access_key;
  const Sha256Digest of_date =
      HmacSha256(ByteView::Of(secret), ByteView::Of(std::string_view(date).substr(0, 8)));
  const Sha256Digest key = Hmac(Hmac(Hmac(of_date, scope.region), scope.service), kTerminator);
  out.signature = ToHex(Hmac(key, out.string_to_sign));
  return out;
}

void SignHeaders(SignedRequest& request, const Credentials& credentials, const SigningScope& scope,
                 Timestamp time) {
  const std::string date = AmzDate(time);
  request.headers.emplace_back("x-amz-date", date);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  if (request.payload_sha256.empty()) request.payload_sha256 = EmptyPayload();
  if (scope.service == "s3") {
    request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  }
  const Signature signature = ComputeSignature(request, credentials, scope, time);
  request.headers.emplace_back(
      "authorization", fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                   kAlgorithm, credentials.access_key_id, ScopeText(scope, date),
                                   signature.signed_headers, signature.signature));
}

std::string Presign(SignedRequest request, const Credentials& credentials,
                    const SigningScope& scope, Timestamp time, int expires_seconds,
                    std::string_view url_scheme) {
  const std::string date = AmzDate(time);
  request.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  request.query.emplace_back(
      "X-Amz-Credential", fmt::format("{}/{}", credentials.access_key_id, ScopeText(scope, date)));
  request.query.emplace_back("X-Amz-Date", date);
  request.query.emplace_back("X-Amz-Expires", fmt::format("{}", expires_seconds));
  if (!credentials.session_token.empty()) {
    request.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  request.query.emplace_back("X-Amz-SignedHeaders", NamesOf(CanonicalHeaders(request)));
  const Signature signature = ComputeSignature(request, credentials, scope, time);
  request.query.emplace_back("X-Amz-Signature", signature.signature);
  return fmt::format("{}://{}{}?{}", url_scheme, request.host, EncodePath(request.path),
                     EncodeQuery(request.query));
}

}  // namespace ekshume::live::aws
