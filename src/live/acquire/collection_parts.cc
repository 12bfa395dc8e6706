// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/collection_parts.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"

namespace ekshume::live {

Result<OpenedParts> OpenCollectionParts(const std::string& directory,
                                        const std::vector<std::string>& names) {
  DiagnosticSink quiet;  // a cut is what callers look for
  OpenedParts parts;
  std::vector<const image::Image*> images;
  for (const std::string& name : names) {
    // As it is stored: image::Open would unpack the frames.
    auto file = EKSHUME_TRY(image::EvidenceFile::Open(fmt::format("{}/{}", directory, name)));
    parts.images.push_back(std::make_unique<image::raw::RawImage>(std::move(file)));
    images.push_back(parts.images.back().get());
  }
  parts.reader = EKSHUME_TRY(collection::Reader::Open(images, quiet));
  return parts;
}

Result<CollectionParts> ReadCollectionParts(const std::string& directory,
                                            const std::vector<std::string>& names) {
  const OpenedParts parts = EKSHUME_TRY(OpenCollectionParts(directory, names));
  const collection::Reader& reader = *parts.reader;
  CollectionParts received;
  received.complete = reader.IsComplete(reader.part_count() - 1);
  received.stream_id = ToHex(AsBytes(reader.part(0).opening().stream_id));
  for (const std::string& member : reader.Received()) {
    if (member.find('\n') != std::string::npos) continue;  // it comes again
    received.members += member;
    received.members += '\n';
  }
  received.members += '\n';
  return received;
}

}  // namespace ekshume::live
