// SPDX-License-Identifier: Apache-2.0
#include "runtime/containerd/content.h"

#include <algorithm>

#include "base/hash.h"
#include "base/limits.h"
#include "fs/path.h"

namespace ekshume::runtime::containerd {
namespace {

// "sha256:abc" -> "sha256/abc". A digest from evidence must not lead out of the store.
std::optional<std::string> PathOf(const std::string& digest) {
  std::string path = digest;
  const size_t colon = path.find(':');
  if (colon == std::string::npos || path.find('/') != std::string::npos) return std::nullopt;
  path[colon] = '/';
  return path;
}

}  // namespace

ContentStore::ContentStore(const Location& root, DiagnosticSink& diagnostics)
    : root_(root), diagnostics_(diagnostics) {
  for (const auto& algorithm : List(root_, diagnostics)) {
    for (const auto& blob : List(Below(root_, algorithm.name), diagnostics)) {
      digests_.insert(algorithm.name + ":" + blob.name);
    }
  }
}

bool ContentStore::Has(const std::string& digest) const { return digests_.contains(digest); }

std::optional<Json> ContentStore::ReadJson(const std::string& digest) const {
  const auto path = PathOf(digest);
  if (!path || !Has(digest)) return std::nullopt;
  const Location file = Below(root_, *path);
  const auto bytes = ReadFile(file, limits::kMaxDocumentBytes);
  auto document = bytes ? ParseJson(*bytes) : Result<Json>(bytes.error());
  if (bytes && digest.starts_with("sha256:")) {
    const std::string actual = "sha256:" + ToHex(Sha256::Of(ByteView::Of(*bytes)));
    if (actual != digest) {
      diagnostics_.Report(DiagnosticCode::kRuntimeBlobMismatch, Describe(file), "it is " + actual);
    }
  }
  if (!document) {
    diagnostics_.Report(DiagnosticCode::kRuntimeRecordDamaged, Describe(file),
                        document.error().message);
    return std::nullopt;
  }
  return *std::move(document);
}

}  // namespace ekshume::runtime::containerd
