// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/diagnostic.h"
#include "base/result.h"
#include "fs/filesystem.h"
#include "process/model.h"

// What a kind of evidence of a live system is: a registry entry that knows it by the names of its
// members and reads it into a State. Archives and extracted folders are both a Filesystem by then.
namespace ekshume::process {

struct Source {
  const fs::Filesystem& tree;  // must outlive the State
  std::string name;            // in diagnostics
};

// Stateless: any number of threads call it at once.
class Format {
 public:
  virtual ~Format() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;  // one line for the docs
  // Paths that only evidence of this kind has; one of them is enough.
  virtual std::span<const std::string_view> marks() const = 0;
  // Reads it. Damage is a diagnostic, never the end. kUnsupported when it is a newer version than
  // is known.
  virtual Result<State> Read(const Source& source, DiagnosticSink& diagnostics) const = 0;
};

// All formats: process/registry.cc.
std::span<const Format* const> Formats();

// The only thing at the top of a tree, when it is a folder: bundles are often packed with theirs.
std::optional<fs::NodeId> OnlyFolder(const fs::Filesystem& tree);

// The format one of whose marks the tree has; null when there is none.
const Format* FindFormat(const fs::Filesystem& tree);
// The same from the name of one member, without a leading "./"; a mark that is a folder's name also
// stands for what is below it. A mark of several parts may also stand in a folder.
const Format* FormatOfMember(std::string_view member);

}  // namespace ekshume::process
