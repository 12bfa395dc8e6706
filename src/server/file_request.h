// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fs/path.h"
#include "server/api.h"
#include "server/case_service.h"
#include "server/file_views.h"

// What the routes of files have in common: which file a request means, and its bytes.
namespace ekshume::server {

// A file that was asked for: where it is, and its bytes' filesystem. Valid as long as the view.
struct AskedFile {
  std::shared_ptr<const FileViews::View> view;
  const fs::Filesystem* filesystem = nullptr;
  fs::NodeId node{};
  std::string place;  // "host", "container:ID"
  std::string path;   // in it, absolute; bytes
};

// The parameters "of", "path" or "path_hex", and "version" of a request, and then `more`.
std::vector<Parameter> FileParameters(std::vector<Parameter> more);

// The path that a request names, "/a/b". Names are bytes: path_hex stands for what is not UTF-8.
// kInvalidArgument.
Result<std::string> PathOf(const ApiRequest& request);

// kNotFound, kInvalidArgument, and what reading the evidence says.
Result<AskedFile> FindFile(CaseService& service, const ApiRequest& request, fs::FollowLast follow);

// A member for text that is bytes; `key`_hex has them as well where they are no UTF-8.
void AddName(Json& json, const std::string& key, const std::string& bytes);

// The bytes at an offset: `most` of them, fewer where the file ends.
Result<std::string> ReadPart(const fs::File& file, uint64_t offset, uint64_t most);

}  // namespace ekshume::server
