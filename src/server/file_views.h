// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "casefile/case.h"
#include "casefile/changes.h"
#include "casefile/evidence.h"

namespace ekshume::server {

// The files of the case's evidence: of the node itself, and of its containers and images as the
// kernel would show them. The evidence is opened at the first question. Any thread.
class FileViews {
 public:
  // One of them. Valid as long as the FileViews.
  struct View {
    const fs::Filesystem* filesystem = nullptr;
    casefile::FileView merged;                                 // of containers and images
    std::unique_ptr<fs::Filesystem> before;                    // of containers: what the image had
    std::map<std::string, casefile::ContainerChange> changes;  // by path, "/tmp/x"
    std::map<std::string, size_t>
        changes_below;  // by directory: how many, ordinary mount points apart
  };

  // What is asked for must outlive the object.
  FileViews(casefile::Case& opened, casefile::RemoteEvidence* remote)
      : case_(opened), remote_(remote), paths_(opened.evidence_paths()) {}

  // What the case's evidence is from now on. When it is other than before, it is opened anew at the
  // next question.
  void SetEvidence(std::vector<std::string> paths);

  // `place` is "host", "host:PARTITION", "container:ID" or "image:REFERENCE". kNotFound.
  Result<std::shared_ptr<const View>> Open(const std::string& place);
  // The evidence and what containers are in it.
  struct Opened {
    std::unique_ptr<casefile::Evidence> evidence;
    runtime::Inventory inventory;
  };
  Result<const Opened*> OpenEvidence();

 private:
  Result<std::shared_ptr<const View>> Make(const std::string& place);
  Result<const Opened*> OpenedEvidence();  // with the mutex held

  casefile::Case& case_;
  casefile::RemoteEvidence* const remote_;
  std::mutex mutex_;
  DiagnosticSink diagnostics_;
  std::vector<std::string> paths_;
  std::unique_ptr<Opened> opened_;
  // What was opened before evidence was added. Views and answers may still read it, so it stays:
  // one for each time that was done.
  std::vector<std::unique_ptr<Opened>> retired_;
  std::deque<std::pair<std::string, std::shared_ptr<const View>>> kept_;  // newest first
};

}  // namespace ekshume::server
