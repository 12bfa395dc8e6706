// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "artifact/format.h"

// What runs by the clock: crontab(5) tables of the system and of users (cron, cronie, BusyBox),
// anacron, the scripts of /etc/cron.{hourly,daily,...} and /etc/periodic, and at(1) jobs.
namespace ekshume::artifact::cron {

// One event per job line or script. The time is that of the file's last change, which is when the
// job was put there at the latest.
const Format& CronFormat();

}  // namespace ekshume::artifact::cron
