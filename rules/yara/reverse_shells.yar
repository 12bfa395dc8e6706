// SPDX-License-Identifier: Apache-2.0
// Shells that connect to their master, and implants that are known by their strings.

rule Reverse_Shell_Bash
{
  meta:
    description = "Shell that is connected to an address through /dev/tcp"
    author = "ekshume"
    level = "high"
    attack = "T1059.004, execution, T1095, command-and-control"
    false_positives = "texts about reverse shells; scripts that only test a port do not match"
  strings:
    $interactive = /\b(ba|z|da)?sh\s+-i[^\n]{0,40}[>&]{1,2}\s*\/dev\/(tcp|udp)\/[A-Za-z0-9.${}_-]{3,80}\/[0-9${}A-Za-z_]{1,20}/
    $exec = /exec\s+[0-9]{1,3}<>\s*\/dev\/(tcp|udp)\/[A-Za-z0-9.${}_-]{3,80}\/[0-9${}A-Za-z_]{1,20}[;\n&| ]{1,8}[^\n]{0,60}(while|cat\s+<&|\bsh\b|\bbash\b)/
    $back = /\/dev\/(tcp|udp)\/[A-Za-z0-9.${}_-]{3,80}\/[0-9${}A-Za-z_]{1,20}\s*0?[<>]&1/
  condition:
    filesize < 1MB and any of them
}

rule Reverse_Shell_Netcat
{
  meta:
    description = "Netcat or socat that is given a shell"
    author = "ekshume"
    level = "high"
    attack = "T1059.004, execution, T1095, command-and-control"
    false_positives = "texts about reverse shells"
  strings:
    $exec = /\b(nc|ncat|netcat)(\.(traditional|openbsd))?\s[^\n|;&]{0,120}(-e|-c|--exec|--sh-exec)[ =]+["']?(\/(usr\/)?bin\/)?(ba|da|z)?sh\b/
    $fifo = /mkfifo\s+\S{1,80}[^\n]{0,120}\b(ba|da|z)?sh\b[^\n]{0,60}\|\s*(nc|ncat|netcat|telnet|openssl\s+s_client)\b/
    $socat = /\bsocat\b[^\n]{0,200}\b(exec|system):["']?(\/(usr\/)?bin\/)?(ba|da|z)?sh\b/ nocase
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and any of them
}

rule Reverse_Shell_Script
{
  meta:
    description = "Script that joins a socket to a shell"
    author = "ekshume"
    level = "high"
    attack = "T1059, execution, T1095, command-and-control"
    false_positives = "libraries of terminals and of remote debugging"
  strings:
    $python_connect = /\.connect\s*\(\s*\(/
    $python_dup = /os\.dup2\s*\(\s*\w{1,20}\.fileno\s*\(\s*\)\s*,\s*[012]/
    $python_shell = /(pty\.spawn|subprocess\.(call|Popen|run)|os\.(system|execl|execve))\s*\(\s*[\["']{1,3}(\/bin\/)?(ba|da|z)?sh/
    $perl = /socket\s*\(\s*S\s*,\s*PF_INET[^\n]{0,300}exec\s*\(?\s*["'](\/bin\/)?(ba)?sh\s+-i/
    $php = /fsockopen\s*\([^\n]{0,120}\)[^\n]{0,120}(exec|shell_exec|system|passthru|proc_open)\s*\(\s*["'](\/bin\/)?(ba)?sh/
    $ruby = /TCPSocket\.(new|open)\s*\([^\n]{0,120}exec\s*\(?\s*["'](\/bin\/)?(ba)?sh/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and
    (($python_connect and $python_dup and $python_shell) or $perl or $php or $ruby)
}

rule Implant_Known
{
  meta:
    description = "Implant of a public command and control framework"
    author = "ekshume"
    level = "high"
    attack = "T1071, command-and-control, T1587.001"
    false_positives = "tools of penetration testers"
  strings:
    $sliver1 = "bishopfox/sliver/protobuf/sliverpb"
    $sliver2 = "sliverpb.Register"
    $mettle1 = "mettlesploit"
    $mettle2 = "core_negotiate_tlv_encryption"
    $merlin = "Ne0nd0g/merlin-agent"
    $chisel = "jpillora/chisel/client"
    $poseidon = "MythicAgents/poseidon"
  condition:
    uint32(0) == 0x464c457f and (any of ($sliver*) or all of ($mettle*) or any of ($merlin, $chisel, $poseidon))
}
