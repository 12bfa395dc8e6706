// SPDX-License-Identifier: Apache-2.0
#include "image/foreign.h"

#include <array>

namespace ekshume::image {
namespace {

using std::string_view_literals::operator""sv;

struct Signature {
  std::string_view bytes;  // at offset 0
  ForeignFormat format;
};

constexpr std::string_view kQemu = "convert it first: qemu-img convert -O raw";
constexpr std::string_view kUnpack = "unpack it first";

constexpr std::array kSignatures = {
    Signature{"EVF\x09\x0d\x0a\xff\x00"sv, {"an EWF (E01) image", "export it first: ewfexport"}},
    Signature{"EVF2\x0d\x0a\x81\x00"sv, {"an EWF2 (Ex01) image", "export it first: ewfexport"}},
    Signature{"QFI\xfb"sv, {"a qcow2 image", kQemu}},
    Signature{"KDMV"sv, {"a VMDK image", kQemu}},
    Signature{"COWD"sv, {"a VMDK image", kQemu}},
    Signature{"# Disk DescriptorFile"sv, {"a VMDK descriptor", kQemu}},
    Signature{"vhdxfile"sv, {"a VHDX image", kQemu}},
    Signature{"conectix"sv, {"a VHD image", kQemu}},
    Signature{"<<< Oracle VM VirtualBox"sv, {"a VDI image", kQemu}},
    Signature{"AFF10\r\n\0"sv, {"an AFF image", "convert it first: affconvert -r"}},
    Signature{"\xfd\x37zXZ\0"sv, {"an xz file", "unpack it first: xz -d"}},
    Signature{"BZh"sv, {"a bzip2 file", "unpack it first: bzip2 -d"}},
    Signature{"\x04\x22\x4d\x18"sv, {"an lz4 file", "unpack it first: lz4 -d"}},
    Signature{"7z\xbc\xaf\x27\x1c"sv, {"a 7z archive", kUnpack}},
    Signature{"PK\x03\x04"sv, {"a zip archive", kUnpack}},
    Signature{"\x1f\x9d"sv, {"a compress (.Z) file", "unpack it first: gzip -d"}},
};

}  // namespace

const ForeignFormat* RecogniseForeign(ByteView head) {
  for (const Signature& signature : kSignatures) {
    if (head.AsText().starts_with(signature.bytes)) return &signature.format;
  }
  return nullptr;
}

}  // namespace ekshume::image
