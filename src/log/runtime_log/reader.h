// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// The logs of containerd and dockerd: logrus text. containerd's CRI plugin says what the kubelet
// asks for and what came of it:
//   msg="StartContainer for \"505e...\" returns successfully"
namespace ekshume::log::runtime_log {

const Format& RuntimeLogFormat();

}  // namespace ekshume::log::runtime_log
