// SPDX-License-Identifier: Apache-2.0
#include "artifact/ssh/reader.h"

#include <gmock/gmock.h>

#include "artifact/ssh/key.h"
#include "artifact/test_support.h"

namespace ekshume::artifact::ssh {
namespace {

using namespace artifact::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Made by ssh-keygen; the fingerprint is what `ssh-keygen -l` says. The private half is lost.
const std::string kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaGAi2RdINUlD7Z2mCbnk1DKuf/ZpYP7wjYix5lQjJr";
const std::string kFingerprint = "SHA256:jVDES5wbB8R/2MsVw+0qXL+WxAY5z2YCea802q8Eqo0";

// The beginnings of private keys, up to where the keys begin.
std::string Pem(const std::string& kind, const std::string& body) {
  return "-----BEGIN " + kind + "PRIVATE KEY-----\n" + body + "\n-----END " + kind +
         "PRIVATE KEY-----\n";
}
const std::string kOpenBody =
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW";
const std::string kLockedBody =
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCBNajNDn";

TEST(ParseAuthorizedKeyTest, WithAndWithoutOptions) {
  const auto plain = ParseAuthorizedKey(kKey + " ops@jump.example ");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->type, "ssh-ed25519");
  EXPECT_EQ(plain->fingerprint, kFingerprint);
  EXPECT_EQ(plain->comment, "ops@jump.example");
  EXPECT_EQ(plain->options, "");
  const auto forced =
      ParseAuthorizedKey("no-pty,command=\"echo \\\"a b\\\"; id\",from=\"10.0.0.0/8\" " + kKey);
  ASSERT_TRUE(forced);
  EXPECT_EQ(forced->fingerprint, kFingerprint);
  EXPECT_EQ(forced->command, "echo \"a b\"; id");
  EXPECT_EQ(forced->options, "no-pty,command=\"echo \\\"a b\\\"; id\",from=\"10.0.0.0/8\"");
  EXPECT_EQ(forced->comment, "");
}

TEST(ParseAuthorizedKeyTest, RefusesWhatIsNone) {
  EXPECT_FALSE(ParseAuthorizedKey(""));
  EXPECT_FALSE(ParseAuthorizedKey("# " + kKey));
  EXPECT_FALSE(ParseAuthorizedKey("command=\"x"));
  EXPECT_FALSE(ParseAuthorizedKey("ssh-ed25519"));
}

TEST(ParseAuthorizedKeyTest, KeepsBrokenKeys) {
  for (const std::string line : {"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIDaGAi2RdINUlD7Z2mCbnk1D me",
                                 "ssh-ed25519 /////w me", "no-pty ssh-rsa !! me"}) {
    const auto key = ParseAuthorizedKey(line);
    ASSERT_TRUE(key) << line;
    EXPECT_EQ(key->fingerprint, "") << line;
    EXPECT_EQ(key->comment, "me") << line;
  }
}

TEST(ParseKnownHostTest, NamesAndAddresses) {
  const auto host = ParseKnownHost("files.example,[203.0.113.9]:2222 " + kKey);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->hosts, "files.example,[203.0.113.9]:2222");
  EXPECT_EQ(host->address, "203.0.113.9");
  EXPECT_EQ(host->fingerprint, kFingerprint);
  const auto authority = ParseKnownHost("@cert-authority *.example " + kKey);
  ASSERT_TRUE(authority);
  EXPECT_EQ(authority->marker, "@cert-authority");
  EXPECT_EQ(authority->address, "");
  EXPECT_FALSE(ParseKnownHost("[ "));
  EXPECT_EQ(ParseKnownHost("[ " + kKey)->address, "");
}

