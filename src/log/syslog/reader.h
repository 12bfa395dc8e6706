// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// Syslog files of a node: RFC 3164 (/var/log/messages, secure, auth.log), RFC 5424, and lines that
// begin with an ISO time (rsyslog's newer default, `journalctl -o short-iso`). RFC 3164 writes no
// year; it is taken from Stream::written. What sshd, sudo, su, cron and the programs that manage
// accounts say is taken apart.
namespace ekshume::log::syslog {

const Format& SyslogFormat();

}  // namespace ekshume::log::syslog
