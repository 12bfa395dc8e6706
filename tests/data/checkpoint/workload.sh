# SPDX-License-Identifier: Apache-2.0
# Runs as the first process of the container.
exec 5>/tmp/gone
echo "written and deleted" >&5
rm /tmp/gone
cp /bin/implant /tmp/.x
/tmp/.x --hidden &
rm /tmp/.x
nc -l -p 9090 0</dev/zero >/dev/null &
sleep 1
sleep 86400 | nc 127.0.0.1 9090 >/dev/null &
nc -l -p 8080 </dev/null >/dev/null &
echo "a change" > /etc/changed
exec 6</etc/changed
echo ready > /tmp/ready
while :; do sleep 86400; done
