// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "collection/reader.h"
#include "fs/filesystem.h"
#include "image/image.h"

namespace ekshume::collection {

// All parts of a collection as one image, the tar streams one after the other, and as one tree of
// files. Owns the parts. Any number of threads may read it and its tree.
class PartsImage final : public image::Image {
 public:
  // As Reader::Open(); `name` is for people.
  static Result<std::unique_ptr<PartsImage>> Open(std::vector<std::unique_ptr<image::Image>> parts,
                                                  std::string name, DiagnosticSink& diagnostics);

  const Reader& reader() const { return *reader_; }

  // The members that count, and the tables as Reader::ReadTable() joins them: pieces of all parts
  // are numbered through. Of a table's piece that did not arrive whole the beginning is shown; of
  // other members reads of what is missing fail with kCorrupt. The image must outlive the tree.
  std::unique_ptr<fs::Filesystem> Tree(DiagnosticSink& diagnostics) const;

  uint64_t size_bytes() const override { return begins_.back(); }
  const std::string& name() const override { return name_; }
  Result<void> ReadAt(uint64_t offset_bytes, std::span<std::byte> out) const override;

 private:
  explicit PartsImage(std::string name) : name_(std::move(name)) {}

  const std::string name_;
  std::vector<std::unique_ptr<image::Image>> parts_;
  std::unique_ptr<Reader> reader_;
  std::vector<uint64_t> begins_;  // of each part, by its number; one more at the end
};

}  // namespace ekshume::collection
