#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes tests/data/benign: a day on which nothing bad happened. An administrator sets up a cluster, installs charts as
# Helm does, looks into pods, repairs things and cleans up; controllers do their work; the node is cut off at the end.
# What ekshume finds in it above `low` is a false alarm.
#
# Needs root and the one-node cluster of the shared lab (EKSHUME_SHARED, default ../shared beside the repository).
# Takes about three minutes once the cluster's binaries are built; removes everything it started.
#
#   make-benign-day.sh [OUT]
set -euo pipefail
# A mount namespace of its own: nothing stays mounted whatever happens.
[ -n "${BENIGN_NAMESPACE:-}" ] || exec env BENIGN_NAMESPACE=1 unshare -m "$0" "$@"
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../data/benign}
mkdir -p "$out"
cluster=${EKSHUME_SHARED:-$here/../../../shared}/lab/cluster
export LAB=${LAB:-/var/tmp/k8s-lab} NODE=ip-192-0-2-24.ec2.example
work=$(mktemp -d /var/tmp/benign.XXXXXX)
export DISK=$work/disk.img FS=xfs SIZE=310M MKFS="-d agcount=2"
trap '"$cluster" down >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# ---- the node takes parts of /etc from the machine: show it a small, neutral one.
etc=$work/etc
mkdir -p "$etc"/{alternatives,ssl/certs,ca-certificates}
cp -a /etc/alternatives/{awk,iptables*,ip6tables*} "$etc/alternatives/" 2> /dev/null || true
cp /etc/ssl/openssl.cnf "$etc/ssl/"
printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin\nec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n' > "$etc/passwd"
printf 'root:x:0:\nnobody:x:65534:\nwheel:x:10:ec2-user\nec2-user:x:1000:\n' > "$etc/group"
: > "$etc/ld.so.cache"
for name in alternatives ssl ca-certificates passwd group ld.so.cache; do
  [ ! -e "/etc/$name" ] || mount --bind "$etc/$name" "/etc/$name"
done

"$cluster" up > "$work/up.log" 2>&1 < /dev/null || { cat "$work/up.log" >&2; exit 1; }
eval "$("$cluster" env)"

# ---- who works here.
token_of() { printf 'k8s-aws-v1.%s' "$(printf %s "$1" | base64 -w0 | tr '+/' '-_' | tr -d =)"; }
alice=$(token_of arn:aws:sts::123456789012:assumed-role/PlatformAdmin/alice)
api=(--kubeconfig=/dev/null --server=https://127.0.0.1:6443 --certificate-authority="$LAB/cp/pki/ca.crt")
admin() { kubectl "${api[@]}" --token="$alice" "$@"; }
call() { # call TOKEN USER-AGENT METHOD PATH [BODY]: a request as another client makes it
  curl -sS --fail-with-body --cacert "$LAB/cp/pki/ca.crt" -H "Authorization: Bearer $1" -A "$2" -X "$3" \
    -H "Content-Type: application/json" ${5:+--data "$5"} "https://127.0.0.1:6443$4" > "$work/answer" || cat "$work/answer" >&2
}
helm() { call "$alice" "Helm/3.14.2" "$@"; }
account_token() { # account_token NAMESPACE NAME
  kubectl -n "$1" get secret "$(kubectl -n "$1" get serviceaccount "$2" -o 'jsonpath={.secrets[0].name}')" -o 'jsonpath={.data.token}' | base64 -d
}

# ---- agents of the node, as every EKS cluster has them: CNI, proxy, storage, logs, metrics.
agent() { # agent NAMESPACE NAME ARGUMENTS-AS-YAML
  admin apply -f - > /dev/null <<Y
apiVersion: v1
kind: ServiceAccount
metadata: {name: $2, namespace: $1}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: $2, namespace: $1, labels: {k8s-app: $2}}
spec:
  selector: {matchLabels: {k8s-app: $2}}
  template:
    metadata: {labels: {k8s-app: $2}}
    spec:
      serviceAccountName: $2
      terminationGracePeriodSeconds: 1
      tolerations: [{operator: Exists}]
$3
Y
}
container='image: registry.test/busybox:1, imagePullPolicy: Never, command: [sh, -c, "echo $$ > /tmp/agent.pid; echo started > /tmp/agent.log; exec sleep 86400"]'
agent kube-system aws-node "      hostNetwork: true
      volumes: [{name: bin, hostPath: {path: /opt/cni/bin}}, {name: conf, hostPath: {path: /etc/cni/net.d}}, {name: log, hostPath: {path: /var/log/aws-routed-eni, type: DirectoryOrCreate}}]
      containers: [{name: aws-node, securityContext: {capabilities: {add: [NET_ADMIN, NET_RAW]}}, volumeMounts: [{name: bin, mountPath: /host/opt/cni/bin}, {name: conf, mountPath: /host/etc/cni/net.d}, {name: log, mountPath: /host/var/log}], $container}]"
