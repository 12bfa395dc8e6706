// SPDX-License-Identifier: Apache-2.0
#include "detect/sigma/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

#include "base/ascii.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "detect/sigma/mapping.h"
#include "detect/sigma/tree.h"
#include "detect/sigma/value.h"

namespace ekshume::detect::sigma {
namespace {

namespace fs = std::filesystem;

bool IsRulesFile(const fs::path& path) {
  const std::string extension = AsciiLower(path.extension().string());
  return extension == ".yml" || extension == ".yaml";
}

Result<std::vector<std::string>> FilesOf(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error))
      return Fail(ErrorCode::kNotFound, fmt::format("{} is not there", path));
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const size_t before = files.size();
    fs::recursive_directory_iterator at(path, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      if (!at->is_regular_file(ignored) || !IsRulesFile(at->path())) continue;
      files.push_back(at->path().string());
      if (files.size() > limits::kMaxRuleFiles) {
        return Fail(ErrorCode::kLimit,
                    fmt::format("{} holds too many files (kMaxRuleFiles)", path));
      }
    }
    if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, error.message()));
    if (files.size() == before) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} holds no .yml file", path));
    }
  }
  std::ranges::sort(files);
  const auto repeated = std::ranges::unique(files);
  files.erase(repeated.begin(), repeated.end());
  return files;
}

RuleFile ParseFile(const std::string& path, const Placeholders& placeholders) {
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  char chunk[size_t{16} << 10];
  while (stream && text.size() <= limits::kMaxRuleFileBytes) {
    stream.read(chunk, sizeof chunk);
    text.append(chunk, static_cast<size_t>(stream.gcount()));
  }
  if (stream.bad() || (!stream.eof() && text.empty())) {
    RuleFile file;
    file.refused.push_back({path, 0, "the file cannot be read", ""});
    return file;
  }
  return ParseRules(text, path, placeholders);
}

bool IsNamed(const Head& head, std::string_view reference) {
  return (!head.id.empty() && head.id == reference) ||
         (!head.name.empty() && head.name == reference);
}

// Leaves out those whose id came before.
template <typename Document>
void TakeAll(std::vector<Document>& from, std::vector<Document>& to,
             std::map<std::string, std::string>& ids, RuleSet& set) {
  for (Document& document : from) {
    const Head& head = document.head;
    if (!head.id.empty()) {
      const auto [first, is_new] =
          ids.try_emplace(head.id, fmt::format("{}:{}", head.file, head.line));
      if (!is_new) {
        set.refused.push_back({head.file, head.line,
                               fmt::format("the id {} is that of {}", head.id, first->second),
                               head.title});
        continue;
      }
    }
    to.push_back(std::move(document));
  }
}

bool IsOfSource(const LogSource& rule, const LogSource& filter) {
  const auto fits = [](const std::string& own, const std::string& wanted) {
    return wanted.empty() || own == wanted;
  };
  return fits(rule.category, filter.category) && fits(rule.product, filter.product) &&
         fits(rule.service, filter.service);
}

void ApplyFilters(const std::vector<Filter>& filters, RuleSet& set) {
  for (const Filter& filter : filters) {
    bool any = false;
    for (Rule& rule : set.rules) {
      const bool is_meant =
          filter.rules.empty()
              ? IsOfSource(rule.log_source, filter.log_source)
              : std::ranges::any_of(filter.rules, [&](const std::string& reference) {
                  return IsNamed(rule.head, reference);
                });
      if (!is_meant) continue;
      any = true;
      rule.detection.Restrict(filter.detection, filter.keep);
    }
    if (any) {
      ++set.filters;
    } else {
      set.refused.push_back({filter.head.file, filter.head.line,
                             "none of the rules that it filters is there", filter.head.title});
    }
  }
}

