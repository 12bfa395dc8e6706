// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "artifact/changed_paths.h"
#include "base/diagnostic.h"
#include "event/event.h"
#include "fs/filesystem.h"
#include "runtime/model.h"

// What an artifact is: something that an investigation reads from the files of a host or of a
// container (a login record, a shell history, a cron table), and a registry entry that finds it
// there and turns it into events. Logs are not artifacts: log/ reads those.
namespace ekshume::artifact {

// One tree of files that artifacts are read from: a host's filesystem, or a container's merged
// view.
struct View {
  const fs::Filesystem* filesystem = nullptr;  // never null
  bool is_container = false;
  // For containers: the files that are not as in its image: in the writable layer, added or
  // modified. Artifacts of a container are read only from such files, to keep its image's own files
  // out. Null: all are read (a host).
  const ChangedPaths* changed = nullptr;
  // The node's stores; for host views of a node, else null.
  const runtime::Inventory* inventory = nullptr;
  std::string evidence;  // what diagnostics name
};

// Takes the events of artifacts. One thread per view.
class Output {
 public:
  virtual ~Output() = default;
  // `path`: absolute in the view, the file that the event was read from ("" when it is not from one
  // file). `offset`: of the record in that file in bytes, or its number where bytes say nothing.
  // `event.raw` is the record as found. The columns node, namespace, pod, container, ... of the
  // view and `source` are filled in by the taker where they are empty. Copies what it needs.
  virtual void Add(const event::Event& event, std::string_view path, uint64_t offset) = 0;
};

// One artifact. Stateless: any number of threads call it at once.
class Format {
 public:
  virtual ~Format() = default;
  virtual std::string_view name() const = 0;         // "utmp"; the events' column `source`
  virtual std::string_view description() const = 0;  // one line for the docs and `--help`
  virtual bool host_only() const { return false; }
  // Finds and reads it. A file that cannot be read or is damaged is a diagnostic, never the end.
  // Nothing there is nothing to report.
  virtual void Read(const View& view, Output& output, DiagnosticSink& diagnostics) const = 0;
};

// All artifacts: artifact/registry.cc.
std::span<const Format* const> Formats();

}  // namespace ekshume::artifact
