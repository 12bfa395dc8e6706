// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "artifact/accounts/reader.h"
#include "artifact/cloud/reader.h"
#include "artifact/container_life/reader.h"
#include "artifact/cron/reader.h"
#include "artifact/format.h"
#include "artifact/journal/reader.h"
#include "artifact/kubelet_leftovers/reader.h"
#include "artifact/mactime/reader.h"
#include "artifact/packages/reader.h"
#include "artifact/shell_history/reader.h"
#include "artifact/ssh/reader.h"
#include "artifact/startup/reader.h"
#include "artifact/systemd_unit/reader.h"
#include "artifact/utmp/reader.h"

namespace ekshume::artifact {

std::span<const Format* const> Formats() {
  static const std::array formats{
      &accounts::AccountsFormat(),
      &cloud::CloudFormat(),
      &container_life::ContainerLifeFormat(),
      &cron::CronFormat(),
      &journal::JournalFormat(),
      &kubelet_leftovers::KubeletLeftoversFormat(),
      &mactime::MactimeFormat(),
      &packages::PackagesFormat(),
      &shell_history::ShellHistoryFormat(),
      &ssh::SshFormat(),
      &startup::StartupFormat(),
      &systemd_unit::SystemdUnitFormat(),
      &utmp::UtmpFormat(),
  };
  return formats;
}

}  // namespace ekshume::artifact
