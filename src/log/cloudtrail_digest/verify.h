// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "log/cloudtrail_digest/digest.h"

namespace ekshume::log::cloudtrail_digest {

// A CloudTrail log file of the evidence.
struct StoredLogFile {
  std::string path;  // where it was found; its last part is compared, with or without ".gz"
  // Of the uncompressed content, lower-case hexadecimal; empty: it is there and was not hashed.
  std::string sha256;
};

// A public key as ListPublicKeys gives it.
struct PublicKey {
  std::string fingerprint;
  std::string der;  // PKCS#1 RSAPublicKey, the bytes
};

// Holds log files and digests against each other and reports:
//   kLogDigestChecked   for each trail and region, how many log files and digests are as they say,
//                       and how many digests have no signature that could be checked
//   kLogDigestMismatch  a log file or digest that hashes to something else, or a signature that
//   does
//                       not fit
//   kLogGap             log files that are named and not there; time without a digest; a digest
//                       without a predecessor (logging was stopped, or had not begun)
//
// A digest's signature stands in the metadata of its object and in the digest that follows it, so
// without metadata the newest of a chain cannot be checked. Signatures are checked where a key of
// the digest's fingerprint is given. Method: AWS CloudTrail user guide, "Custom implementations of
// CloudTrail log file integrity validation".
//
// Pure: reads nothing, any thread. The order of the arguments does not matter.
void VerifyDigests(std::vector<Digest> digests, std::span<const StoredLogFile> files,
                   std::span<const PublicKey> keys, DiagnosticSink& diagnostics);

// Whether `signature` (hexadecimal) is the key's RSASSA-PKCS1-v1_5 signature with SHA-256 over
// "digestEndTime\nbucket/object\nsha256\npreviousDigestSignature". False also for a bad key.
bool SignatureFits(const Digest& digest, const std::string& signature, const PublicKey& key);

}  // namespace ekshume::log::cloudtrail_digest
