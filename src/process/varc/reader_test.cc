// SPDX-License-Identifier: Apache-2.0
#include "process/varc/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "process/test_support.h"

namespace ekshume::process::varc {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr const char* kRows = R"json({"format": "CadoJsonTable", "rows": [
  {"Process ID": 1, "Name": "sh", "Username": "root", "Status": "sleeping",
   "Executable Path": "/bin/sh", "Command": "sh run.sh", "Parent ID": 0,
   "Creation Time": "2026-11-27 20:21:08", "Open Files": "/tmp/a /tmp/b", "Connections": ""},
  {"Process ID": 4, "Name": "x", "Username": "ann", "Status": "running",
   "Executable Path": "/tmp/x (deleted)", "Command": "x", "Parent ID": 1,
   "Creation Time": "2026-11-27 20:21:09", "Open Files": "", "Connections": ""},
  {"Name": "nobody"}]})json";

TEST(Varc, ReadsABundle) {
  const auto tree = TreeOf({{"processes.json", kRows},
                            {"open_files.json", R"({"rows": []})"},
                            {"netstat.log",
                             "2026-11-28 05:21:11 127.0.0.1 41659 0.0.0.0 0 sh\n"
                             "2026-11-28 05:21:11 10.0.0.7 50472 192.0.2.8 443 x\nbad\n"},
                            {"process_dumps/x_4.mem", "secret"},
                            {"process_dumps/sh_1.mem", ""},
                            {"collected_files/bin/sh", "program"},
                            {"collected_files/tmp/a", "content"},
                            {"screenshot.png", "p"}});
  EXPECT_EQ(FindFormat(*tree), &VarcFormat());
  DiagnosticSink diagnostics;
  const auto state = VarcFormat().Read({*tree, "b"}, diagnostics);
  ASSERT_TRUE(state) << state.error().message;
  // The clock of netstat.log was nine hours ahead.
  EXPECT_EQ(FormatTimestamp(*state->taken), "2026-11-27T20:21:11.000000000Z");
  ASSERT_THAT(state->processes, SizeIs(2));
  const Process& sh = state->processes[0];
  EXPECT_THAT(sh.arguments, ElementsAre("sh", "run.sh"));
  EXPECT_EQ(FormatTimestamp(*sh.start), "2026-11-27T20:21:08.000000000Z");
  EXPECT_EQ(sh.executable_content->length_bytes, 7U);
  ASSERT_THAT(sh.files, SizeIs(2));
  EXPECT_TRUE(sh.files[0].content);
  EXPECT_FALSE(sh.files[1].content);
  const Process& x = state->processes[1];
  EXPECT_EQ(x.executable, "/tmp/x");
  EXPECT_TRUE(x.executable_deleted);
  EXPECT_EQ(x.state, 'R');
  ASSERT_THAT(x.memory, SizeIs(1));
  EXPECT_EQ(x.memory[0].bytes.length_bytes, 6U);
  ASSERT_THAT(state->sockets, SizeIs(2));
  EXPECT_EQ(state->sockets[0].remote->port, 443);
  EXPECT_EQ(state->sockets[0].holders[0].pid, 4);
  EXPECT_FALSE(state->sockets[1].remote);
  EXPECT_THAT(state->missing, ElementsAre("process_dumps/sh_1.mem: it is empty"));
  EXPECT_THAT(state->not_read, ElementsAre("screenshot.png"));
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionDamaged), 1U);  // the row without a pid
  EXPECT_EQ(diagnostics.Count(DiagnosticCode::kLogRecordUnknown), 1U);
}

TEST(Varc, SaysThatItsTableIsMissingOrDamaged) {
  for (const char* rows : {"", "{", "{}"}) {
    const auto tree = TreeOf({{"processes.json", rows}, {"open_files.json", "{}"}});
    DiagnosticSink diagnostics;
    ASSERT_TRUE(VarcFormat().Read({*tree, "b"}, diagnostics));
    EXPECT_EQ(diagnostics.Count(DiagnosticCode::kCollectionDamaged), 1U) << rows;
  }
}

}  // namespace
}  // namespace ekshume::process::varc
