// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "live/aws/s3.h"

namespace ekshume::live::aws {
namespace {

// What is sent at once. An upload has at most 10,000 parts, so those of huge files are larger.
constexpr uint64_t kPartBytes = uint64_t{16} << 20;
constexpr uint64_t kMostParts = 9000;

Result<std::string> ReadPart(std::ifstream& file, const std::string& path, uint64_t size) {
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return Fail(ErrorCode::kIo, fmt::format("cannot read {}", path));
  }
  return bytes;
}

}  // namespace

Result<uint64_t> UploadFile(const Client& client, const S3Place& place, const std::string& path,
                            ServiceError* failure) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return Fail(ErrorCode::kIo, fmt::format("cannot read {}", path));
  if (size <= kPartBytes) {
    std::string bytes = EKSHUME_TRY(ReadPart(file, path, size));
    EKSHUME_TRY(PutObject(client, place, std::move(bytes), failure));
    return size;
  }
  const uint64_t part_bytes = std::max(kPartBytes, size / kMostParts);
  const std::string id = EKSHUME_TRY(CreateMultipartUpload(client, place, failure));
  std::vector<UploadedPart> parts;
  for (uint64_t done = 0; done < size; done += parts.back().size_bytes) {
    std::string bytes = EKSHUME_TRY(ReadPart(file, path, std::min(part_bytes, size - done)));
    const int number = static_cast<int>(parts.size()) + 1;
    parts.push_back(EKSHUME_TRY(UploadPart(client, place, id, number, std::move(bytes), failure)));
  }
  EKSHUME_TRY(CompleteMultipartUpload(client, place, id, parts, failure));
  return size;
}

}  // namespace ekshume::live::aws
