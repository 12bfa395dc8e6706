// SPDX-License-Identifier: Apache-2.0
#include "detect/yara/scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "detect/yara/compiled.h"
#include "detect/yara/metadata.h"

namespace ekshume::detect::yara {
namespace {

using Clock = std::chrono::steady_clock;

struct ScannerDelete {
  void operator()(YR_SCANNER* scanner) const { yr_scanner_destroy(scanner); }
};
using OwnScanner = std::unique_ptr<YR_SCANNER, ScannerDelete>;

bool IsSame(std::string_view key, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) {
    return std::ranges::equal(key, name, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  });
}

bool NamesTechniques(std::string_view key) {
  return IsSame(
      key, {"attack", "mitre", "mitre_attack", "mitre_att", "att_ck", "technique", "techniques",
            "mitre_technique", "mitre_techniques", "attack_technique", "technique_id", "tactic",
            "tactics", "mitre_tactic", "attack_tactic", "tags", "threat_id"});
}

void ReadMetadata(const YR_RULE& rule, Match& match) {
  std::string by_score;
  const YR_META* meta = nullptr;
  yr_rule_metas_foreach((&rule), meta) {
    const std::string_view key = meta->identifier == nullptr ? "" : meta->identifier;
    if (meta->type == META_TYPE_INTEGER) {
      if (IsSame(key, {"score"})) by_score = LevelOfScore(meta->integer);
      continue;
    }
    if (meta->type != META_TYPE_STRING || meta->string == nullptr) continue;
    const std::string_view value = meta->string;
    if (IsSame(key, {"description", "desc"}) && match.description.empty()) {
      match.description = value;
    } else if (IsSame(key, {"author"}) && match.author.empty()) {
      match.author = value;
    } else if (IsSame(key, {"level", "severity", "threat_level"}) && match.level.empty()) {
      match.level = LevelOfWord(value);
    } else if (NamesTechniques(key)) {
      AddAttackTags(value, match.tags);
    }
  }
  if (match.level.empty()) match.level = by_score;
  if (match.level.empty()) match.level = "medium";
}

Match Describe(const YR_SCAN_CONTEXT& context, const YR_RULE& rule) {
  Match match;
  match.rule = rule.identifier == nullptr ? "" : rule.identifier;
  if (rule.ns != nullptr && rule.ns->name != nullptr) match.file = rule.ns->name;
  ReadMetadata(rule, match);
  const char* tag = nullptr;
  yr_rule_tags_foreach((&rule), tag) {
    match.own_tags.emplace_back(tag);
    AddAttackTags(match.own_tags.back(), match.tags);
  }
  std::ranges::sort(match.tags);
  const auto repeated = std::ranges::unique(match.tags);
  match.tags.erase(repeated.begin(), repeated.end());
  const YR_STRING* string = nullptr;
  yr_rule_strings_foreach((&rule), string) {
    if (match.places.size() >= kMaxPlaces) break;
    const YR_MATCH* found = nullptr;
    yr_string_matches_foreach((&context), string, found) {
      match.places.push_back({string->identifier == nullptr ? "$" : string->identifier,
                              static_cast<uint64_t>(found->base + found->offset)});
      break;
    }
  }
  return match;
}

// Called by libyara.
int TakeResult(YR_SCAN_CONTEXT* context, int message, void* data, void* user_data) {
  Scan& scan = *static_cast<Scan*>(user_data);
  if (message == CALLBACK_MSG_RULE_MATCHING) {
    scan.matches.push_back(Describe(*context, *static_cast<const YR_RULE*>(data)));
  } else if (message == CALLBACK_MSG_TOO_MANY_MATCHES) {
    const auto* string = static_cast<const YR_STRING*>(data);
    const YR_RULE& rule = context->rules->rules_table[string->rule_idx];
    scan.limited.push_back(fmt::format("{}: {} matches more often than libyara counts",
                                       rule.identifier, string->identifier));
  }
  return CALLBACK_CONTINUE;
}

std::string FailureText(int code, YR_SCANNER* scanner) {
  const YR_RULE* rule = yr_scanner_last_error_rule(scanner);
  const std::string which = rule != nullptr && rule->identifier != nullptr
                                ? fmt::format("{}: ", rule->identifier)
                                : std::string();
  if (code == ERROR_SCAN_TIMEOUT) return which + "took too long (kMaxYaraSeconds)";
  if (code == ERROR_TOO_MANY_RE_FIBERS) {
    return which + "a regular expression has too many ways to go on";
  }
  return fmt::format("{}libyara gave up with error {}", which, code);
}

std::string_view FileName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// What libyara goes through when it scans memory.
struct Blocks {
  Memory& memory;
  size_t index = 0;
  YR_MEMORY_BLOCK block{};
};

const uint8_t* FetchBlock(YR_MEMORY_BLOCK* block) {
  Blocks& blocks = *static_cast<Blocks*>(block->context);
  const std::optional<ByteView> bytes = blocks.memory.Read(blocks.index);
  if (!bytes || bytes->size() < block->size) return nullptr;
  return AsUnsignedChars(*bytes);
}

YR_MEMORY_BLOCK* BlockAt(YR_MEMORY_BLOCK_ITERATOR* iterator, size_t index) {
  Blocks& blocks = *static_cast<Blocks*>(iterator->context);
  iterator->last_error = ERROR_SUCCESS;
  const std::span<const Memory::Stretch> stretches = blocks.memory.stretches();
  if (index >= stretches.size()) return nullptr;
  blocks.index = index;
  blocks.block.base = stretches[index].address;
  blocks.block.size = stretches[index].size_bytes;
  blocks.block.context = &blocks;
  blocks.block.fetch_data = FetchBlock;
  return &blocks.block;
}

YR_MEMORY_BLOCK* FirstBlock(YR_MEMORY_BLOCK_ITERATOR* iterator) { return BlockAt(iterator, 0); }

YR_MEMORY_BLOCK* NextBlock(YR_MEMORY_BLOCK_ITERATOR* iterator) {
  return BlockAt(iterator, static_cast<const Blocks*>(iterator->context)->index + 1);
}

// A C string ends at a zero byte, which no name on a disk has; one that claims to is cut there.
void Define(YR_SCANNER* scanner, const char* name, const std::string& value) {
  EKSHUME_CHECK(yr_scanner_define_string_variable(scanner, name, value.c_str()) == ERROR_SUCCESS);
}

}  // namespace

