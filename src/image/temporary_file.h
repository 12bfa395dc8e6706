// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "image/evidence_file.h"

namespace ekshume::image {

// A file without a name in $TMPDIR, or in /var/tmp, which is meant for large files. It goes away
// with its descriptor. kIo when none can be made.
Result<FileDescriptor> OpenTemporaryFile();

// The same with a name until RemoveName() or destruction, for libraries that refuse files without
// one (libsystemd).
class NamedTemporaryFile {
 public:
  static Result<NamedTemporaryFile> Open();
  NamedTemporaryFile(NamedTemporaryFile&& other) noexcept;
  NamedTemporaryFile& operator=(NamedTemporaryFile&& other) noexcept;
  ~NamedTemporaryFile() { RemoveName(); }

  int number() const { return descriptor_.number(); }
  void RemoveName();

 private:
  NamedTemporaryFile(FileDescriptor descriptor, std::string path);

  FileDescriptor descriptor_;
  std::string path_;  // "" when the name is gone
};

}  // namespace ekshume::image
