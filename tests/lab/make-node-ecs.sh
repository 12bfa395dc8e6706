#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An ECS container instance: Docker 20.10 on XFS, the agent's container, a task of two containers with
# the agent's labels and names, a stopped task, and agent.db as the agent keeps it (bbolt; buckets
# containers, eniattachments, images, metadata, tasks; keys "<task id>-<container name>", image ids,
# metadata names and task ids; values JSON). The agent itself does not run: agent.db is written by
# bolt_put with the ids that Docker gave. Result: $LAB/out/ecs/.
set -euo pipefail
. "$(dirname "$0")/node.sh"
. "$(dirname "$0")/docker.sh"
lab_enter ecs
mount_new "$(disk_with_root "$state/disk.img" 310M)" xfs "$node"
node_root
mkdir -p "$node"/{etc/ecs,var/lib/ecs/data,var/log/ecs}
printf 'ECS_CLUSTER=prod\nECS_ENABLE_TASK_IAM_ROLE=true\n' > "$node/etc/ecs/ecs.config"
echo 'level=info time=2026-03-02T09:00:00Z msg="Amazon ECS agent starting" version="1.97.1"' > "$node/var/log/ecs/ecs-agent.log"
build_layers
node_start
start_docker dockerd-20.10 /usr/sbin:/usr/bin
load_images
docker tag registry.test/busybox:1 amazon/amazon-ecs-agent:latest
account=123456789012
task_running=7d1f0b0c5a5e4f0b9a3c2e1d00000001
task_stopped=7d1f0b0c5a5e4f0b9a3c2e1d00000002
arn() { echo "arn:aws:ecs:us-east-1:$account:task/prod/$1"; }
# ecs NAME CONTAINER TASK FAMILY VERSION: the agent's options for a container.
ecs() {
  echo "--name ecs-$4-$5-$2-$1 --label com.amazonaws.ecs.cluster=prod --label com.amazonaws.ecs.container-name=$2
    --label com.amazonaws.ecs.task-arn=$(arn "$3") --label com.amazonaws.ecs.task-definition-family=$4
    --label com.amazonaws.ecs.task-definition-version=$5 -e AWS_EXECUTION_ENV=AWS_ECS_EC2
    -e ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/$1 -e AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/$1"
}
agent=$(docker run -d --name ecs-agent --network host -v /var/lib/ecs/data:/data -v /var/log/ecs:/log \
  -v /etc/ecs:/etc/ecs:ro amazon/amazon-ecs-agent:latest -c 'sleep 86400')
web=$(docker run -d $(ecs aaf0b1c2d3e4f5a6b701 web $task_running webshop 7) -e DB_PASSWORD=not-a-real-password "$registry/webshop:2.3.1")
shipper=$(docker run -d $(ecs aaf0b1c2d3e4f5a6b702 shipper $task_running webshop 7) registry.test/busybox:1 -c 'sleep 86400')
docker run $(ecs aaf0b1c2d3e4f5a6b703 report $task_stopped report 2) registry.test/busybox:1 -c 'echo no database; exit 3' > /dev/null 2>&1 || true
report=$(docker ps -a -q --no-trunc --filter name=report)
attack_commands | docker exec -i "$web" sh -s
image_id() { docker images -q --no-trunc "$1"; }
python3 - "$(arn $task_running)" "$(arn $task_stopped)" "$web" "$shipper" "$report" "$(image_id "$registry/webshop:2.3.1")" \
  "$(image_id registry.test/busybox:1)" "$registry" > "$state/agent.jsonl" <<'P'
import json, sys
running, stopped, web, shipper, report, shop_id, base_id, registry = sys.argv[1:]
shop, base = registry + "/webshop:2.3.1", "registry.test/busybox:1"
def put(bucket, key="", value=None):
    print(json.dumps({"bucket": bucket, "key": key, "value": value}))
def container(task, docker_id, name, image, image_id, status, code):
    return {"DockerId": docker_id, "DockerName": f"ecs-{name}", "Container": {
        "Name": name, "TaskARN": task, "Image": image, "ImageID": image_id, "Command": None, "Cpu": 128, "Memory": 256,
        "portMappings": [], "secrets": [], "Essential": True,
        "environment": {"AWS_EXECUTION_ENV": "AWS_ECS_EC2", "DB_HOST": "db.shop.example"},
        "desiredStatus": "RUNNING" if code is None else "STOPPED", "KnownStatus": status, "SentStatus": status,
        "IsInternal": "NORMAL", "KnownExitCode": code}}
def task(arn, family, version, status, containers):
    return {"Arn": arn, "Family": family, "Version": version, "Containers": [c["Container"] for c in containers],
            "volumes": [], "resources": {}, "DesiredStatus": status, "KnownStatus": status, "SentStatus": status,
            "KnownTime": "2026-03-02T09:00:05Z", "StartSequenceNumber": 2, "ENI": None, "LaunchType": "EC2", "NetworkMode": "bridge"}
for bucket in ("images", "containers", "tasks", "eniattachments", "metadata"):
    put(bucket)
for key, value in {"agent-version": "1.97.1", "availability-zone": "us-east-1a", "cluster-name": "prod",
                   "container-instance-arn": "arn:aws:ecs:us-east-1:123456789012:container-instance/prod/0123456789abcdef0123456789abcdef",
                   "ec2-instance-id": "i-0123456789abcdef0", "task-manifest-seq-num": "2"}.items():
    put("metadata", key, value)
first = [container(running, web, "web", shop, shop_id, "RUNNING", None),
         container(running, shipper, "shipper", base, base_id, "RUNNING", None)]
second = [container(stopped, report, "report", base, base_id, "STOPPED", 3)]
for group in (first, second):
    for c in group:
        put("containers", c["Container"]["TaskARN"].rsplit("/", 1)[1] + "-" + c["Container"]["Name"], c)
put("tasks", running.rsplit("/", 1)[1], task(running, "webshop", "7", "RUNNING", first))
put("tasks", stopped.rsplit("/", 1)[1], task(stopped, "report", "2", "STOPPED", second))
gone = "7d1f0b0c5a5e4f0b9a3c2e1d00000003"  # a task of last week, cleaned up since
put("tasks", gone, task(running.rsplit("/", 1)[0] + "/" + gone, "migrate", "1", "STOPPED", []))
put("tasks", gone, None)
for name, image_id in ((shop, shop_id), (base, base_id)):
    put("images", image_id, {"Image": {"ImageID": image_id, "Names": [name], "Size": 200000}, "PulledAt": "2026-03-02T09:00:01Z",
                             "LastUsedAt": "2026-03-02T09:00:04Z", "PullSucceeded": True})
P
bolt-put "$node/var/lib/ecs/data/agent.db" < "$state/agent.jsonl"
cp "$state/agent.jsonl" "$out/truth/agent-db.jsonl"
record_docker "$out/truth"
cut "$node" "$state/disk.img"
truth_disk "$out/disk.img" 1 "$out/truth"
