// SPDX-License-Identifier: Apache-2.0
#include "detect/drift/rules.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace ekshume::detect::drift {
namespace {

constexpr std::array kRules = {
    Rule{"drift.setuid_added", "Set-uid or set-gid program added", "high",
         "attack.privilege-escalation attack.persistence attack.t1548.001",
         "Whoever starts it gets the rights of its owner."},
    Rule{"drift.file_capability_added", "Program given capabilities", "high",
         "attack.privilege-escalation attack.persistence attack.t1548.001",
         "Whoever starts it gets rights that only root has."},
    Rule{"drift.start_changed", "Entry point or start script changed", "high",
         "attack.persistence attack.execution attack.t1554 attack.t1037",
         "It runs whenever the container starts again."},
    Rule{"drift.name_masquerade", "Program with the name of a kernel thread or system service",
         "high", "attack.defense-evasion attack.t1036.005",
         "In a list of processes it looks like a part of the system."},
    Rule{"drift.program_disguised", "Program with the name of another kind of file", "high",
         "attack.defense-evasion attack.t1036.008",
         "Its name says picture, text or log; its first bytes say program."},
    Rule{"drift.hidden_program", "Hidden program added", "high",
         "attack.defense-evasion attack.t1564.001",
         "Its name, or the name of a folder above it, begins with a dot."},
    Rule{"drift.temporary_program", "Program added in a folder for temporary files", "high",
         "attack.execution attack.defense-evasion attack.t1105 attack.t1036.005",
         "Everybody may write there, and nothing that belongs there runs."},
    Rule{"drift.program_added", "Program added that is in no layer of the image", "medium",
         "attack.command-and-control attack.t1105",
         "Containers should run what their image holds and nothing else."},
    Rule{"drift.program_changed", "Program of the image or of a package changed", "high",
         "attack.persistence attack.t1554", "Its content is not what was built or installed."},
    Rule{"drift.package_file_changed", "File of a package changed", "low",
         "attack.persistence attack.t1554", "Its content is not what the package holds."},
    Rule{"drift.package_file_deleted", "Program of a package deleted", "medium",
         "attack.defense-evasion attack.t1070.004",
         "Packages are removed when an image is built, not while it runs."},
    Rule{"drift.packages_installed", "Packages installed in a running container", "low",
         "attack.command-and-control attack.t1105",
         "What a container needs is in its image; attackers install what they miss."},
    Rule{"drift.tool_removed", "Tool for administration or security removed", "medium",
         "attack.defense-evasion attack.t1562.001 attack.t1070.004",
         "It takes a tool from the responder, or from a rival."},
    Rule{"drift.directory_replaced", "Directory of the image deleted and made anew", "medium",
         "attack.defense-evasion attack.impact attack.t1565.001",
         "What the image had there is gone from the container's view; it is still in the layer."},
    Rule{"drift.directory_to_symlink", "Directory of the image replaced by a symbolic link",
         "medium", "attack.impact attack.t1565.001 attack.t1491",
         "Programs that use the path now see other files."},
    Rule{"drift.directory_deleted", "Directory of the image deleted", "medium",
         "attack.impact attack.defense-evasion attack.t1485 attack.t1070.004",
         "What it held is still in the layer."},
    Rule{"drift.deleted_running", "Program deleted while it was in use", "high",
         "attack.defense-evasion attack.t1070.004",
         "A process that deletes its own file can no longer be looked at by name; its data is "
         "still on the disk."},
    Rule{"drift.ssh_key", "Key for logins by SSH added", "high",
         "attack.persistence attack.t1098.004", "Its owner can log in without a password."},
    Rule{"drift.ssh_server", "Settings or keys of the SSH server changed", "low",
         "attack.persistence attack.t1098.004", "They decide who may log in."},
    Rule{"drift.cron", "Table or script of cron or at written", "medium",
         "attack.persistence attack.execution attack.t1053.003",
         "It is run again and again, as root as a rule."},
    Rule{"drift.systemd_unit", "Unit of systemd written", "low",
         "attack.persistence attack.t1543.002", "It is started with the machine."},
    Rule{"drift.init_script", "Script that runs at start written", "medium",
         "attack.persistence attack.t1037.004", "It is run with the machine's start."},
    Rule{"drift.library_preload", "Library preloaded into every program", "high",
         "attack.persistence attack.defense-evasion attack.t1574.006",
         "Every program that starts loads the libraries named here."},
    Rule{"drift.library_path", "Path of the dynamic linker changed", "low",
         "attack.persistence attack.t1574.006", "It decides which libraries programs load."},
    Rule{"drift.account", "Accounts changed", "low",
         "attack.persistence attack.t1136.001 attack.t1098",
         "Who may log in, and with which rights."},
    Rule{"drift.sudo_rule", "Rules of sudo changed", "medium",
         "attack.privilege-escalation attack.t1548.003", "They say who may become root."},
    Rule{"drift.login_rule", "Rules of logins (PAM) changed", "medium",
         "attack.persistence attack.credential-access attack.t1556.003",
         "They decide whether a password is asked for."},
    Rule{"drift.shell_profile", "Profile of shells changed", "medium",
         "attack.persistence attack.t1546.004", "Every shell that starts runs it."},
    Rule{"drift.shell_history", "History of a shell left", "low",
         "attack.execution attack.t1059.004",
         "Somebody had an interactive shell; the commands are in the timeline."},
    Rule{"drift.kernel_module", "Settings of kernel modules changed", "medium",
         "attack.persistence attack.t1547.006", "Modules are loaded with the machine's start."},
    Rule{"drift.udev_rule", "Rule of udev written", "medium", "attack.persistence attack.t1546.017",
         "It runs programs when devices appear."},
    Rule{"drift.static_pod", "Manifest of a static pod written", "high",
         "attack.persistence attack.t1543.005 attack.t1610",
         "The kubelet runs what lies here without asking the API server."},
    Rule{"drift.name_resolution", "Resolution of names changed", "low",
         "attack.command-and-control attack.t1565.001", "It may lead programs to other machines."},
    Rule{"drift.archive_staged", "Archive left in a volume or temporary folder", "low",
         "attack.collection attack.t1074.001 attack.t1560",
         "Data is packed before it is taken away."},
    Rule{"drift.hidden_file", "File in a hidden folder for temporary files", "low",
         "attack.defense-evasion attack.t1564.001",
         "Settings and results of programs that hide lie there."},
    Rule{"drift.host_access", "Container that can reach its host", "medium",
         "attack.privilege-escalation attack.t1611 attack.t1610",
         "Whoever controls it can control the node and all its pods."},
};

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule& RuleIn(std::span<const Rule> rules, std::string_view id) {
  const auto found = std::ranges::find(rules, id, &Rule::id);
  EKSHUME_CHECK(found != rules.end());
  return *found;
}

const Rule& RuleOf(std::string_view id) { return RuleIn(kRules, id); }

}  // namespace ekshume::detect::drift
