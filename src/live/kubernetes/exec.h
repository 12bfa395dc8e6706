// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_view.h"
#include "base/progress.h"
#include "base/result.h"
#include "live/kubernetes/kubeconfig.h"

// Commands in containers over WebSocket (RFC 6455): the protocols v5.channel.k8s.io and
// v4.channel.k8s.io of the API server's `exec` (KEP-4006). Each message's first byte is its
// channel.
namespace ekshume::live::kubernetes {

struct ExecRequest {
  std::string path;  // of the pod's exec, as PathOf makes it
  std::string container;
  // What the server and the node log and show; never anything secret.
  std::vector<std::string> command;
  // What goes to its standard input. With v4 its end cannot be told: the command must know how much
  // it reads.
  std::string_view input;
  std::function<Result<void>(ByteView)> output;  // standard output, piece by piece
};

struct ExecOutcome {
  std::string protocol;  // "v5.channel.k8s.io" or "v4.channel.k8s.io"
  int exit_code = 0;
  std::string errors;  // standard error, at most some kilobytes
};

// Runs one command to its end. kIo with the reason when the connection could not be made or ended
// before the command's status came; kUnsupported when the server refuses (403 names the
// permission); kCancelled; what `output` returned. `authorization` may be "". Goes to the server
// directly, never through a proxy. One thread.
Result<ExecOutcome> Exec(const Access& access, const std::string& authorization,
                         const ExecRequest& request, const Progress* progress);

}  // namespace ekshume::live::kubernetes