TEST(ParsePrivateKeyTest, SaysWhetherAPassphraseProtectsIt) {
  const auto encrypted = [](const std::string& content) {
    const auto key = ParsePrivateKey(content);
    return key ? key->kind + (!key->is_encrypted ? "?" : *key->is_encrypted ? "+" : "-") : "none";
  };
  EXPECT_EQ(encrypted(Pem("OPENSSH ", kOpenBody)), "OPENSSH-");
  EXPECT_EQ(encrypted(Pem("OPENSSH ", kLockedBody)), "OPENSSH+");
  EXPECT_EQ(encrypted(Pem("OPENSSH ", "!")), "OPENSSH?");
  EXPECT_EQ(encrypted(Pem("RSA ", "MIIC")), "RSA-");
  EXPECT_EQ(encrypted(Pem("RSA ", "Proc-Type: 4,ENCRYPTED\n\nMIIC")), "RSA+");
  EXPECT_EQ(encrypted(Pem("ENCRYPTED ", "MIIC")), "+");
  EXPECT_EQ(encrypted(Pem("", "MIIC")), "-");
  EXPECT_EQ(encrypted("-----BEGIN CERTIFICATE-----\n"), "none");
}

TEST(SshTest, SaysWhoMayComeInAndWhatWasReached) {
  Tree tree;
  tree.AddFile("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  tree.AddFileAt("root/.ssh/authorized_keys", "# keys\n" + kKey + " ops@jump.example\n",
                 1700000000);
  tree.AddFileAt("root/.ssh/known_hosts", "203.0.113.9 " + kKey + "\n", 1700000001);
  tree.AddFileAt("root/.ssh/id_x", Pem("OPENSSH ", kOpenBody), 1700000002);
  tree.AddFileAt("etc/ssh/sshd_config", "# x\nPermitRootLogin yes\n\n", 1700000003);
  Collected collected;
  Read(SshFormat(), HostView(tree), collected);
  ASSERT_EQ(collected.rows.size(), 4U);
  const Row& key = collected.rows[0];
  EXPECT_EQ(key.event.time, (Timestamp{1700000000, 0}));
  EXPECT_EQ(key.event[Text::kAction], "authorized");
  EXPECT_EQ(key.event[Text::kObjectKind], "ssh key");
  EXPECT_EQ(key.event[Text::kObjectName], "ops@jump.example");
  EXPECT_EQ(key.event[Text::kUserName], "root");
  EXPECT_EQ(key.event[Text::kCredentialId], kFingerprint);
  EXPECT_EQ(key.event[Text::kPath], "/root/.ssh/authorized_keys");
  EXPECT_EQ(key.event[Text::kMessage],
            "Key ssh-ed25519 " + kFingerprint + " may log in as root (ops@jump.example)");
  EXPECT_EQ(key.event.raw, kKey + " ops@jump.example");
  EXPECT_EQ(key.offset, 7U);
  EXPECT_EQ(collected.rows[1].event[Text::kDestinationIp], "203.0.113.9");
  EXPECT_THAT(collected.rows[1].event[Text::kMessage],
              HasSubstr("root connected by SSH to 203.0.113.9 (key ssh-ed25519 SHA256:"));
  const Event& private_key = collected.rows[2].event;
  EXPECT_EQ(private_key[Text::kMessage], "OPENSSH private key of root, without passphrase");
  EXPECT_EQ(private_key[Text::kTags], "unencrypted");
  EXPECT_EQ(private_key.raw.find("b3Blbn"), std::string::npos);
  EXPECT_EQ(collected.rows[3].event[Text::kMessage], "SSH server: PermitRootLogin yes");
  EXPECT_EQ(collected.rows[3].event[Text::kObjectName], "PermitRootLogin");
  EXPECT_THAT(collected.diagnostics.Sorted(), IsEmpty());
}

TEST(SshTest, EveryDamage) {
  ReadEveryDamage(SshFormat(), "root/.ssh/authorized_keys", "command=\"a\\\"\" " + kKey + " c");
  ReadEveryDamage(SshFormat(), "root/.ssh/known_hosts", "@revoked [::1]:22 " + kKey);
  ReadEveryDamage(SshFormat(), "root/.ssh/id", Pem("OPENSSH ", kLockedBody));
}

}  // namespace
}  // namespace ekshume::artifact::ssh
