// SPDX-License-Identifier: Apache-2.0
#include "casefile/extract_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.h"

namespace ekshume::casefile {

void OwnedDescriptor::Reset(int value) {
  if (value_ >= 0) close(value_);
  value_ = value;
}

Error WriteError(std::string_view path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return Fail(full ? ErrorCode::kNoSpace : ErrorCode::kIo,
              fmt::format("cannot write {}: {}", EscapeForTerminal(path), strerror(error_number)));
}

ExtractTree::ExtractTree(std::string target, std::string partial, OwnedDescriptor root)
    : target_(std::move(target)), partial_(std::move(partial)), root_(std::move(root)) {}

Result<ExtractTree> ExtractTree::Create(const std::string& target) {
  std::string path = target;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (std::filesystem::exists(status)) {
    const bool empty_folder =
        std::filesystem::is_directory(status) && std::filesystem::is_empty(path, error) && !error;
    if (!empty_folder) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} already exists", EscapeForTerminal(path)));
    }
  }
  std::string partial = path + ".partial-XXXXXX";
  if (mkdtemp(partial.data()) == nullptr) return WriteError(path, errno);
  OwnedDescriptor root(open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) {
    const int open_error = errno;
    rmdir(partial.c_str());
    return WriteError(path, open_error);
  }
  return ExtractTree(std::move(path), std::move(partial), std::move(root));
}

ExtractTree::~ExtractTree() {
  if (partial_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(partial_, ignored);  // does not follow symbolic links
}

Result<int> ExtractTree::Open(std::string_view directory) {
  if (directory.empty()) return root_.value();
  if (current_ && current_path_ == directory) return current_.value();
  OwnedDescriptor at;
  for (const std::string_view part : SplitNonEmpty(directory, '/')) {
    OwnedDescriptor next(openat(at ? at.value() : root_.value(), std::string(part).c_str(),
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return WriteError(directory, errno);
    at = std::move(next);
  }
  current_ = std::move(at);
  current_path_ = directory;
  return current_.value();
}

Result<void> ExtractTree::Commit(std::string_view name) {
  const std::string from = name.empty() ? partial_ : partial_ + "/" + std::string(name);
  if (rename(from.c_str(), target_.c_str()) != 0) return WriteError(target_, errno);
  if (!name.empty()) rmdir(partial_.c_str());
  partial_.clear();
  return {};
}

}  // namespace ekshume::casefile
