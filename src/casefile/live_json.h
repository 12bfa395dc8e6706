// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "casefile/evidence.h"
#include "casefile/json.h"
#include "casefile/process_owners.h"

// The JSON objects of what was running: the same in report.json, in the rows' raw records and in
// the verbs `processes` and `sockets`. docs/formats/report.md describes them.
namespace ekshume::casefile {

Json ProcessJson(const process::State& state, const process::Process& process,
                 const ProcessOwners& owners);
Json OpenFileJson(const process::Process& process, const process::OpenFile& file);
Json MappingJson(const process::Process& process, const process::Mapping& mapping);
Json SocketJson(const process::State& state, const process::Socket& socket,
                const ProcessOwners& owners);
Json ModuleJson(const process::Module& module);
Json FlowJson(const process::Flow& flow);

// "tcp 10.0.0.7:41234 -> 192.0.2.8:443 established", "listens on tcp 0.0.0.0:22".
std::string SocketText(const process::Socket& socket);
std::string FlowText(const process::Flow& flow);

// The report's member "live": one object for each live evidence, with its processes (without
// mappings), sockets, deleted files that are open, and modules.
Json LiveJson(const Evidence& evidence, const runtime::Inventory& inventory);

}  // namespace ekshume::casefile