agent kube-system kube-proxy "      hostNetwork: true
      volumes: [{name: modules, hostPath: {path: /lib/modules}}, {name: lock, hostPath: {path: /run/xtables.lock, type: FileOrCreate}}]
      containers: [{name: kube-proxy, securityContext: {privileged: true}, volumeMounts: [{name: modules, mountPath: /lib/modules, readOnly: true}, {name: lock, mountPath: /run/xtables.lock}], $container}]"
agent kube-system ebs-csi-node "      volumes: [{name: kubelet, hostPath: {path: /var/lib/kubelet}}, {name: dev, hostPath: {path: /dev}}]
      containers: [{name: ebs-plugin, securityContext: {privileged: true}, volumeMounts: [{name: kubelet, mountPath: /var/lib/kubelet}, {name: dev, mountPath: /dev}], $container}]"
admin create namespace monitoring > /dev/null
admin create namespace logging > /dev/null
agent logging fluent-bit "      volumes: [{name: log, hostPath: {path: /var/log}}]
      containers: [{name: fluent-bit, volumeMounts: [{name: log, mountPath: /var/log, readOnly: true}], $container}]"
agent monitoring node-exporter "      hostNetwork: true
      hostPID: true
      volumes: [{name: proc, hostPath: {path: /proc}}, {name: sys, hostPath: {path: /sys}}, {name: root, hostPath: {path: /}}]
      containers: [{name: node-exporter, volumeMounts: [{name: proc, mountPath: /host/proc, readOnly: true}, {name: sys, mountPath: /host/sys, readOnly: true}, {name: root, mountPath: /host/root, readOnly: true}], $container}]"

