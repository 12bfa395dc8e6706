// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "volume/format.h"
#include "volume/gpt/format.h"

namespace ekshume::volume::gpt {

// True when a GPT header, primary or backup, stands where one belongs (LBA 1 or the last LBA, in
// sectors of 512 or 4096 bytes), even a damaged one.
bool Sniff(const image::Image& image);

// Reads the primary header and table and the backup and checks all four CRCs. Either one that is
// whole is enough; when neither is, the first whose fields make sense is used all the same, as a
// wrong list that is diagnosed helps more than none. kCorrupt when there is not even that.
Result<PartitionTable> Read(const image::Image& image, DiagnosticSink& diagnostics);

// "0fc63daf-8483-4772-8e79-3d69d8477de4".
std::string GuidText(const Guid& guid);

// UTF-8 of a partition name, which ends at the first zero; lone surrogates become U+FFFD.
std::string NameText(const std::array<le16, 36>& name);

extern const Format kFormat;

}  // namespace ekshume::volume::gpt
