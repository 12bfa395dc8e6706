mkdir /tmp/c && mount -t cgroup -o rdma cgroup /tmp/c
echo 1 > /tmp/c/x/notify_on_release
echo "$host/cmd" > /tmp/c/release_agent
