// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/format.h"

// What containers print, as containerd and CRI-O keep it (kubernetes design proposal
// "kubelet-cri-logging"; /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log):
//   2016-10-06T00:17:09.669794202Z stdout F text
// Long lines come in parts: P (partial) ones, then an F (full) one. Which pod it is stands in the
// path only: see Stream::defaults.
namespace ekshume::log::cri {

const Format& CriFormat();

}  // namespace ekshume::log::cri
