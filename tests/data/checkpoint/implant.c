// SPDX-License-Identifier: Apache-2.0
// A program that waits, without libraries: small, so that a checkpoint of it is.
static const char kSecret[] = "implant-secret-0123456789";
static volatile char buffer[64];
void _start(void) {
  for (unsigned i = 0; i < sizeof kSecret; ++i) buffer[i] = kSecret[i];
  for (;;) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(34L) : "rcx", "r11", "memory");  // pause
  }
}
