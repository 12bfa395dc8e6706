// SPDX-License-Identifier: Apache-2.0
#include "casefile/detection/live_context.h"

#include <fmt/format.h>

#include "base/text.h"

namespace ekshume::casefile {

Result<ProcessEvents> ProcessEvents::Of(event::Store& store) {
  ProcessEvents events;
  const auto rows = EKSHUME_TRY(store.Query(
      "SELECT id, pid, evidence FROM events WHERE source = 'process' AND pid IS NOT NULL"));
  for (;;) {
    if (!EKSHUME_TRY(rows->Next())) break;
    std::string id(rows->Text(0));
    const int64_t pid = rows->Integer(1);
    const std::string_view evidence = rows->Text(2);
    events.Add(std::string(evidence.substr(0, evidence.rfind('!'))), pid, std::move(id));
  }
  return events;
}

void ProcessEvents::Add(const std::string& evidence, int64_t pid, std::string id) {
  ids_[{evidence, pid}] = std::move(id);
}

std::string ProcessEvents::Find(const LiveEvidence& live, const process::Process& process) const {
  const auto found = ids_.find({live.name, process.pid});
  return found == ids_.end() ? std::string() : found->second;
}

FileOfCase LiveContext::About(const LiveEvidence& live, const process::Process& process) const {
  const ProcessOwner owner = owners.Of(live.state, process);
  FileOfCase file;
  file.path = process.executable;
  file.subject = fmt::format("{} process {}", live.name, process.pid);
  file.changed = process.start ? process.start : live.state.taken;
  file.cluster = owner.cluster;
  file.node = owner.node;
  file.name_space = owner.name_space;
  file.pod = owner.pod;
  file.container_id = owner.container_id;
  file.object = ProcessName(process);
  file.event = events.Find(live, process);
  return file;
}

std::string ProcessName(const process::Process& process) {
  return fmt::format("process {} {}", process.pid, process::ShortName(process));
}

std::string ProcessText(const process::Process& process, const ProcessOwner& owner) {
  std::string facts = process.executable;
  if (process.executable_deleted) facts += ", deleted";
  const auto add = [&facts](std::string fact) {
    if (!facts.empty()) facts += "; ";
    facts += fact;
  };
  if (!owner.pod.empty()) add(fmt::format("pod {}/{}", owner.name_space, owner.pod));
  if (!owner.container_id.empty()) {
    add(fmt::format("container {}", owner.container_id.substr(0, 12)));
  }
  return EscapeForTerminal(
      fmt::format("{}{}", ProcessName(process), facts.empty() ? "" : " (" + facts + ")"));
}

}  // namespace ekshume::casefile
