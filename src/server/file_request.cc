// SPDX-License-Identifier: Apache-2.0
#include "server/file_request.h"

#include <cstdlib>
#include <optional>

#include "base/hash.h"
#include "base/hex.h"
#include "base/text.h"

namespace ekshume::server {

std::vector<Parameter> FileParameters(std::vector<Parameter> more) {
  std::vector<Parameter> parameters = {
      {"of", "host (default), host:PARTITION, container:ID or image:REFERENCE"},
      {"path", "a path in it"},
      {"path_hex", "instead of path: its bytes, for names that are no UTF-8"},
      {"version", "old: of a container, as its image had it"}};
  parameters.insert(parameters.end(), more.begin(), more.end());
  return parameters;
}

Result<std::string> PathOf(const ApiRequest& request) {
  std::string path = request.Value("path");
  if (const std::string hex = request.Value("path_hex"); !hex.empty()) {
    const std::optional<std::string> bytes = FromHex(hex);
    if (!bytes) return Fail(ErrorCode::kInvalidArgument, "path_hex is no hexadecimal text");
    path = *bytes;
  }
  std::string clean;
  for (const std::string_view part : SplitNonEmpty(path, '/')) {
    clean.push_back('/');
    clean.append(part);
  }
  return clean.empty() ? "/" : clean;
}

// `version` old: what a container's image had before the container changed it.
Result<AskedFile> FindFile(CaseService& service, const ApiRequest& request, fs::FollowLast follow) {
  AskedFile asked;
  asked.place = request.Value("of").empty() ? "host" : request.Value("of");
  asked.view = EKSHUME_TRY(service.files().Open(asked.place));
  asked.path = EKSHUME_TRY(PathOf(request));
  asked.filesystem = asked.view->filesystem;
  if (request.Value("version") == "old") {
    asked.filesystem = asked.view->before.get();
    if (asked.filesystem == nullptr) {
      return Fail(ErrorCode::kNotFound, "there is nothing older: it is of no container's image");
    }
  }
  constexpr std::string_view kInode = "/inode:";
  if (asked.path.starts_with(kInode)) {
    const uint64_t inode = std::strtoull(asked.path.c_str() + kInode.size(), nullptr, 10);
    asked.node = fs::NodeId{inode};
    return asked;
  }
  asked.node = EKSHUME_TRY(fs::ResolvePath(*asked.filesystem, asked.path, follow));
  return asked;
}

void AddName(Json& json, const std::string& key, const std::string& bytes) {
  json[key] = bytes;
  if (!IsUtf8(bytes)) json[key + "_hex"] = ToHex(ByteView::Of(bytes));
}

Result<std::string> ReadPart(const fs::File& file, uint64_t offset, uint64_t most) {
  std::string bytes(most, '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const size_t count = EKSHUME_TRY(file.ReadAt(
        offset + filled, AsWritableBytes(bytes.data() + filled, bytes.size() - filled)));
    if (count == 0) break;
    filled += count;
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace ekshume::server
