// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// What the name of a file tells. Paths have no leading slash; names are bytes from evidence.
namespace ekshume::detect::drift {

// A place where attackers make themselves at home.
struct Place {
  std::string_view prefix;
  std::string_view why;   // for people: "cron", "ssh key"
  std::string_view rule;  // of drift/rules.h
};

// The place that a path lies in, null for ordinary paths. Programs in temporary folders, hidden and
// set-uid ones are no places.
const Place* FindPlace(std::string_view path);

std::string_view FileName(std::string_view path);
// Below /tmp, /var/tmp, /dev/shm or /run/lock: world-writable by design.
bool IsTemporary(std::string_view path);
// A name that begins with a dot, the file's or that of a folder above it. Folders in which programs
// of users usually keep things (.cache, .local, .npm, .venv, ...) do not count.
bool IsHidden(std::string_view path);
// Below a folder where builds, package managers and browsers keep what they can fetch again.
bool IsCache(std::string_view path);
// Below a folder that the go command makes for what it builds and runs itself
// (tmp/go-build123/b001/x). A name: anybody may take it.
bool IsGoBuild(std::string_view path);
// bin, sbin, lib and the like of the system.
bool IsSystemFolder(std::string_view path);

// What a program imitates: "a kernel thread" (kworkerd), "a system service" (.dbus, systemd-x in
// /opt), or "".
std::string_view Imitates(std::string_view path);
// The extension of a name that says it is no program (jpg, log, ...), else "".
std::string_view DisguiseOf(std::string_view path);
// Shared libraries, also those of Python and Java in temporary folders: loaded, not started.
bool IsLibraryName(std::string_view path);
// curl, ps, tcpdump, apt, ...: what a responder or an administrator needs.
bool IsTool(std::string_view path);
bool IsShell(std::string_view path);
bool IsArchiveName(std::string_view path);

}  // namespace ekshume::detect::drift
