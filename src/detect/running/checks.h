// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/running/rules.h"
#include "detect/running/system.h"

// The checks of what was running. What is known of one process comes in, verdicts come out when
// there is something to say. They read nothing.
namespace ekshume::detect::running {

// What else the case knows of a process.
struct Subject {
  const process::Process* process = nullptr;
  const process::Process* parent = nullptr;  // null when it is not listed
  // Whether its program is in its container's image; none without the image's layers.
  std::optional<bool> is_of_image;
  bool is_on_volume = false;  // its program lies where something is mounted in the container
  bool is_agent = false;      // of a container that its node needs (drift::IsKnownAgent)
  // What the container was set up with, by the records of its runtime or pod; none without them.
  struct Asked {
    bool host_pid = false;
    bool host_network = false;
    bool host_ipc = false;
  };
  std::optional<Asked> asked;
};

// What a check says of one process.
struct Verdict {
  const Rule* rule = nullptr;
  std::string_view level;
  std::string what;                    // "its file is deleted": what follows the process
  std::vector<std::string_view> tags;  // besides the rule's, as Rule::tags
  std::string key;                     // tells apart what of one program are two findings
};

// A verdict by one of our rules; the level "" is the rule's own.
Verdict MakeVerdict(std::string_view rule, std::string_view level, std::string what);

// All of the following, in the order of the rules.
std::vector<Verdict> CheckProcess(const System& system, const Subject& subject);

// Where its program is: memory, deleted, temporary, not of the image. One verdict, the gravest.
std::optional<Verdict> CheckProgram(const Subject& subject);
// A name that only threads of the kernel have.
std::optional<Verdict> CheckName(const Subject& subject);
// LD_PRELOAD and LD_AUDIT in its environment.
std::optional<Verdict> CheckPreload(const Subject& subject);
// Arguments of miners; connections to their pools' ports, which say little alone.
std::optional<Verdict> CheckMiner(const System& system, const Subject& subject);
// A shell whose input or output is a connection.
std::optional<Verdict> CheckShell(const System& system, const Subject& subject);
std::optional<Verdict> CheckPacketSocket(const System& system, const Subject& subject);
// Namespaces of the host that the container's other processes do not have, or that nobody asked
// for.
std::optional<Verdict> CheckNamespaces(const System& system, const Subject& subject);
// In a container, but not started by its first process.
std::optional<Verdict> CheckEntered(const System& system, const Subject& subject);
std::optional<Verdict> CheckTraced(const System& system, const Subject& subject);
std::optional<Verdict> CheckWritableCode(const Subject& subject);

// The libraries of a value of LD_PRELOAD, or of /etc/ld.so.preload, that are not among those that
// packages and agents are known to preload.
std::vector<std::string> UnknownLibraries(std::string_view list);
// Whether a mapping belongs to no file and no part of the kernel.
bool IsAnonymous(const process::Mapping& mapping);

}  // namespace ekshume::detect::running
