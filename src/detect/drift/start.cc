// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/start.h"

#include <algorithm>
#include <array>
#include <deque>

#include "base/byte_view.h"
#include "base/text.h"
#include "detect/drift/places.h"
#include "fs/overlay/diff.h"
#include "fs/path.h"

namespace ekshume::detect::drift {
namespace {

using fs::overlay::ContentKind;

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool IsScriptName(std::string_view path) {
  constexpr std::array<std::string_view, 9> kEndings = {".sh", ".py",  ".js",  ".mjs", ".rb",
                                                        ".pl", ".php", ".jar", ".lua"};
  const std::string_view name = FileName(path);
  return std::ranges::any_of(kEndings, [&](std::string_view e) { return name.ends_with(e); });
}

class StartFinder {
 public:
  StartFinder(const fs::overlay::OverlayFilesystem& view, const runtime::Container& container)
      : view_(view), container_(container) {}

  StartFiles Find() {
    const std::vector<std::string>& arguments = container_.arguments;
    if (arguments.empty()) return {};
    AddProgram(arguments.front());
    for (size_t i = 1; i < arguments.size(); ++i) {
      // A path, or what `sh -c` is given.
      for (const std::string_view word : PathWords(arguments[i])) Add(word, 1);
    }
    while (!queue_.empty() && files_.size() < kMaxStartFiles) {
      const Script script = queue_.front();
      queue_.pop_front();
      const std::string text = Read(script.node);
      for (const std::string_view word : PathWords(text)) {
        if (word.find('/') != std::string_view::npos) Add(word, script.depth + 1);
      }
    }
    return std::move(files_);
  }

 private:
  struct Script {
    fs::NodeId node{};
    int depth = 0;
  };

  // The first word is looked up as execvp(3) does.
  void AddProgram(const std::string& word) {
    if (word.find('/') != std::string::npos) {
      Add(word, 0);
      return;
    }
    std::string_view path = kDefaultPath;
    for (const std::string& variable : container_.environment) {
      if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
    }
    for (const std::string_view folder : SplitNonEmpty(path, ':')) {
      if (Add(fs::JoinPath(folder, word), 0)) return;
    }
  }

  // True when there is such a file.
  bool Add(std::string_view word, int depth) {
    if (word.empty() || word.size() > kMaxWordBytes || files_.size() >= kMaxStartFiles) {
      return false;
    }
    const bool is_absolute = word.front() == '/';
    const std::string wanted =
        is_absolute ? std::string(word) : fs::JoinPath(container_.working_directory, word);
    const Result<fs::NodeId> node = fs::ResolvePath(view_, wanted);
    if (!node) return false;
    const Result<fs::Stat> stat = view_.GetStat(*node);
    if (!stat || stat->type != fs::NodeType::kRegular) return false;
    Result<std::string> path = view_.PathOf(*node);
    if (!path || files_.contains(*path)) return path.has_value();
    const std::string first = Read(*node).substr(0, fs::overlay::kContentKindBytes);
    const ContentKind kind = fs::overlay::GuessContentKind(first);
    const bool is_script = kind == ContentKind::kScript || IsScriptName(*path);
    const bool is_program = kind == ContentKind::kElf && (stat->permissions & 0111U) != 0;
    // Programs that scripts call (rm, curl) are everybody's; those among the arguments
    // (`tini /app/server`) are what the container is for.
    if (depth > 1 ? !is_script : (depth == 1 && !is_script && !is_program)) return true;
    files_[*std::move(path)] = depth == 0   ? "the entry point"
                               : depth == 1 ? "run by the entry point"
                                            : "called by a start script";
    if (is_script && depth < kMaxStartDepth) queue_.push_back({*node, depth == 0 ? 1 : depth});
    return true;
  }

  std::string Read(fs::NodeId node) const {
    const auto file = view_.OpenFile(node);
    if (!file) return {};
    std::vector<std::byte> bytes(std::min<uint64_t>((*file)->size_bytes(), kMaxStartScriptBytes));
    const Result<size_t> count = (*file)->ReadAt(0, bytes);
    return count ? std::string(ByteView(bytes).First(*count).AsText()) : std::string();
  }

  static constexpr size_t kMaxWordBytes = 4096;  // PATH_MAX

  const fs::overlay::OverlayFilesystem& view_;
  const runtime::Container& container_;
  StartFiles files_;
  std::deque<Script> queue_;
};

}  // namespace

std::vector<std::string_view> PathWords(std::string_view script) {
  constexpr std::string_view kEnds = " \t\r\n;|&()<>{}`'\"=,";
  std::vector<std::string_view> words;
  while (!script.empty()) {
    const size_t end = std::min(script.find_first_of(kEnds), script.size());
    const std::string_view word = script.substr(0, end);
    if (!word.empty() && word.front() != '-' && word.front() != '$' && word.front() != '#') {
      words.push_back(word);
    }
    script.remove_prefix(std::min(end + 1, script.size()));
  }
  return words;
}

StartFiles FindStartFiles(const fs::overlay::OverlayFilesystem& view,
                          const runtime::Container& container) {
  return StartFinder(view, container).Find();
}

}  // namespace ekshume::detect::drift
