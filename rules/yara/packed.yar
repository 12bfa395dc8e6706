// SPDX-License-Identifier: Apache-2.0
// Programs that are packed, so that their content does not show what they are.

import "math"

rule Packed_UPX
{
  meta:
    description = "Program packed with UPX"
    author = "ekshume"
    level = "medium"
    attack = "T1027.002, defense-evasion"
    false_positives = "some vendors pack their tools to save space"
  strings:
    $mark = "UPX!"
    $text = "This file is packed with the UPX executable packer"
  condition:
    uint32(0) == 0x464c457f and ($mark in (0..1024) or $text)
}

rule Packed_UPX_Altered
{
  meta:
    description = "Program packed with UPX whose marks were taken out, so that it cannot be unpacked"
    author = "ekshume"
    level = "high"
    attack = "T1027.002, defense-evasion"
    false_positives = "none known"
  strings:
    $mark = "UPX!"
    $protection = "PROT_EXEC|PROT_WRITE failed."
  condition:
    uint32(0) == 0x464c457f and $protection and not $mark
}

rule Packed_ELF
{
  meta:
    description = "Program without sections whose content is compressed or encrypted"
    author = "ekshume"
    level = "medium"
    attack = "T1027.002, defense-evasion"
    false_positives = "commercial packers, self-extracting installers"
  condition:
    uint32(0) == 0x464c457f and uint16(16) < 4 and filesize > 4KB and filesize < 64MB and
    ((uint8(4) == 2 and uint16(60) == 0) or (uint8(4) == 1 and uint16(48) == 0)) and
    math.entropy(0, filesize) > 7.2
}
