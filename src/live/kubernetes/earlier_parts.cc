// SPDX-License-Identifier: Apache-2.0
#include "live/kubernetes/earlier_parts.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "image/evidence_file.h"
#include "live/wire/json.h"

namespace ekshume::live::kubernetes {
namespace {

using wire::Json;

constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr int kMostParts = 1000;  // of one collection; each costs one run of the collector

Result<Json> ReadRecord(const std::string& directory) {
  const std::string path = fmt::format("{}/acquisition.json", directory);
  const auto file = image::EvidenceFile::Open(path);
  if (!file || file->size_bytes() > limits::kMaxDocumentBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no acquisition: it has no acquisition.json",
                            EscapeForTerminal(directory)));
  }
  std::string text(file->size_bytes(), '\0');
  EKSHUME_TRY(file->ReadAt(0, AsWritableBytes(text)));
  return wire::ParseJson(text, path);
}

}  // namespace

Result<EarlierParts> ReadEarlierParts(const std::string& directory, std::string_view pod_uid) {
  const Json record = EKSHUME_TRY(ReadRecord(directory));
  const Json& notes = wire::ObjectOf(record, "notes");
  if (wire::TextOf(record, "kind") != "pod" || wire::TextOf(notes, "pod_uid") != pod_uid) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is of another pod: it has not the uid {}",
                            EscapeForTerminal(directory), EscapeForTerminal(pod_uid)));
  }
  EarlierParts earlier;
  earlier.directory = directory;
  earlier.channel = wire::TextOf(notes, "channel");
  for (const std::string& folder :
       {fmt::format("collection-{}", earlier.channel), std::string("collection")}) {
    for (int number = 1; number <= kMostParts; ++number) {
      const std::string name = fmt::format("part-{}.ekc", number);
      const std::string whole = fmt::format("{}/{}", folder, name);
      std::string digest;
      for (const Json& file : wire::ArrayOf(record, "files")) {
        if (wire::TextOf(file, "name") == whole) digest = wire::TextOf(file, "sha256");
      }
      if (digest.empty()) break;
      earlier.names.push_back(name);
      earlier.digests.push_back(digest);
      earlier.folder = folder;
    }
    if (!earlier.names.empty()) return earlier;
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has nothing of a collection to go on with; leave --resume out",
                          EscapeForTerminal(directory)));
}

Result<std::vector<std::string>> CopyEarlierParts(const EarlierParts& earlier,
                                                  std::string_view folder,
                                                  Acquisition& acquisition) {
  std::vector<std::string> copied;
  std::string buffer;
  for (size_t i = 0; i < earlier.names.size(); ++i) {
    const std::string path =
        fmt::format("{}/{}/{}", earlier.directory, earlier.folder, earlier.names[i]);
    const image::EvidenceFile source = EKSHUME_TRY(image::EvidenceFile::Open(path));
    const std::string name = fmt::format("{}/{}", folder, earlier.names[i]);
    const auto file = EKSHUME_TRY(acquisition.Create(name, path));
    Sha256 hash;
    for (uint64_t offset = 0; offset < source.size_bytes(); offset += buffer.size()) {
      buffer.resize(std::min<uint64_t>(kCopyBytes, source.size_bytes() - offset));
      EKSHUME_TRY(source.ReadAt(offset, AsWritableBytes(buffer)));
      hash.Update(ByteView::Of(buffer));
      EKSHUME_TRY(file->Write(buffer));
    }
    if (ToHex(hash.Finish()) != earlier.digests[i]) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{} has not the SHA-256 of its record", EscapeForTerminal(path)));
    }
    EKSHUME_TRY(file->Finish());
    copied.push_back(name);
  }
  return copied;
}

}  // namespace ekshume::live::kubernetes
