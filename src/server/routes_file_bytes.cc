// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "server/file_request.h"
#include "server/limits.h"
#include "server/locked_archive.h"
#include "server/picture.h"
#include "server/routes.h"
#include "server/strings.h"
#include "server/temporary_source.h"

namespace ekshume::server {
namespace {

using View = FileViews::View;

// A file of evidence while it is sent.
class FileSource final : public ByteSource {
 public:
  FileSource(std::shared_ptr<const View> view, std::unique_ptr<fs::File> file)
      : view_(std::move(view)), file_(std::move(file)) {}
  uint64_t size_bytes() const override { return file_->size_bytes(); }
  std::string Read(uint64_t offset, size_t most) override {
    std::string piece(most, '\0');
    const auto count = file_->ReadAt(offset, AsWritableBytes(piece));
    piece.resize(count ? *count : 0);
    return piece;
  }

 private:
  const std::shared_ptr<const View> view_;
  const std::unique_ptr<fs::File> file_;
};

Result<ApiReply> Content(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, INT64_MAX));
  const uint64_t limit = EKSHUME_TRY(request.Number("limit", 65536, limits::kMostContentBytes));
  const std::string bytes = EKSHUME_TRY(ReadPart(*file, offset, limit));
  return ApiReply::Of({{"size", file->size_bytes()},
                       {"offset", offset},
                       {"base64", EncodeBase64(ByteView::Of(bytes))}});
}

Result<ApiReply> Strings(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const uint64_t offset = EKSHUME_TRY(request.Number("offset", 0, INT64_MAX));
  const uint64_t shortest = EKSHUME_TRY(request.Number("shortest", 6, 64));
  const std::string bytes = EKSHUME_TRY(ReadPart(*file, offset, limits::kMostStringsBytes));
  Json found = Json::array();
  for (const FoundString& text : FindStrings(bytes, std::max<uint64_t>(shortest, 3))) {
    if (found.size() >= limits::kMostStrings) break;
    found.push_back({{"offset", offset + text.offset},
                     {"encoding", text.is_wide ? "utf-16le" : "ascii"},
                     {"text", text.text}});
  }
  const uint64_t end = offset + bytes.size();
  return ApiReply::Of({{"size", file->size_bytes()},
                       {"read_to", end},
                       {"more", end < file->size_bytes() || found.size() >= limits::kMostStrings},
                       {"strings", found}});
}

Result<ApiReply> Download(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kYes));
  auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  Json change = {{"of", asked.place}, {"size", file->size_bytes()}};
  AddName(change, "path", asked.path);
  EKSHUME_TRY(service.Record("download", request.analyst, change));
  // Not the attacker's name: a dot for what it ends with would make it run on a double click.
  return ApiReply::File("evidence.bin", std::make_unique<FileSource>(asked.view, std::move(file)));
}

// The parameters of a file, from the members of a body: what is posted stands in no address.
ApiRequest FromBody(const ApiRequest& request) {
  ApiRequest named = request;
  for (const std::string name : {"of", "path", "path_hex", "version"}) {
    const auto found = request.body.is_object() ? request.body.find(name) : request.body.end();
    if (found != request.body.end() && found->is_string()) named.values[name] = *found;
  }
  return named;
}

Result<ApiReply> Archive(CaseService& service, const ApiRequest& request) {
  if (!request.body.is_object() || !request.body.contains("password") ||
      !request.body["password"].is_string()) {
    return Fail(ErrorCode::kInvalidArgument, "the body is {of, path, password}");
  }
  const AskedFile asked = EKSHUME_TRY(FindFile(service, FromBody(request), fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const fs::Stat stat = EKSHUME_TRY(asked.filesystem->GetStat(asked.node));
  const bool is_old = asked.filesystem != asked.view->filesystem;
  Json about = {{"case", service.opened().id()},
                {"of", asked.place},
                {"version", is_old ? "old" : "present"},
                {"modified", FormatTimestamp(stat.modified)},
                {"analyst", request.analyst}};
  AddName(about, "path", asked.path);
  LockedArchive locked =
      EKSHUME_TRY(LockFile(*file, std::move(about), request.body["password"].get<std::string>()));
  Json change = {{"of", asked.place},
                 {"size", file->size_bytes()},
                 {"sha256", locked.sha256},
                 {"form", "archive"}};
  AddName(change, "path", asked.path);
  EKSHUME_TRY(service.Record("download", request.analyst, change));
  return ApiReply::File(
      "evidence.zip", std::make_unique<TemporarySource>(std::move(locked.file), locked.size_bytes));
}

// "problem" instead of an error: that a file is no picture is an answer.
Result<ApiReply> PictureOf(CaseService& service, const ApiRequest& request) {
  const AskedFile asked = EKSHUME_TRY(FindFile(service, request, fs::FollowLast::kYes));
  const auto file = EKSHUME_TRY(asked.filesystem->OpenFile(asked.node));
  const uint64_t size = file->size_bytes();
  Json reply = {{"size", size},      {"type", nullptr},    {"width", nullptr},
                {"height", nullptr}, {"problem", nullptr}, {"base64", nullptr}};
  const uint64_t most = std::min<uint64_t>(size, limits::kMostPictureBytes);
  const std::string bytes = EKSHUME_TRY(ReadPart(*file, 0, most));
  const Result<Picture> picture = ReadPicture(ByteView::Of(bytes));
  if (!picture) {
    reply["problem"] = picture.error().code == ErrorCode::kUnsupported
                           ? picture.error().message
                           : "a damaged picture: " + picture.error().message;
    return ApiReply::Of(reply);
  }
  reply["type"] = picture->type;
  reply["width"] = picture->width;
  reply["height"] = picture->height;
  if (size > limits::kMostPictureBytes) {
    reply["problem"] =
        fmt::format("too large: {} bytes, {} at most are drawn", size, limits::kMostPictureBytes);
  } else if (uint64_t{picture->width} * picture->height > limits::kMostPicturePixels) {
    reply["problem"] = fmt::format("too large: {} × {} pixels, {} at most are drawn",
                                   picture->width, picture->height, limits::kMostPicturePixels);
  } else {
    reply["base64"] = EncodeBase64(ByteView::Of(bytes));
  }
  return ApiReply::Of(reply);
}

}  // namespace

void AddFileByteRoutes(Router& router, CaseService& service) {
  router.Add(
      {"GET", "/files/content", "A part of a file, as base64 in JSON.",
       FileParameters({{"offset", "in bytes"}, {"limit", "in bytes (65536; 1 MiB at most)"}}), "",
       [&](const ApiRequest& request) { return Content(service, request); }});
  router.Add({"GET", "/files/strings", "Texts in a file.",
              FileParameters({{"offset", "in bytes"}, {"shortest", "in characters (6)"}}), "",
              [&](const ApiRequest& request) { return Strings(service, request); }});
  router.Add({"GET", "/files/download", "A whole file. The custody ledger records it.",
              FileParameters({}), "",
              [&](const ApiRequest& request) { return Download(service, request); }});
  router.Add({"POST",
              "/files/archive",
              "A whole file in a ZIP archive with a password (AES-256). The custody ledger records "
              "it.",
              {},
              "{of, path or path_hex, version, password}, as those of a download",
              [&](const ApiRequest& request) { return Archive(service, request); },
              Role::kReader});
  router.Add({"GET", "/files/picture",
              "A raster image with its size in pixels, as base64 in JSON: PNG, JPEG, GIF, WebP and "
              "BMP by what is in it. `problem` says why there is none.",
              FileParameters({}), "",
              [&](const ApiRequest& request) { return PictureOf(service, request); }});
}

}  // namespace ekshume::server
