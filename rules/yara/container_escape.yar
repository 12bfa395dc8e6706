// SPDX-License-Identifier: Apache-2.0
// Tools and scripts that lead from a container to its node.

rule Escape_Release_Agent
{
  meta:
    description = "Script that lets the kernel run a program on the node by a cgroup's release_agent"
    author = "ekshume"
    level = "high"
    attack = "T1611, privilege-escalation"
    false_positives = "texts about this escape"
  strings:
    $agent = "release_agent"
    $notify = "notify_on_release"
    $write = />\s*\S{0,120}(release_agent|cgroup\.procs|notify_on_release)/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and all of them
}

rule Escape_Core_Pattern
{
  meta:
    description = "Script that lets the kernel run a program on the node by core_pattern or another helper"
    author = "ekshume"
    level = "high"
    attack = "T1611, privilege-escalation"
    false_positives = "set-up of crash collectors on nodes"
  strings:
    $core = /\|[^\n]{1,200}>\s*\S{0,80}\/proc\/sys\/kernel\/core_pattern/
    $helper = />\s*\S{0,80}\/(proc\/sys\/kernel\/modprobe|sys\/kernel\/uevent_helper|proc\/sys\/fs\/binfmt_misc\/register)/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and any of them
}

rule Escape_Runc_Overwrite
{
  meta:
    description = "Script whose interpreter is the process that starts it, to overwrite runc (CVE-2019-5736)"
    author = "ekshume"
    level = "high"
    attack = "T1611, privilege-escalation"
    false_positives = "none known"
  strings:
    $interpreter = /^#!\s*\/proc\/self\/exe/
  condition:
    $interpreter at 0
}

rule Escape_To_Node_Script
{
  meta:
    description = "Script that enters the node's namespaces or mounts its disk"
    author = "ekshume"
    level = "medium"
    attack = "T1611, privilege-escalation"
    false_positives = "agents that administer nodes"
  strings:
    $nsenter = /\bnsenter\s[^\n]{0,80}(-t|--target)[ =]?1\b/
    $mount = /\bmount\s+[^\n]{0,60}\/dev\/(sd[a-z]|nvme[0-9]|xvd[a-z]|vd[a-z])\w{0,6}\s[^\n]{0,200}[\n;&]{1,4}[^\n]{0,80}\bchroot\b/
    $socket = /--unix-socket[ =]\S{0,40}(docker|containerd|crio)\.sock[^\n]{0,200}\/containers\/create/
    $docker = /docker\s[^\n]{0,80}\brun\b[^\n]{0,200}(-v|--volume)[ =]\/:\//
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and any of them
}

rule Escape_Tool
{
  meta:
    description = "Public tool that looks for ways out of a container or through a cluster"
    author = "ekshume"
    level = "high"
    attack = "T1611, privilege-escalation, T1613, discovery"
    false_positives = "tools of penetration testers"
  strings:
    $cdk = "cdk-team/CDK/pkg"
    $botb = "brompwnie/botb"
    $peirates = "inguardians/peirates"
    $kubeletctl = "cyberark/kubeletctl"
    $amicontained = "genuinetools/amicontained"
    $kdigger = "quarkslab/kdigger"
    $deepce1 = "stealthcopter/deepce"
    $deepce2 = "Docker Enumeration, Escalation of Privileges and Container Escapes"
    $kubehunter = "aquasecurity/kube-hunter"
    $linpeas = "Linux Privilege Escalation Awesome Script"
  condition:
    filesize < 64MB and any of them
}
