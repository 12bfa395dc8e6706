// SPDX-License-Identifier: Apache-2.0
// Programs that mine cryptocurrency, and what they are configured with.

rule Miner_XMRig
{
  meta:
    description = "Program of the XMRig family, which mines Monero"
    author = "ekshume"
    level = "high"
    attack = "T1496, impact"
    false_positives = "a miner that the owner of the machine runs"
  strings:
    $name = "xmrig" nocase
    $donate = "donate-level"
    $randomx = "randomx"
    $cryptonight = "cryptonight"
    $stratum = "stratum+tcp://"
    $huge = "huge-pages-jit"
    $nicehash = "nicehash"
    $rig = "rig-id"
  condition:
    uint32(0) == 0x464c457f and 4 of them
}

rule Miner_Program
{
  meta:
    description = "Program that talks to mining pools"
    author = "ekshume"
    level = "high"
    attack = "T1496, impact"
    false_positives = "a miner that the owner of the machine runs"
  strings:
    $url1 = "stratum+tcp://"
    $url2 = "stratum+ssl://"
    $url3 = "stratum2+tcp://"
    $subscribe = "mining.subscribe"
    $authorize = "mining.authorize"
    $submit = "mining.submit"
    $login = "\"method\":\"login\""
    $keepalive = "keepalived"
  condition:
    uint32(0) == 0x464c457f and any of ($url*) and any of ($subscribe, $authorize, $submit, $login, $keepalive)
}

rule Miner_Configuration
{
  meta:
    description = "Configuration or script that names a mining pool and how to mine"
    author = "ekshume"
    level = "high"
    attack = "T1496, impact"
    false_positives = "none known beside texts about mining"
  strings:
    $url = /stratum2?\+(tcp|ssl|tls):\/\/[A-Za-z0-9._-]{4,80}/
    $donate = "donate-level"
    $pools = "\"pools\""
    $algorithm = /(rx\/0|randomx|cryptonight|kawpow|ethash|cn\/r)/
    $rig = "rig-id"
    $coin = /"?coin"?\s*[:=]\s*"?(monero|xmr)/ nocase
    $user = /(--user|-u|"user"\s*:)[ =]*"?[48][0-9A-Za-z]{90,110}/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and $url and any of ($donate, $pools, $algorithm, $rig, $coin, $user)
}

rule Miner_Pool_Address
{
  meta:
    description = "Text that names a public mining pool"
    author = "ekshume"
    level = "medium"
    attack = "T1496, impact"
    false_positives = "block lists, documentation"
  strings:
    $pool = /(pool\.minexmr\.com|supportxmr\.com|xmr\.nanopool\.org|hashvault\.pro|c3pool\.(com|org)|moneroocean\.stream|herominers\.com|xmrpool\.eu|2miners\.com|nicehash\.com|minergate\.com):[0-9]{2,5}/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and $pool
}

rule Miner_Rival_Killer
{
  meta:
    description = "Script that ends other miners before it installs its own"
    author = "ekshume"
    level = "high"
    attack = "T1496, impact, T1489"
    false_positives = "clean-up scripts of responders"
  strings:
    $kill = /(pkill|killall|kill)\b[^\n]{0,120}(kdevtmpfsi|kinsing|xmrig|minerd|cryptonight|c3pool|kthreaddk|sysupdate|networkservice|watchbog)/
    $download = /(curl|wget|python)[^\n]{0,200}https?:\/\//
    $immutable = /chattr\s+(-R\s+)?-[ia]/
    $crontab = "crontab"
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and $kill and any of ($download, $immutable, $crontab)
}
