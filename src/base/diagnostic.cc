// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <tuple>

#include "base/limits.h"

namespace ekshume {
namespace {

struct CodeInfo {
  std::string name;
  Severity severity;
  std::string_view sentence;
};

// "kXfsBadChecksum" -> "xfs_bad_checksum".
std::string SnakeName(std::string_view identifier) {
  std::string name;
  for (const char c : identifier.substr(1)) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty()) name.push_back('_');
    name.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return name;
}

const std::vector<CodeInfo>& Codes() {
  static const std::vector<CodeInfo> codes = {
#define EKSHUME_DIAGNOSTIC(name, severity, sentence) \
  {SnakeName(#name), Severity::severity, sentence},
#include "base/diagnostic_codes.def"
#undef EKSHUME_DIAGNOSTIC
  };
  return codes;
}

const CodeInfo& InfoOf(DiagnosticCode code) { return Codes()[static_cast<size_t>(code)]; }

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo: return "info";
    case Severity::kNotice: return "notice";
    case Severity::kDataLoss: return "data_loss";
    case Severity::kError: return "error";
  }
  return "unknown";
}

std::string_view DiagnosticCodeName(DiagnosticCode code) { return InfoOf(code).name; }
Severity DiagnosticSeverity(DiagnosticCode code) { return InfoOf(code).severity; }
std::string_view DiagnosticSentence(DiagnosticCode code) { return InfoOf(code).sentence; }

void DiagnosticSink::Report(Diagnostic diagnostic) {
  const std::lock_guard lock(mutex_);
  std::vector<Diagnostic>& kept = kept_[{diagnostic.code, diagnostic.evidence}];
  if (std::find(kept.begin(), kept.end(), diagnostic) != kept.end()) return;
  ++counts_[diagnostic.code];
  if (kept.size() >= limits::kMaxDiagnosticsPerCode) {
    ++suppressed_;
    return;
  }
  kept.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> DiagnosticSink::Sorted() const {
  std::vector<Diagnostic> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, kept] : kept_) all.insert(all.end(), kept.begin(), kept.end());
  }
  std::sort(all.begin(), all.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.code, a.evidence, a.offset_bytes, a.detail) <
           std::tie(b.code, b.evidence, b.offset_bytes, b.detail);
  });
  return all;
}

uint64_t DiagnosticSink::Count(DiagnosticCode code) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(code);
  return found == counts_.end() ? 0 : found->second;
}

uint64_t DiagnosticSink::Suppressed() const {
  const std::lock_guard lock(mutex_);
  return suppressed_;
}

bool DiagnosticSink::HasLoss() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(counts_.begin(), counts_.end(), [](const auto& entry) {
    return DiagnosticSeverity(entry.first) >= Severity::kDataLoss;
  });
}

}  // namespace ekshume
