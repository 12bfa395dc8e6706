// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ekshume {

// How bad it is for the user. kDataLoss and kError make the process end with exit code 1.
enum class Severity {
  kInfo,      // normal, but worth knowing
  kNotice,    // unusual; nothing is missing
  kDataLoss,  // something in the evidence could not be read or is gone
  kError,     // a whole part (a filesystem, a store) could not be read
};
std::string_view SeverityName(Severity severity);  // "info", "notice", "data_loss", "error"

// What happened, from the one list in base/diagnostic_codes.def.
enum class DiagnosticCode {
#define EKSHUME_DIAGNOSTIC(name, severity, sentence) name,
#include "base/diagnostic_codes.def"
#undef EKSHUME_DIAGNOSTIC
};
std::string_view DiagnosticCodeName(DiagnosticCode code);  // "XfsBadChecksum" -> "xfs_bad_checksum"
Severity DiagnosticSeverity(DiagnosticCode code);
std::string_view DiagnosticSentence(DiagnosticCode code);  // what it means, for the user

// One finding about the evidence itself: it is damaged, incomplete or unusual, and reading went on.
struct Diagnostic {
  DiagnosticCode code;
  std::string evidence;                  // which evidence, partition or path; may be empty
  std::optional<uint64_t> offset_bytes;  // where in it, when known
  std::string detail;                    // the particulars: values found and expected

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// Collects diagnostics. Any thread may report. Identical reports are kept once, and at most
// limits::kMaxDiagnosticsPerCode per code and evidence are kept; the rest is counted, so that
// hostile evidence cannot flood the memory or the report.
class DiagnosticSink {
 public:
  void Report(Diagnostic diagnostic);
  void Report(DiagnosticCode code, std::string evidence, std::string detail,
              std::optional<uint64_t> offset_bytes = std::nullopt) {
    Report(Diagnostic{code, std::move(evidence), offset_bytes, std::move(detail)});
  }

  // What was kept, in a stable order (code, evidence, offset, detail), whatever thread came first.
  std::vector<Diagnostic> Sorted() const;
  // How many were reported with this code, kept or not.
  uint64_t Count(DiagnosticCode code) const;
  // How many were reported and not kept, all codes together.
  uint64_t Suppressed() const;
  // True when anything of severity kDataLoss or kError was reported.
  bool HasLoss() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<DiagnosticCode, std::string>, std::vector<Diagnostic>> kept_;
  std::map<DiagnosticCode, uint64_t> counts_;
  uint64_t suppressed_ = 0;
};

}  // namespace ekshume
