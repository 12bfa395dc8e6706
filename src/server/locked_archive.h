// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "fs/filesystem.h"
#include "image/temporary_file.h"
#include "server/api.h"

namespace ekshume::server {

// A ZIP archive whose two members are encrypted with AES-256 (WinZip's AE), so that neither a
// virus scanner nor a double click meets the file on its way to another analyst: "evidence.bin",
// its bytes, and "metadata.json", which says what it is. The names of the members can be read
// without the password; the file's own name is in metadata.json only.
struct LockedArchive {
  image::FileDescriptor file;  // without a name, see image::OpenTemporaryFile()
  uint64_t size_bytes = 0;
  std::string sha256;  // of the evidence, lower-case hexadecimal
};

// `about` becomes metadata.json, with "size" and "sha256" of what was read added to it.
// kLimit for more than limits::kMostArchivedBytes, kInvalidArgument for a password that is empty or
// longer than limits::kMostArchivePasswordBytes or has a NUL byte in it; kCorrupt when the file
// ends before its size.
Result<LockedArchive> LockFile(const fs::File& file, Json about, std::string_view password);

}  // namespace ekshume::server
