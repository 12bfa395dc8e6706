// SPDX-License-Identifier: Apache-2.0
#include "detect/yara/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/limits.h"
#include "detect/yara/compiled.h"

namespace ekshume::detect::yara {
namespace {

namespace fs = std::filesystem;

// What rules may ask for besides the content, as LOKI and THOR define it; Scanner fills in the
// first four.
constexpr std::array kExternals = {"filename", "filepath", "extension", "filetype", "md5", "owner"};

// Files that include each other. Where libyara itself ends it, it forgets to free what it holds.
constexpr size_t kMaxIncludeDepth = 8;

// The first bytes of rules that `yarac` compiled.
constexpr std::string_view kCompiledMagic = "YARA";

void Initialize() {
  // For the life of the process: libyara keeps tables that all rules share.
  static const int status = [] {
    const int result = yr_initialize();
    // Matched bytes are not shown, as they may be a secret; without them a million matches take
    // less memory.
    if (result == ERROR_SUCCESS) yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, 0);
    return result;
  }();
  EKSHUME_CHECK(status == ERROR_SUCCESS);
}

bool IsRulesFile(const fs::path& path) {
  return path.extension() == ".yar" || path.extension() == ".yara";
}

// At most one byte more than the limit, so that the caller sees that there is more.
std::optional<std::string> ReadBounded(const fs::path& path) {
  std::error_code error;
  // Not a folder, and not a FIFO that would never end.
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string text;
  std::vector<char> chunk(size_t{64} << 10);
  while (stream && text.size() <= limits::kMaxYaraFileBytes) {
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk.data(), static_cast<size_t>(stream.gcount()));
  }
  if (stream.bad()) return std::nullopt;
  return text;
}

bool IsInside(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

// What the callbacks of one compilation need.
struct Compilation {
  const Source* source = nullptr;
  std::vector<Problem>* problems;
  std::vector<Problem>* doubtful;
  struct Included {
    fs::path path;
    std::set<fs::path> including;  // the files on the way to it
  };
  std::map<std::string, Included> included;  // by the name in the rules, as last resolved
  std::string refusal;                       // why the last `include` was refused
  size_t included_bytes = 0;                 // of one source
};

void TakeMessage(int level, const char* file_name, int line, const YR_RULE* rule,
                 const char* message, void* user_data) {
  Compilation& compilation = *static_cast<Compilation*>(user_data);
  Problem problem;
  problem.file = compilation.source->path;
  problem.line = static_cast<size_t>(std::max(line, 0));
  problem.reason = message == nullptr ? "does not compile" : message;
  if (file_name != nullptr) {
    const auto found = compilation.included.find(file_name);
    if (found != compilation.included.end()) problem.file = found->second.path.string();
  }
  if (level == YARA_ERROR_LEVEL_ERROR) {
    if (!compilation.refusal.empty()) problem.reason = std::move(compilation.refusal);
    compilation.refusal.clear();
    compilation.problems->push_back(std::move(problem));
  } else {
    if (rule != nullptr && rule->identifier != nullptr) {
      problem.reason = fmt::format("{}: {}", rule->identifier, problem.reason);
    }
    compilation.doubtful->push_back(std::move(problem));
  }
}

// libyara frees what it gets with FreeIncluded().
const char* Include(const char* name, const char* calling_file, const char* /*name_space*/,
                    void* user_data) {
  Compilation& compilation = *static_cast<Compilation*>(user_data);
  const std::string_view wanted = name == nullptr ? "" : name;
  fs::path base = fs::path(compilation.source->path).parent_path();
  std::set<fs::path> including = {fs::weakly_canonical(compilation.source->path)};
  if (calling_file != nullptr) {
    const auto found = compilation.included.find(calling_file);
    if (found != compilation.included.end()) {
      base = found->second.path.parent_path();
      including.insert(found->second.including.begin(), found->second.including.end());
      including.insert(found->second.path);
    }
  }
  std::error_code error;
  // Symbolic links are resolved before the comparison.
  const fs::path folder = fs::weakly_canonical(compilation.source->folder, error);
  const fs::path path = fs::weakly_canonical(base / wanted, error);
  if (error || !IsInside(path, folder)) {
    compilation.refusal =
        fmt::format("include \"{}\" is outside of {}", wanted, compilation.source->folder);
    return nullptr;
  }
  if (including.contains(path) || including.size() > kMaxIncludeDepth) {
    compilation.refusal = fmt::format("include \"{}\" includes itself, or is too deep", wanted);
    return nullptr;
  }
  const std::optional<std::string> text = ReadBounded(path);
  if (!text) {
    compilation.refusal = fmt::format("include \"{}\" cannot be read", wanted);
    return nullptr;
  }
  compilation.included_bytes += text->size();
  if (compilation.included_bytes > limits::kMaxYaraFileBytes) {
    compilation.refusal = fmt::format("include \"{}\": too large (kMaxYaraFileBytes)", wanted);
    return nullptr;
  }
  compilation.included[std::string(wanted)] = {path, std::move(including)};
  char* const copy = new char[text->size() + 1];
  copy[text->copy(copy, text->size())] = '\0';
  return copy;
}

void FreeIncluded(const char* text, void* /*user_data*/) { delete[] text; }

struct CompilerDelete {
  void operator()(YR_COMPILER* compiler) const { yr_compiler_destroy(compiler); }
};

Result<std::vector<Source>> SourcesOf(const std::vector<std::string>& paths,
                                      std::vector<Problem>& refused) {
  std::map<std::string, std::string> folders;  // by file
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) {
      return Fail(ErrorCode::kNotFound, fmt::format("{} is not there", path));
    }
    if (!fs::is_directory(path, error)) {
      const fs::path folder = fs::path(path).parent_path();
      folders.try_emplace(path, folder.empty() ? "." : folder.string());
      continue;
    }
    bool any = false;
    fs::recursive_directory_iterator at(path, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
      std::error_code ignored;
      if (!at->is_regular_file(ignored) || !IsRulesFile(at->path())) continue;
      any = true;
      folders.try_emplace(at->path().string(), path);
      if (folders.size() > limits::kMaxRuleFiles) {
        return Fail(ErrorCode::kLimit,
                    fmt::format("{} holds too many files (kMaxRuleFiles)", path));
      }
    }
    if (error) return Fail(ErrorCode::kIo, fmt::format("{}: {}", path, error.message()));
    if (!any) return Fail(ErrorCode::kNotFound, fmt::format("{} holds no .yar file", path));
  }
  std::vector<Source> sources;
  for (const auto& [path, folder] : folders) {
    std::optional<std::string> text = ReadBounded(path);
    if (!text) {
      refused.push_back({path, 0, "the file cannot be read"});
      continue;
    }
    sources.push_back({path, std::move(*text), folder});
  }
  return sources;
}

