// SPDX-License-Identifier: Apache-2.0
#include "artifact/kubelet_leftovers/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <climits>
#include <ctime>
#include <memory>

#include "base/hash.h"

namespace ekshume::artifact::kubelet_leftovers {
namespace {

constexpr size_t kMaxCertificates = 64;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Bio = std::unique_ptr<BIO, Free>;

std::optional<Timestamp> FromAsn1(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return Timestamp{timegm(&parts), 0};
}

std::string NameText(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (name == nullptr || !bio) return "";
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  std::string text(static_cast<size_t>(BIO_pending(bio.get())), '\0');
  const int read = BIO_read(bio.get(), text.data(), static_cast<int>(text.size()));
  text.resize(read > 0 ? static_cast<size_t>(read) : 0);
  return text;
}

std::string CommonName(const X509_NAME* name) {
  std::array<char, 256> text{};
  if (name == nullptr) return "";
  const int length = X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), text.size());
  return length > 0 ? std::string(text.data()) : "";
}

Certificate FromX509(X509* x509) {
  Certificate certificate;
  certificate.subject = NameText(X509_get_subject_name(x509));
  certificate.common_name = CommonName(X509_get_subject_name(x509));
  certificate.issuer = NameText(X509_get_issuer_name(x509));
  certificate.not_before = FromAsn1(X509_get0_notBefore(x509));
  certificate.not_after = FromAsn1(X509_get0_notAfter(x509));
  std::array<unsigned char, 32> digest{};
  unsigned int length = digest.size();
  if (X509_digest(x509, EVP_sha256(), digest.data(), &length) == 1) {
    certificate.fingerprint = "X509SHA256=" + ToHex(ByteView(std::as_bytes(std::span(digest))));
  }
  return certificate;
}

}  // namespace

std::vector<Certificate> ParseCertificates(std::string_view pem) {
  std::vector<Certificate> certificates;
  if (pem.size() > INT_MAX) return certificates;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (bio && certificates.size() < kMaxCertificates) {
    // Skips blocks of other kinds, such as the key that the kubelet keeps in the same file.
    const std::unique_ptr<X509, Free> x509(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!x509) break;
    certificates.push_back(FromX509(x509.get()));
  }
  ERR_clear_error();  // OpenSSL keeps the end of the text as an error of this thread
  return certificates;
}

}  // namespace ekshume::artifact::kubelet_leftovers