# ---- a chart as Helm installs it: looks for old releases, writes its own, then the objects one by one.
chart() { # chart RELEASE NAMESPACE CLUSTER-ROLE-RULES
  helm GET "/version"
  helm GET "/api/v1/namespaces/$2/secrets?labelSelector=name%3D$1%2Cowner%3Dhelm"
  local release
  release=$(printf '{"name":"%s"}' "$1" | gzip | base64 -w0 | base64 -w0)
  helm POST "/api/v1/namespaces/$2/secrets" "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"sh.helm.release.v1.$1.v1\",\"labels\":{\"name\":\"$1\",\"owner\":\"helm\",\"status\":\"pending-install\",\"version\":\"1\"}},\"type\":\"helm.sh/release.v1\",\"data\":{\"release\":\"$release\"}}"
  helm POST "/api/v1/namespaces/$2/serviceaccounts" "{\"metadata\":{\"name\":\"$1\",\"annotations\":{\"eks.amazonaws.com/role-arn\":\"arn:aws:iam::123456789012:role/$1\"}}}"
  helm POST "/apis/rbac.authorization.k8s.io/v1/clusterroles" "{\"metadata\":{\"name\":\"$1\"},\"rules\":$3}"
  helm POST "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings" "{\"metadata\":{\"name\":\"$1\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"$1\"},\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"$1\",\"namespace\":\"$2\"}]}"
  helm POST "/api/v1/namespaces/$2/configmaps" "{\"metadata\":{\"name\":\"$1\"},\"data\":{\"config.yaml\":\"log: info\"}}"
  helm POST "/api/v1/namespaces/$2/services" "{\"metadata\":{\"name\":\"$1\"},\"spec\":{\"type\":\"${4:-ClusterIP}\",\"selector\":{\"app\":\"$1\"},\"ports\":[{\"port\":443}]}}"
  helm POST "/apis/apps/v1/namespaces/$2/deployments" "{\"metadata\":{\"name\":\"$1\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"$1\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"$1\"}},\"spec\":{\"serviceAccountName\":\"$1\",\"terminationGracePeriodSeconds\":1,\"containers\":[{\"name\":\"controller\",\"image\":\"registry.test/busybox:1\",\"imagePullPolicy\":\"Never\",\"command\":[\"sh\",\"-c\",\"mkdir -p /var/cache/app /var/run; echo cached > /var/cache/app/index; echo 1 > /var/run/app.pid; exec sleep 86400\"]}]}}}}"
  helm PUT "/api/v1/namespaces/$2/secrets/sh.helm.release.v1.$1.v1" "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"sh.helm.release.v1.$1.v1\",\"labels\":{\"name\":\"$1\",\"owner\":\"helm\",\"status\":\"deployed\",\"version\":\"1\"}},\"type\":\"helm.sh/release.v1\",\"data\":{\"release\":\"$release\"}}"
}
admin create namespace ingress-nginx > /dev/null
admin create namespace cert-manager > /dev/null
admin create namespace argocd > /dev/null
chart ingress-nginx ingress-nginx '[{"apiGroups":[""],"resources":["configmaps","endpoints","nodes","pods","secrets","namespaces"],"verbs":["list","watch"]},{"apiGroups":["networking.k8s.io"],"resources":["ingresses","ingresses/status"],"verbs":["get","list","watch","update"]}]' LoadBalancer
chart cert-manager cert-manager '[{"apiGroups":[""],"resources":["secrets"],"verbs":["get","list","watch","create","update","delete","patch"]},{"apiGroups":["cert-manager.io"],"resources":["*"],"verbs":["*"]}]'
chart argocd-application-controller argocd '[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]},{"nonResourceURLs":["*"],"verbs":["*"]}]'
chart cluster-autoscaler kube-system '[{"apiGroups":[""],"resources":["pods/eviction"],"verbs":["create"]},{"apiGroups":[""],"resources":["pods","nodes","namespaces"],"verbs":["get","list","watch","update"]}]'
helm POST /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations '{"metadata":{"name":"ingress-nginx-admission"},"webhooks":[{"name":"validate.nginx.ingress.kubernetes.io","failurePolicy":"Ignore","sideEffects":"None","admissionReviewVersions":["v1"],"rules":[{"apiGroups":["networking.k8s.io"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["ingresses"]}],"clientConfig":{"service":{"name":"ingress-nginx","namespace":"ingress-nginx"}}}]}'
helm GET "/api/v1/secrets?labelSelector=owner%3Dhelm"

# ---- the controllers' own requests.
controller() { call "$(account_token "$1" "$2")" "$3" "$4" "$5" "${6:-}"; }
controller ingress-nginx ingress-nginx "nginx-ingress-controller/v1.10.0 (linux/amd64) ingress-nginx/71f78d4" GET "/api/v1/secrets?limit=500&resourceVersion=0"
controller cert-manager cert-manager "cert-manager-cainjector/v1.14.4 (linux/amd64) cert-manager/8d8b2a3" GET "/api/v1/secrets?limit=500&resourceVersion=0"
controller cert-manager cert-manager "cert-manager-controller/v1.14.4 (linux/amd64) cert-manager/8d8b2a3" POST /api/v1/namespaces/cert-manager/secrets '{"metadata":{"name":"webshop-tls"},"type":"kubernetes.io/tls","data":{"tls.crt":"","tls.key":""}}'
controller argocd argocd-application-controller "argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/\$Format" GET "/api/v1/secrets?limit=500&resourceVersion=0"
controller argocd argocd-application-controller "argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/\$Format" POST /apis/apps/v1/namespaces/default/deployments '{"metadata":{"name":"guestbook"},"spec":{"selector":{"matchLabels":{"app":"guestbook"}},"template":{"metadata":{"labels":{"app":"guestbook"}},"spec":{"containers":[{"name":"ui","image":"registry.test/busybox:1","imagePullPolicy":"Never","command":["sleep","86400"]}]}}}}'
controller kube-system cluster-autoscaler "cluster-autoscaler/v1.29.0 (linux/amd64) kubernetes/bc401e6" GET "/api/v1/pods?limit=500&resourceVersion=0"

