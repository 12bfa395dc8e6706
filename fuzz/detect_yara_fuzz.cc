// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/byte_view.h"
#include "detect/yara/scanner.h"

// The input is a file. libyara, its parser of ELF among it, must take it as it is, and each match
// lies in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ekshume;
  using namespace ekshume::detect::yara;
  static const std::unique_ptr<Rules> rules = Rules::Compile({{"fuzz.yar", R"(
    import "elf"
    import "math"
    rule program { condition: elf.number_of_sections >= 0 or elf.entry_point == 0 }
    rule dense { condition: math.entropy(0, filesize) > 7 }
    rule shell { strings: $a = /\b(ba|z)?sh\s+-i[^\n]{0,40}\/dev\/(tcp|udp)\// condition: $a }
    rule page { strings: $a = /\b(eval|system)\s*\(\s*@?\$_(GET|POST)\b/ nocase condition: $a }
    rule encoded { strings: $a = "xmrig" base64 wide $b = "xmrig" xor condition: any of them }
    rule early { strings: $a = "UPX!" condition: $a in (0..1024) })",
                                                               "."}});
  if (rules->rule_count() != 6) std::abort();
  static Scanner scanner(*rules);
  const Scan scan = scanner.Run(ByteView(std::as_bytes(std::span(data, size))), {"/tmp/x", "data"});
  for (const Match& match : scan.matches) {
    for (const Place& place : match.places) {
      if (place.offset_bytes >= size) std::abort();
    }
  }
  return 0;
}
