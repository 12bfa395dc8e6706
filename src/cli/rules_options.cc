// SPDX-License-Identifier: Apache-2.0
#include "cli/rules_options.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/limits.h"
#include "base/text.h"
#include "casefile/detection/problems.h"

namespace ekshume::cli {

namespace sigma = detect::sigma;

void AddPlaceholderOptions(CLI::App& verb, RulesOptions& options) {
  verb.add_option("--placeholder", options.placeholders,
                  "a value for %NAME% in rules with the modifier expand (may be repeated)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  verb.add_option("--placeholders", options.placeholder_file,
                  "the same from a YAML file: names with a value or a list of values")
      ->type_name("FILE");
}

void AddFileRuleOptions(CLI::App& verb, RulesOptions& options) {
  verb.add_option("--yara", options.yara, "YARA rules: a file or folder (may be repeated)")
      ->type_name("PATH")
      ->allow_extra_args(false);
  verb.add_option("--indicators", options.indicators,
                  "hashes, names, addresses, domains to look for: a plain list, CSV, MISP or STIX "
                  "2.1 JSON (may be repeated)")
      ->type_name("FILE")
      ->allow_extra_args(false);
}

Result<sigma::Placeholders> ReadPlaceholders(const RulesOptions& options) {
  sigma::Placeholders placeholders;
  if (!options.placeholder_file.empty()) {
    std::ifstream stream(options.placeholder_file, std::ios::binary);
    if (!stream) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} cannot be read", options.placeholder_file));
    }
    std::string text;
    for (std::istreambuf_iterator<char> at(stream), end;
         at != end && text.size() <= limits::kMaxRuleFileBytes; ++at) {
      text += *at;
    }
    auto parsed = sigma::ParsePlaceholders(text);
    if (!parsed) return WithContext(parsed.error(), options.placeholder_file);
    placeholders = std::move(*parsed);
  }
  for (const std::string& pair : options.placeholders) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--placeholder takes NAME=VALUE, not {}", pair));
    }
    placeholders[pair.substr(0, equals)].push_back(pair.substr(equals + 1));
  }
  return placeholders;
}

Result<sigma::RuleSet> LoadRules(const RulesOptions& options, DiagnosticSink& diagnostics) {
  const auto placeholders = EKSHUME_TRY(ReadPlaceholders(options));
  sigma::RuleSet set = EKSHUME_TRY(sigma::LoadRules(options.paths, placeholders));
  casefile::ReportProblems(set.refused, DiagnosticCode::kRuleRefused, set.doubtful, diagnostics);
  return set;
}

std::optional<std::string> ShippedRules() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return std::nullopt;
  const std::filesystem::path folder =
      (program.parent_path() / "../share/ekshume/rules").lexically_normal();
  if (!std::filesystem::is_directory(folder, error)) return std::nullopt;
  return folder.string();
}

Result<casefile::DetectionRules> RulesToAsk(const RulesOptions& options, bool with_shipped,
                                            DiagnosticSink& diagnostics) {
  casefile::RuleSources rules;
  if (with_shipped) {
    if (const std::optional<std::string> shipped = ShippedRules()) {
      rules.sigma.push_back(*shipped);
      if (std::filesystem::is_directory(*shipped + "/yara")) {
        rules.yara.push_back(*shipped + "/yara");
      }
    } else {
      diagnostics.Report(DiagnosticCode::kRulesMissing, "", "share/ekshume/rules");
    }
  }
  rules.sigma.insert(rules.sigma.end(), options.paths.begin(), options.paths.end());
  rules.yara.insert(rules.yara.end(), options.yara.begin(), options.yara.end());
  rules.indicators = options.indicators;
  rules.placeholders = EKSHUME_TRY(ReadPlaceholders(options));
  return casefile::LoadDetectionRules(rules, diagnostics);
}

std::string JsonList(const std::vector<std::string>& texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    if (json.size() > 1) json += ',';
    json += JsonString(text);
  }
  return json + "]";
}

}  // namespace ekshume::cli