struct Scanner::State {
  const Rules::State& rules;
  const int seconds;
  OwnScanner all;
  std::vector<OwnScanner> single;  // made when first needed

  static OwnScanner Make(YR_RULES* rules) {
    YR_SCANNER* made = nullptr;
    EKSHUME_CHECK(yr_scanner_create(rules, &made) == ERROR_SUCCESS);
    return OwnScanner(made);
  }

  // What one pass needs besides its bytes.
  static void Prepare(YR_SCANNER* scanner, const FileNames& names, int flags, int limit_seconds,
                      Scan& scan) {
    // The content is in our own memory. libyara's handlers for SIGBUS and SIGSEGV are one per
    // process, and several scanners would get in each other's way.
    yr_scanner_set_flags(scanner,
                         flags | SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
    const std::string name(FileName(names.path));
    const size_t dot = name.rfind('.');
    Define(scanner, "filename", name);
    Define(scanner, "filepath", names.path);
    Define(scanner, "extension", dot == std::string::npos ? "" : name.substr(dot));
    Define(scanner, "filetype", names.kind);
    yr_scanner_set_timeout(scanner, limit_seconds);
    yr_scanner_set_callback(scanner, TakeResult, &scan);
  }
};

Scanner::Scanner(const Rules& rules, int seconds)
    : state_(new State{*rules.state_, seconds, nullptr, {}}) {
  if (rules.state_->all != nullptr) state_->all = State::Make(rules.state_->all.get());
}
Scanner::~Scanner() = default;

Scan Scanner::Run(ByteView content, const FileNames& names) {
  if (content.empty()) return {};
  return RunPasses(state_->seconds, [&](YR_SCANNER* scanner, int limit_seconds, Scan& scan) {
    State::Prepare(scanner, names, 0, limit_seconds, scan);
    return yr_scanner_scan_mem(scanner, AsUnsignedChars(content), content.size());
  });
}

Scan Scanner::RunMemory(Memory& memory, const FileNames& names, int seconds) {
  if (memory.stretches().empty()) return {};
  return RunPasses(seconds, [&](YR_SCANNER* scanner, int limit_seconds, Scan& scan) {
    State::Prepare(scanner, names, SCAN_FLAGS_PROCESS_MEMORY, limit_seconds, scan);
    Blocks blocks{memory};
    YR_MEMORY_BLOCK_ITERATOR iterator{};
    iterator.context = &blocks;
    iterator.first = FirstBlock;
    iterator.next = NextBlock;
    return yr_scanner_scan_mem_blocks(scanner, &iterator);
  });
}

// One pass with all rules or, when that fails, one with each file of them. `pass` gives libyara's
// error.
template <typename OnePass>
Scan Scanner::RunPasses(int seconds, const OnePass& pass) {
  Scan scan;
  if (state_->all == nullptr) return scan;
  const Clock::time_point start = Clock::now();
  const int code = pass(state_->all.get(), std::max(1, seconds / 2), scan);
  if (code == ERROR_SUCCESS) return scan;
  if (state_->rules.sources.size() == 1) {
    scan.limited.push_back(fmt::format("{}: {}", state_->rules.sources.front().path,
                                       FailureText(code, state_->all.get())));
    return scan;
  }
  // One rule has spoiled it for all: each file of rules by itself, in what time is left.
  scan = {};
  const std::vector<Compiled>& single = state_->rules.Single();
  if (state_->single.empty()) {
    for (const Compiled& rules : single) {
      state_->single.push_back(rules == nullptr ? nullptr : State::Make(rules.get()));
    }
  }
  const int share = std::max(1, seconds / 8);
  for (size_t i = 0; i < state_->single.size(); ++i) {
    if (state_->single[i] == nullptr) continue;
    const std::string& file = state_->rules.sources[i].path;
    if (Clock::now() - start > std::chrono::seconds(seconds)) {
      scan.limited.push_back(fmt::format("{}: no time left (kMaxYaraSeconds)", file));
      continue;
    }
    YR_SCANNER* const scanner = state_->single[i].get();
    const int own = pass(scanner, share, scan);
    if (own != ERROR_SUCCESS) {
      scan.limited.push_back(fmt::format("{}: {}", file, FailureText(own, scanner)));
    }
  }
  return scan;
}

}  // namespace ekshume::detect::yara
