// SPDX-License-Identifier: Apache-2.0
#include "runtime/image_config.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "fs/path.h"

namespace ekshume::runtime {

void ReadImageConfig(const Json& config, Image& image) {
  image.platform = fs::JoinPath(Text(Member(config, "os")), Text(Member(config, "architecture")));
  image.platform = fs::JoinPath(image.platform, Text(Member(config, "variant")));
  image.created = Time(Member(config, "created"));
  image.diff_ids = Texts(Member(config, "rootfs", "diff_ids"));
  if (image.diff_ids.size() > static_cast<size_t>(limits::kMaxLayers)) {
    image.diff_ids.resize(static_cast<size_t>(limits::kMaxLayers));
  }
  for (const Json& step : Member(config, "history")) {
    image.history.push_back(Text(Member(step, "created_by")));
  }
  const Json& run = Member(config, "config");
  image.entrypoint = Texts(Member(run, "Entrypoint"));
  image.command = Texts(Member(run, "Cmd"));
  image.environment = Texts(Member(run, "Env"));
  image.labels = TextMembers(Member(run, "Labels"));
}

std::vector<std::string> ChainIds(const std::vector<std::string>& diff_ids) {
  std::vector<std::string> chain_ids;
  for (const std::string& diff_id : diff_ids) {
    if (chain_ids.empty()) {
      chain_ids.push_back(diff_id);
      continue;
    }
    const std::string text = fmt::format("{} {}", chain_ids.back(), diff_id);
    chain_ids.push_back("sha256:" + ToHex(Sha256::Of(ByteView::Of(text))));
  }
  return chain_ids;
}

}  // namespace ekshume::runtime
