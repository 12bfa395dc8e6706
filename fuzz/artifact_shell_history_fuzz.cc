// SPDX-License-Identifier: Apache-2.0
#include "artifact/shell_history/reader.h"
#include "artifact_fuzz.h"

// The input is every kind of history at once.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ekshume::artifact::FuzzArtifact(
      ekshume::artifact::shell_history::ShellHistoryFormat(),
      {"root/.bash_history", "root/.zsh_history", "root/.local/share/fish/fish_history",
       "root/.ash_history", "root/.mysql_history", "root/.lesshst", "root/.viminfo",
       "root/.wget-hsts"},
      data, size);
  return 0;
}
