// SPDX-License-Identifier: Apache-2.0
#include "live/acquire/collection_parts.h"

#include <fmt/format.h>

#include <memory>

#include "collection/reader.h"
#include "image/evidence_file.h"
#include "image/raw/reader.h"

namespace ekshume::live {

Result<CollectionParts> ReadCollectionParts(const std::string& directory,
                                            const std::vector<std::string>& names) {
  DiagnosticSink quiet;  // a cut is what we look for
  std::vector<std::unique_ptr<image::Image>> opened;
  std::vector<const image::Image*> parts;
  for (const std::string& name : names) {
    // As it is stored: image::Open would unpack the frames.
    auto file = EKSHUME_TRY(image::EvidenceFile::Open(fmt::format("{}/{}", directory, name)));
    opened.push_back(std::make_unique<image::raw::RawImage>(std::move(file)));
    parts.push_back(opened.back().get());
  }
  const auto reader = EKSHUME_TRY(collection::Reader::Open(parts, quiet));
  CollectionParts received;
  received.complete = reader->IsComplete(reader->part_count() - 1);
  for (const unsigned char byte : reader->part(0).opening().stream_id) {
    received.stream_id += fmt::format("{:02x}", byte);
  }
  for (const std::string& member : reader->Received()) {
    if (member.find('\n') != std::string::npos) continue;  // it comes again
    received.members += member;
    received.members += '\n';
  }
  received.members += '\n';
  return received;
}

}  // namespace ekshume::live