// What libyara would not see, or should not get.
std::string_view WhyUnusable(const Source& source) {
  if (source.text.size() > limits::kMaxYaraFileBytes) return "too large (kMaxYaraFileBytes)";
  if (source.text.starts_with(kCompiledMagic) && source.text.find('\0') != std::string::npos) {
    return "compiled rules are not run, as they are code for libyara; give their source";
  }
  if (source.text.find('\0') != std::string::npos) return "not a text: it holds a zero byte";
  return {};
}

}  // namespace

Compiled CompileSources(const std::vector<const Source*>& sources, std::vector<Problem>& problems,
                        std::vector<Problem>& doubtful) {
  Initialize();
  YR_COMPILER* made = nullptr;
  EKSHUME_CHECK(yr_compiler_create(&made) == ERROR_SUCCESS);
  const std::unique_ptr<YR_COMPILER, CompilerDelete> compiler(made);
  Compilation compilation;
  compilation.problems = &problems;
  compilation.doubtful = &doubtful;
  yr_compiler_set_callback(made, TakeMessage, &compilation);
  yr_compiler_set_include_callback(made, Include, FreeIncluded, &compilation);
  for (const char* name : kExternals) {
    EKSHUME_CHECK(yr_compiler_define_string_variable(made, name, "") == ERROR_SUCCESS);
  }
  for (const Source* source : sources) {
    compilation.source = source;
    compilation.included.clear();
    compilation.included_bytes = 0;
    const size_t before = problems.size();
    if (yr_compiler_add_string(made, source->text.c_str(), source->path.c_str()) == 0) continue;
    if (problems.size() == before) problems.push_back({source->path, 0, "does not compile"});
    return nullptr;
  }
  YR_RULES* rules = nullptr;
  if (yr_compiler_get_rules(made, &rules) != ERROR_SUCCESS) {
    const std::string where = sources.size() == 1 ? sources.front()->path : "all rules together";
    problems.push_back({where, 0, "the rules are too large for libyara"});
    return nullptr;
  }
  return Compiled(rules);
}

const std::vector<Compiled>& Rules::State::Single() const {
  std::call_once(once_, [this] {
    for (const Source& source : sources) {
      std::vector<Problem> ignored;
      single_.push_back(CompileSources({&source}, ignored, ignored));
    }
  });
  return single_;
}

Rules::Rules(std::unique_ptr<State> state) : state_(std::move(state)) {}
Rules::~Rules() = default;

size_t Rules::rule_count() const { return state_->rule_count; }
size_t Rules::file_count() const { return state_->sources.size(); }
const std::vector<Problem>& Rules::refused() const { return state_->refused; }
const std::vector<Problem>& Rules::doubtful() const { return state_->doubtful; }

std::unique_ptr<Rules> Rules::Compile(std::vector<Source> sources) {
  auto state = std::make_unique<State>();
  for (Source& source : sources) {
    if (const std::string_view why = WhyUnusable(source); !why.empty()) {
      state->refused.push_back({source.path, 0, std::string(why)});
    } else {
      state->sources.push_back(std::move(source));
    }
  }
  const auto compile_all = [&](std::vector<Problem>& problems, std::vector<Problem>& doubtful) {
    std::vector<const Source*> all;
    for (const Source& source : state->sources) all.push_back(&source);
    if (!all.empty()) state->all = CompileSources(all, problems, doubtful);
  };
  std::vector<Problem> problems;
  compile_all(problems, state->doubtful);
  if (state->all == nullptr && !state->sources.empty()) {
    // A compiler is of no use after an error: each file is tried alone, then the good ones
    // together.
    state->doubtful.clear();
    std::erase_if(state->sources, [&](const Source& source) {
      std::vector<Problem> ignored;
      return CompileSources({&source}, state->refused, ignored) == nullptr;
    });
    compile_all(state->refused, state->doubtful);
  }
  if (state->all != nullptr) state->rule_count = state->all->num_rules;
  return std::unique_ptr<Rules>(new Rules(std::move(state)));
}

Result<std::unique_ptr<Rules>> Rules::Load(const std::vector<std::string>& paths) {
  std::vector<Problem> refused;
  std::vector<Source> sources = EKSHUME_TRY(SourcesOf(paths, refused));
  std::unique_ptr<Rules> rules = Compile(std::move(sources));
  rules->state_->refused.insert(rules->state_->refused.begin(), refused.begin(), refused.end());
  return rules;
}

}  // namespace ekshume::detect::yara
