// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "base/diagnostic.h"
#include "runtime/json.h"
#include "runtime/location.h"

namespace ekshume::runtime::containerd {

// The content store: blobs named by their digest, <root>/blobs/<algorithm>/<hex>. One thread at a
// time.
class ContentStore {
 public:
  // `root` is the directory "blobs"; `diagnostics` must outlive the store.
  ContentStore(const Location& root, DiagnosticSink& diagnostics);

  // Whether a blob of that digest is there, by name.
  bool Has(const std::string& digest) const;

  // A blob that is a JSON document: an index, a manifest, a config. Nothing when it is absent; one
  // that is not JSON is reported, one whose SHA-256 is not its name too (kRuntimeBlobMismatch), and
  // read all the same.
  std::optional<Json> ReadJson(const std::string& digest) const;

 private:
  Location root_;
  DiagnosticSink& diagnostics_;
  std::set<std::string> digests_;
};

}  // namespace ekshume::runtime::containerd
