// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// What the shell of a container is asked to do where no program of ours may come into it: POSIX sh,
// and of other programs only those that are there. Each script gets the boundary of its sections
// (tool_answers.h) as $1 and ends with a section "end", by which a reader sees that nothing was
// cut. Nothing in them is secret, as audit logs keep commands.
namespace ekshume::live::kubernetes {

// Defines c FILE, which prints a file by the first program that can, or by the shell itself, which
// loses NULs; and s NAME, which begins a section.
inline constexpr std::string_view kPrelude = R"(B=$1
if command -v cat >/dev/null 2>&1; then c() { cat "$1"; }
elif command -v dd >/dev/null 2>&1; then c() { dd if="$1" bs=65536 2>/dev/null; }
elif command -v tail >/dev/null 2>&1; then c() { tail -c +1 "$1"; }
else c() { while IFS= read -r l || [ -n "$l" ]; do printf '%s\n' "$l"; done < "$1"; }
fi
s() { printf '\n%s %s\n' "$B" "$1"; }
)";

// Processes with their links, sockets, what the kernel says of itself, and which tools there are.
inline constexpr std::string_view kLiveScript = R"(
s tools
for t in cat dd tail ls readlink tar sha256sum head ps env; do command -v $t; done
s self; echo $$
for p in /proc/[0-9]*; do
n=${p#/proc/}
[ "$n" = $$ ] && continue
for f in stat status cmdline environ cgroup maps; do s "proc/$n/$f"; c $p/$f; done
s "links/$n"
if command -v ls >/dev/null; then ls -l $p/exe $p/cwd $p/root $p/fd $p/ns
elif command -v readlink >/dev/null; then
for f in $p/exe $p/cwd $p/root $p/fd/* $p/ns/*; do t=$(readlink $f) && echo "$f -> $t"; done
fi
done 2>/dev/null
for f in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix; do s net/$f; c /proc/net/$f; done 2>/dev/null
for f in route ipv6_route arp dev if_inet6 fib_trie netstat snmp sockstat; do s nettext/$f; c /proc/net/$f; done 2>/dev/null
for f in stat version modules cmdline uptime sys/kernel/hostname sys/kernel/osrelease sys/kernel/random/boot_id self/mountinfo; do s sys/$f; c /proc/$f; done 2>/dev/null
if command -v ps >/dev/null; then s tool/ps; ps -ef || ps; fi 2>/dev/null
if command -v env >/dev/null; then s tool/env; env; fi 2>/dev/null
s end
)";

// One file ($2): 3 when it is none, so that no pipe is waited for.
inline constexpr std::string_view kFileScript = R"(
[ -f "$2" ] || exit 3
c "$2"
)";

// Memory of process $2 through /proc/PID/mem: what dd can read of its mappings; $3 is "anonymous"
// or "all". A section for each mapping, START-END.
inline constexpr std::string_view kMemoryScript = R"(
while read -r r q o d i p; do
case $q in r*) ;; *) continue;; esac
case $p in '[v'*|/dev/*) continue;; esac
if [ $3 = anonymous ]; then case $q$p in rw*|????|*'[heap]'|*'[stack]') ;; *) continue;; esac; fi
a=$((0x${r%-*})); e=$((0x${r#*-}))
s $r
dd if=/proc/$2/mem bs=4096 skip=$((a / 4096)) count=$(((e - a) / 4096)) 2>/dev/null
done < /proc/$2/maps
s end
)";

// Places that answer the first questions, as the collector's triage profile has them, as far as a
// container can have them. Relative to the root; expanded by the shell.
inline constexpr std::string_view kPlaces =
    "dev/shm tmp var/tmp run etc/passwd etc/group etc/shadow etc/sudoers etc/sudoers.d etc/hosts "
    "etc/hostname etc/os-release etc/resolv.conf etc/ld.so.preload etc/ld.so.conf.d etc/profile "
    "etc/profile.d etc/bash.bashrc etc/crontab etc/cron* etc/rc.local etc/init.d etc/ssh etc/pam.d "
    "root/.[!.]* home/*/.[!.]* var/spool/cron var/log usr/local/bin";

// By tar, $2 to be kPlaces.
inline constexpr std::string_view kTarScript = R"(
cd /
places=$2
set --
for f in $places; do if [ -e "$f" ] || [ -h "$f" ]; then set -- "$@" "$f"; fi; done
exec tar -cf - "$@"
)";

// Without tar: regular files of these places, three folders deep, each a section with its path.
inline constexpr std::string_view kFilesScript = R"(
cd /
for f in $2; do for g in "$f" "$f"/* "$f"/.[!.]* "$f"/*/* "$f"/*/*/*; do
if [ -f "$g" ] && ! [ -h "$g" ]; then s "$g"; c "$g"; fi
done; done 2>/dev/null
s end
)";

}  // namespace ekshume::live::kubernetes
