// SPDX-License-Identifier: Apache-2.0
#include "detect/running/rules.h"

#include <array>

namespace ekshume::detect::running {
namespace {

constexpr std::array kRules = {
    Rule{"running.memory_program", "Program that runs from memory and has no file", "high",
         "attack.defense-evasion attack.t1620",
         "It was never a file on a disk: this is how implants avoid to be found there."},
    Rule{"running.deleted_program", "Program that runs and whose file is deleted", "high",
         "attack.defense-evasion attack.t1070.004",
         "Malware deletes its own file once it runs; updates replace files of programs that run."},
    Rule{"running.temporary_program", "Program that runs from a folder for temporary files", "high",
         "attack.execution attack.defense-evasion attack.t1105 attack.t1036.005",
         "Everybody may write there, and nothing that belongs there runs."},
    Rule{"running.program_not_of_image", "Program that runs and is not of its container's image",
         "medium", "attack.command-and-control attack.t1105",
         "Containers should run what their image holds and nothing else."},
    Rule{"running.kernel_look_alike", "Process that looks like a thread of the kernel", "high",
         "attack.defense-evasion attack.t1036.005",
         "Threads of the kernel have no program; who takes their name hides."},
    Rule{"running.library_preload", "Library preloaded into processes", "high",
         "attack.persistence attack.privilege-escalation attack.defense-evasion attack.t1574.006",
         "It sees and changes all that the program does: this is how rootkits hide and passwords "
         "are taken."},
    Rule{"running.miner", "Miner of coins", "high", "attack.impact attack.t1496",
         "It spends the processors' time for somebody else."},
    Rule{"running.shell_on_socket", "Shell or interpreter that a connection drives", "high",
         "attack.execution attack.command-and-control attack.t1059.004",
         "Who is at the other end types commands: a reverse or bind shell."},
    Rule{"running.packet_socket", "Process that reads packets", "medium",
         "attack.credential-access attack.discovery attack.t1040",
         "It sees what others send and receive, and can be woken by a packet that no port shows."},
    Rule{"running.host_namespace", "Process of a container in a namespace of its host", "high",
         "attack.privilege-escalation attack.t1611",
         "What keeps a container in its place does not hold for it."},
    Rule{"running.entered", "Process brought into a container from outside", "low",
         "attack.execution attack.t1609",
         "kubectl exec, a probe, a runtime's exec and nsenter do this; the API server's audit log "
         "says who."},
    Rule{"running.hidden_process", "Process that is hidden from the listing", "high",
         "attack.defense-evasion attack.t1014", "This takes a rootkit."},
    Rule{"running.traced", "Process that another one traces", "medium",
         "attack.defense-evasion attack.privilege-escalation attack.t1055.008",
         "Who traces a process reads and writes its memory, and can run code in it."},
    Rule{"running.library_in_memory", "Program or library that was loaded from memory", "high",
         "attack.defense-evasion attack.t1055 attack.t1620",
         "The dynamic linker loads from files; this came in another way."},
    Rule{"running.writable_code", "Memory that is writable and executable", "low",
         "attack.defense-evasion attack.t1055",
         "Injected code lies in such memory, and so does what just-in-time compilers make."},
};

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule& RuleOf(std::string_view id) { return drift::RuleIn(kRules, id); }

}  // namespace ekshume::detect::running
