// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "detect/sigma/engine.h"
#include "detect/sigma/load.h"

// The input is a file of rules and, behind the first line "%%%", a record. Loading must end, every
// refusal has a reason, and the words that are looked for first must never cost a match.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::detect::sigma;
  const std::string_view text = ByteView(std::as_bytes(std::span(data, size))).AsText();
  constexpr std::string_view kSeparator = "\n%%%\n";
  const size_t at = text.find(kSeparator);
  const std::string_view record =
      at == std::string_view::npos ? "{}" : text.substr(at + kSeparator.size());

  std::vector<RuleFile> files;
  files.push_back(ParseRules(text.substr(0, at), "fuzz.yml", {{"name", {"a", "b"}}}));
  RuleSet set = JoinRules(std::move(files));
  for (const detect::Problem& problem : set.refused) {
    if (problem.reason.empty()) std::abort();
  }
  std::vector<detect::Problem> doubtful;
  const auto engine = Engine::Make(std::move(set.rules), doubtful);
  Engine::Session session(*engine);
  for (const std::string_view source :
       {"k8s_audit", "cloudtrail", "auditd", "syslog", "falco", "file"}) {
    event::Event event;
    event[event::Text::kSource] = source;
    event[event::Text::kCommandLine] = record.substr(0, 4096);
    event[event::Text::kPath] = record.substr(0, 256);
    event[event::Text::kAction] = "created";
    event[event::Text::kDestinationIp] = record.substr(0, 40);
    const Input input{event, record};
    const std::vector<uint32_t> plainly = session.MatchPlainly(input);
    if (session.Match(input) != plainly) std::abort();
  }
  return 0;
}