# ---- an administrator's day.
admin apply -f - > /dev/null <<'Y'
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer, namespace: shop}
rules:
- {apiGroups: ["", apps, batch], resources: ["*"], verbs: ["*"]}
- {apiGroups: [""], resources: [pods/exec, pods/portforward], verbs: [create, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: developer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform-team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform-team}]
---
apiVersion: v1
kind: Secret
metadata: {name: webshop-db, namespace: shop}
stringData: {password: not-a-real-password}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data: {Corefile: ".:53 { forward . /etc/resolv.conf }"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapRoles: |
    - {rolearn: "arn:aws:iam::123456789012:role/workers", username: "system:node:{{EC2PrivateDNSName}}", groups: [system:bootstrappers, system:nodes]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: webshop, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: webshop}}
  template:
    metadata: {labels: {app: webshop}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: registry.test/busybox:1
        imagePullPolicy: Never
        command: [sh, -c, "mkdir -p /var/run /var/cache/web /tmp/sessions; echo $$ > /var/run/web.pid; echo {} > /tmp/sessions/1.json; while :; do echo 'GET /products 200' >> /tmp/access.log; sleep 2; done"]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: db-backup, namespace: shop}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: backup, image: "registry.test/busybox:1", imagePullPolicy: Never, command: [sh, -c, "tar cf /backup/db.tar /data"]}]
Y
admin -n shop wait --for=condition=Available deployment/webshop --timeout=240s > /dev/null
pod=$(admin -n shop get pods -l app=webshop -o 'jsonpath={.items[0].metadata.name}')
admin get nodes,namespaces > /dev/null
admin get pods -A -o wide > /dev/null
admin get secrets -A > /dev/null
admin auth can-i --list > /dev/null
admin -n shop describe pod "$pod" > /dev/null
admin -n shop logs "$pod" > /dev/null
admin -n shop exec "$pod" -- ls -l /tmp > /dev/null
admin -n shop exec "$pod" -- sh -c 'cat /tmp/access.log | tail -n 3; ps; id' > /dev/null
admin -n shop exec -i "$pod" -- sh > /dev/null <<< 'ls /var/run; cat /var/run/web.pid; exit'
echo 'cache: off' > "$work/override.yaml"
admin -n shop cp "$work/override.yaml" "$pod:/tmp/override.yaml"
admin -n shop cp "$pod:/tmp/access.log" "$work/access.log" > /dev/null
admin -n shop port-forward "$pod" 18080:8080 > /dev/null 2>&1 & forward=$!
sleep 2; kill "$forward" 2> /dev/null || true
admin -n shop set env deployment/webshop LOG_LEVEL=debug > /dev/null
admin -n shop rollout status deployment/webshop --timeout=240s > /dev/null
admin -n shop scale deployment/webshop --replicas=0 > /dev/null
admin -n shop scale deployment/webshop --replicas=1 > /dev/null
admin -n shop create serviceaccount reporter > /dev/null
admin -n shop annotate serviceaccount reporter eks.amazonaws.com/role-arn=arn:aws:iam::123456789012:role/reporter > /dev/null
admin create clusterrolebinding reporter-view --clusterrole=view --serviceaccount=shop:reporter > /dev/null
admin -n shop run debug --image=registry.test/busybox:1 --image-pull-policy=IfNotPresent --restart=Never --command -- sleep 600 > /dev/null
admin -n shop wait --for=condition=Ready pod/debug --timeout=240s > /dev/null
admin -n shop exec debug -- wget -q -T 2 -O - http://webshop.shop:8080/ > /dev/null 2>&1 || true
admin -n shop delete pod debug --force --grace-period=0 > /dev/null 2>&1
admin -n kube-system exec "$(admin -n kube-system get pods -l k8s-app=aws-node -o 'jsonpath={.items[0].metadata.name}')" -- ps > /dev/null
admin cordon "$NODE" > /dev/null
admin uncordon "$NODE" > /dev/null
admin label node "$NODE" team=shop > /dev/null
admin create namespace scratch > /dev/null
admin -n scratch create configmap note --from-literal=a=b > /dev/null
admin delete namespace scratch > /dev/null
admin -n shop delete cronjob db-backup > /dev/null
admin get clusterroles,clusterrolebindings > /dev/null
sleep 5

for log in audit authenticator; do
  cp "$LAB/cp/$log.log" "$work/$log.log"
done
zstd -q -19 -f "$work/audit.log" -o "$out/audit.log.zst"
cp "$work/authenticator.log" "$out/authenticator.log"
"$cluster" cut > /dev/null 2>&1
zstd -q -19 --long=27 -f "$DISK" -o "$out/node.img.zst"
ls -l "$out"
