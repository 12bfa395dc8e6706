// SPDX-License-Identifier: Apache-2.0
#include "fs/ext4/symlink.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "fs/ext4/content.h"
#include "fs/ext4/directory.h"

namespace ekshume::fs::ext4 {
namespace {

// As the kernel tells: a link without blocks of its own. The attribute block, a cluster, does not
// count.
bool IsFastSymlink(const Volume& volume, const Inode& inode) {
  if (inode.Has(kInodeInlineData)) return false;
  const Geometry& geometry = volume.geometry();
  const uint64_t xattr_sectors =
      inode.xattr_block == 0 ? 0 : uint64_t{geometry.cluster_blocks} * geometry.block_bytes / 512;
  return inode.sectors == xattr_sectors && inode.size_bytes < kInodeBlockBytes;
}

}  // namespace

Result<std::string> ReadSymlinkTarget(const Volume& volume, const Inode& inode, ByteView raw) {
  std::string target;
  if (IsFastSymlink(volume, inode)) {
    target = ByteView(inode.block).First(inode.size_bytes).AsText();
  } else {
    if (inode.size_bytes > limits::kMaxSymlinkTargetBytes) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("kMaxSymlinkTargetBytes: the target has {} bytes", inode.size_bytes));
    }
    const auto file = EKSHUME_TRY(OpenContent(volume, inode, raw));
    target.resize(inode.size_bytes);
    target.resize(EKSHUME_TRY(file->ReadAt(0, AsWritableBytes(target))));
  }
  if (inode.Has(kInodeEncrypted)) {
    volume.ReportInode(DiagnosticCode::kExt4Encrypted, inode.number, "symbolic link");
    // fscrypt_symlink_data: 16 bits of length, then the ciphertext.
    const ByteView bytes = ByteView::Of(target);
    const auto length = EKSHUME_TRY(bytes.Read<le16>(0));
    return EncryptedName(bytes.From(sizeof(le16)).First(length.value()));
  }
  // readlink(2) ends at the first zero byte.
  return target.substr(0, target.find('\0'));
}

}  // namespace ekshume::fs::ext4
