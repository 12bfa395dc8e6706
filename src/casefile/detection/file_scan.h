// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/progress.h"
#include "casefile/evidence.h"
#include "casefile/host_findings.h"
#include "detect/finding.h"
#include "event/store/store.h"
#include "runtime/model.h"

namespace ekshume::detect::yara {
class Rules;
}
namespace ekshume::detect::indicator {
class Index;
}

namespace ekshume::casefile {

// What files are searched for. Immutable when loaded; any thread may use it.
struct FileRules {
  std::shared_ptr<const detect::yara::Rules> yara;             // null: none
  std::shared_ptr<const detect::indicator::Index> indicators;  // null: none

  bool empty() const { return yara == nullptr && indicators == nullptr; }
};

// Loads files and folders of YARA rules, and lists of indicators. What is wrong with one is a
// diagnostic with file and line (kYaraRefused, kIndicatorRefused), and the rest is used. kNotFound
// or kIo when a path cannot be read, or holds no rules file.
Result<FileRules> LoadFileRules(const std::vector<std::string>& yara,
                                const std::vector<std::string>& indicators,
                                DiagnosticSink& diagnostics);

// Searches the files that an attacker may have left on a node: those that a container added or
// modified, the host's own that matter to a responder or lie in a temporary folder and changed
// after the first container, those of pods' empty directories, and those without a name that were
// open. `host` is what FindOnHost() found. Each is read once: hashed, and searched by YARA and for
// indicators. What a limit left out is a diagnostic (kScanLimit). Detectors "yara" and "indicator";
// the worst first.
std::vector<detect::Finding> ScanFiles(const Evidence& evidence,
                                       const runtime::Inventory& inventory,
                                       const HostFindings& host, const FileRules& rules,
                                       DiagnosticSink& diagnostics, Progress& progress);

// The same of files and folders of the analyst's machine: memory dumps, recovered files. Dumps may
// be of any size. kNotFound or kIo when a path cannot be read.
Result<std::vector<detect::Finding>> ScanPlainFiles(const std::vector<std::string>& paths,
                                                    const FileRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress);

// Looks for indicators in every event of a store: in its columns and in its record as found. A
// finding is what one indicator is of, for one actor in one place, with the ids of events. Who
// reads all events anyway calls detect::indicator::EventFindings instead.
Result<std::vector<detect::Finding>> FindIndicators(event::Store& store, const FileRules& rules,
                                                    DiagnosticSink& diagnostics,
                                                    Progress& progress);

}  // namespace ekshume::casefile
