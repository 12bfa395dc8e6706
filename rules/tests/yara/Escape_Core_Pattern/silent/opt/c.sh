echo core.%p > /proc/sys/kernel/core_pattern