// Takes out correlations that cannot work, until the rest can: each reference is a rule or a
// correlation that stands.
void CheckCorrelations(RuleSet& set) {
  std::vector<Correlation> pending = std::move(set.correlations);
  set.correlations.clear();
  std::set<std::string, std::less<>> standing;
  const auto add = [&](const Head& head) {
    if (!head.id.empty()) standing.insert(head.id);
    if (!head.name.empty()) standing.insert(head.name);
  };
  for (const Rule& rule : set.rules) add(rule.head);
  const auto stands = [&](const std::string& name) { return standing.contains(name); };
  // Each round takes those whose members all stand: a correlation comes behind those it needs.
  for (bool progress = true; progress;) {
    progress = false;
    for (auto at = pending.begin(); at != pending.end();) {
      if (std::ranges::all_of(at->rules, stands)) {
        add(at->head);
        set.correlations.push_back(std::move(*at));
        at = pending.erase(at);
        progress = true;
      } else {
        ++at;
      }
    }
  }
  for (const Correlation& correlation : pending) {
    const auto missing = std::ranges::find_if_not(correlation.rules, stands);
    set.refused.push_back(
        {correlation.head.file, correlation.line,
         fmt::format("the rule {} that it correlates is not there, or was refused", *missing),
         correlation.head.title});
  }
}

// What is only correlated makes no findings, unless a correlation of it says `generate`.
void SetSilent(RuleSet& set) {
  const auto apply = [&](auto& documents) {
    for (auto& document : documents) {
      bool is_used = false;
      bool is_shown = false;
      for (const Correlation& correlation : set.correlations) {
        const bool names = std::ranges::any_of(
            correlation.rules,
            [&](const std::string& reference) { return IsNamed(document.head, reference); });
        is_used |= names;
        is_shown |= names && correlation.generate;
      }
      document.silent = is_used && !is_shown;
    }
  };
  if (set.correlations.empty()) return;
  apply(set.rules);
  apply(set.correlations);
}

void SortProblems(std::vector<Problem>& problems) {
  std::ranges::sort(problems, [](const Problem& left, const Problem& right) {
    return std::tie(left.file, left.line, left.reason) <
           std::tie(right.file, right.line, right.reason);
  });
}

}  // namespace

RuleSet JoinRules(std::vector<RuleFile> files) {
  RuleSet set;
  set.files = files.size();
  std::vector<Filter> filters;
  std::map<std::string, std::string> ids;
  for (RuleFile& file : files) {
    set.documents +=
        file.rules.size() + file.correlations.size() + file.filters.size() + file.refused.size();
    std::ranges::move(file.refused, std::back_inserter(set.refused));
    std::ranges::move(file.doubtful, std::back_inserter(set.doubtful));
    TakeAll(file.rules, set.rules, ids, set);
    TakeAll(file.correlations, set.correlations, ids, set);
    TakeAll(file.filters, filters, ids, set);
  }
  ApplyFilters(filters, set);
  CheckCorrelations(set);
  SetSilent(set);
  SortProblems(set.refused);
  SortProblems(set.doubtful);
  return set;
}

Result<RuleSet> LoadRules(const std::vector<std::string>& paths, const Placeholders& placeholders) {
  const std::vector<std::string> names = EKSHUME_TRY(FilesOf(paths));
  std::vector<RuleFile> files;
  files.reserve(names.size());
  constexpr size_t kTogether = 32;
  const size_t threads = std::max(1U, std::thread::hardware_concurrency());
  using Files = std::vector<RuleFile>;
  OrderedPipeline<size_t, Files> pipeline(
      threads, threads * 4,
      [&](size_t&& first) {
        Files some;
        for (size_t i = first; i < std::min(first + kTogether, names.size()); ++i) {
          some.push_back(ParseFile(names[i], placeholders));
        }
        return some;
      },
      [&](Files&& some) { std::ranges::move(some, std::back_inserter(files)); });
  for (size_t first = 0; first < names.size(); first += kTogether) pipeline.Push(first);
  pipeline.Finish();
  return JoinRules(std::move(files));
}

Result<Placeholders> ParsePlaceholders(std::string_view yaml) {
  size_t line = 0;
  const std::vector<Tree> documents = EKSHUME_TRY(ParseYamlDocuments(yaml, line));
  Placeholders placeholders;
  for (const Tree& document : documents) {
    if (document.kind != Tree::Kind::kMap) {
      return Fail(ErrorCode::kCorrupt, "placeholders are a map of names to values");
    }
    for (size_t i = 0; i < document.items.size(); ++i) {
      std::vector<std::string>& values = placeholders[document.keys[i]];
      const Tree& node = document.items[i];
      if (node.kind == Tree::Kind::kScalar) values.push_back(node.text);
      for (const Tree& item : node.items) values.push_back(item.text);
    }
  }
  return placeholders;
}

}  // namespace ekshume::detect::sigma
