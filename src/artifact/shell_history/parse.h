// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// Each function reads the whole of one kind of history file.
namespace ekshume::artifact::shell_history {

struct Command {
  std::string text;
  uint64_t offset = 0;  // of its first byte, or of the line that belongs to it
  std::optional<Timestamp> time;
  std::optional<int64_t> duration_seconds;
};
using Commands = std::vector<Command>;

// One command per line.
Commands ParsePlain(std::string_view content);

// bash, history.c of readline: a line of '#' and digits is the time of the command that follows.
// When the file begins with one, a command goes on over lines until the next.
Commands ParseBash(std::string_view content);

// zsh, Src/hist.c: ": time:duration;command" with EXTENDED_HISTORY, else the command; a backslash
// before a newline goes on; bytes above 0x82 are "metafied": 0x83 and the byte xor 32.
Commands ParseZsh(std::string_view content);

// fish 2.0 and newer, history_file.rs: "- cmd: x" and "  when: seconds", backslash escapes.
Commands ParseFish(std::string_view content);

// libedit, history.c: "_HiStOrY_V2_" and lines with vis(3)'s octal escapes; older ones are plain.
Commands ParseEditline(std::string_view content);

// less, cmdbuf.c: ".less-history-file:", sections ".search" and ".shell", lines with '"' first.
// Search words are written as /word, commands as !command.
Commands ParseLess(std::string_view content);

// vim, viminfo.c: "|2,<kind>,<seconds>,<..>,"text"" of the command line and of searches, and
// "|4,<mark>,<line>,<column>,<seconds>,"file"" of files that were edited.
Commands ParseViminfo(std::string_view content);

// wget, hsts.c: host, port, subdomains, created, max-age between tabs or blanks.
Commands ParseWgetHsts(std::string_view content);

}  // namespace ekshume::artifact::shell_history
