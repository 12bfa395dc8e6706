// SPDX-License-Identifier: Apache-2.0
// What keeps an intruder on a node or in a container, or hides him.

rule Rootkit_Process_Hider
{
  meta:
    description = "Library that hides processes or files from programs that load it"
    author = "ekshume"
    level = "high"
    attack = "T1574.006, persistence, T1014, defense-evasion"
    false_positives = "none known"
  strings:
    $readdir = "readdir64"
    $descriptor = "/proc/self/fd/%d"
    $stat = "/proc/%s/stat"
    $next = "dlsym"
    $name = "%d (%[^)]s"
    $preload = "/etc/ld.so.preload"
  condition:
    uint32(0) == 0x464c457f and uint16(16) == 3 and filesize < 1MB and $readdir and $next and
    (($descriptor and $stat and $name) or $preload)
}

rule Rootkit_Kernel_Module
{
  meta:
    description = "Kernel module that is known to hide processes and files"
    author = "ekshume"
    level = "high"
    attack = "T1547.006, persistence, T1014, defense-evasion"
    false_positives = "none known"
  strings:
    $diamorphine = "diamorphine_"
    $reptile = "reptile_shell"
    $module = "vermagic="
    $table = "sys_call_table"
    $hide1 = "hacked_getdents"
    $hide2 = "orig_getdents"
  condition:
    uint32(0) == 0x464c457f and uint16(16) == 1 and $module and
    (any of ($diamorphine, $reptile) or ($table and any of ($hide*)))
}

rule Script_Downloads_And_Runs
{
  meta:
    description = "Scheduled command that downloads something and runs it"
    author = "ekshume"
    level = "high"
    attack = "T1053.003, persistence, T1105, command-and-control"
    false_positives = "updates of agents by their vendor's script"
  strings:
    $pipe = /\b(curl|wget)\b[^\n|]{0,300}https?:\/\/[^\n|]{1,300}\|\s*(sudo\s+)?(ba|da|z)?sh\b/
    $decoded = /base64\s+(-d|--decode|-D)\b[^\n]{0,40}\|\s*(ba|da|z)?sh\b/
  condition:
    filesize < 256KB and (filepath contains "/cron" or filepath contains "/systemd/" or filepath contains "/init.d/" or filepath contains "/profile") and
    any of them
}

rule Script_Adds_SSH_Key
{
  meta:
    description = "Script that adds a key to those that may log in"
    author = "ekshume"
    level = "medium"
    attack = "T1098.004, persistence"
    false_positives = "set-up of machines"
  strings:
    $add = /ssh-(rsa|ed25519|dss)\s+AAAA[A-Za-z0-9+\/=]{40,1000}[^\n]{0,200}>>\s*[^\n]{0,80}authorized_keys/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and $add
}
