// SPDX-License-Identifier: Apache-2.0
// Begins the workload with nothing of the machine outside open: CRIU could not find such files in the container.
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

int main(void) {
  char *const arguments[] = {"/bin/sh", "/workload.sh", NULL};
  char *const environment[] = {"PATH=/bin", "HOSTNAME=webshop-1", "SECRET_TOKEN=known-secret-of-the-shop", NULL};
  setsid();
  close_range(0, ~0U, 0);
  open("/dev/null", O_RDONLY);
  open("/dev/null", O_WRONLY);
  dup(1);
  execve("/bin/sh", arguments, environment);
  return 1;
}
