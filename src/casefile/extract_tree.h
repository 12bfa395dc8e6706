// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ekshume::casefile {

// A file descriptor that closes itself.
class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int value = -1) : value_(value) {}
  ~OwnedDescriptor() { Reset(-1); }
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : value_(other.Release()) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  int value() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }
  int Release() {
    const int value = value_;
    value_ = -1;
    return value;
  }

 private:
  void Reset(int value);
  int value_;
};

// kNoSpace for a full disk or quota, kIo otherwise, with the system's reason.
Error WriteError(std::string_view path, int error_number);

// A folder under construction that nothing outside can see under its final name. Every operation
// takes place relative to a descriptor of the parent folder, without following symbolic links. One
// thread.
class ExtractTree {
 public:
  // Makes `target`.partial-XXXXXX. kInvalidArgument when `target` is in the way.
  static Result<ExtractTree> Create(const std::string& target);
  ExtractTree(ExtractTree&&) noexcept = default;
  ExtractTree& operator=(ExtractTree&&) = delete;
  ~ExtractTree();  // removes everything unless Commit() was called

  // The folder `directory` of the tree ("" is its root), opened; valid until the next call.
  Result<int> Open(std::string_view directory);
  int root() const { return root_.value(); }
  // Gives the folder, or the file `name` in it when that is not empty, its final name.
  Result<void> Commit(std::string_view name);

 private:
  ExtractTree(std::string target, std::string partial, OwnedDescriptor root);

  std::string target_;
  std::string partial_;  // "" when moved from or committed
  OwnedDescriptor root_;
  std::string current_path_;
  OwnedDescriptor current_;
};

}  // namespace ekshume::casefile
