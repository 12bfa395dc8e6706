// SPDX-License-Identifier: Apache-2.0
// Credentials that lie in files, above all where somebody put them together to take them away.

private rule In_Temporary_Folder
{
  condition:
    filepath matches /^\/(tmp|var\/tmp|dev\/shm|run\/shm)\//
}

rule Credentials_AWS_Keys
{
  meta:
    description = "Access key of AWS with its secret"
    author = "ekshume"
    level = "medium"
    attack = "T1552.001, credential-access"
    false_positives = "configuration of a person or a program that uses AWS"
  strings:
    $id = /\bA(KI|SI)A[A-Z2-7]{16}\b/
    $example = "AKIAIOSFODNN7EXAMPLE"
    $secret = /aws_?secret_?(access_?)?key["']?\s*[:=]\s*["']?[A-Za-z0-9\/+]{40}([^A-Za-z0-9\/+]|$)/ nocase
    $json = /"SecretAccessKey"\s*:\s*"[A-Za-z0-9\/+=]{40}"/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and #id > #example and any of ($secret, $json)
}

rule Credentials_Of_Instance_Role
{
  meta:
    description = "Credentials of a role as the metadata service gives them, saved in a file"
    author = "ekshume"
    level = "high"
    attack = "T1552.005, credential-access"
    false_positives = "caches of SDKs"
  strings:
    $code = /"Code"\s*:\s*"Success"/
    $type = /"Type"\s*:\s*"AWS-HMAC"/
    $secret = /"SecretAccessKey"\s*:\s*"[A-Za-z0-9\/+=]{40}"/
    $token = /"Token"\s*:\s*"[A-Za-z0-9\/+=]{100}/
  condition:
    filesize < 64KB and $secret and $token and any of ($code, $type)
}

rule Credentials_Staged
{
  meta:
    description = "Private key, kubeconfig, token or password hashes in a temporary folder"
    author = "ekshume"
    level = "high"
    attack = "T1552.001, credential-access, T1074.001, collection"
    false_positives = "work of administrators and installers that was not cleaned up"
  strings:
    $key = /-----BEGIN (RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----\r?\n(Proc-Type|[A-Za-z0-9+\/=]{40})/
    $kubeconfig = /kind:\s*"?Config\b/
    $kubeconfig_secret = /(client-key-data|token):\s*"?[A-Za-z0-9+\/=._-]{40}/
    $jwt = /\beyJhbGciOi[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{20}/
    $account = "system:serviceaccount:" base64
    $shadow = /\b[a-z_][a-z0-9_-]{0,30}:\$(1|2[aby]|5|6|7|y|gy)\$[^:\s]{20,200}:[0-9]{3,6}:/
    $aws_id = /\bA(KI|SI)A[A-Z2-7]{16}\b/
    $aws_secret = /secret_?access_?key["']?\s*[:=]\s*["']?[A-Za-z0-9\/+]{40}([^A-Za-z0-9\/+]|$)/ nocase
  condition:
    In_Temporary_Folder and filesize < 4MB and uint32(0) != 0x464c457f and
    ($key or ($kubeconfig and $kubeconfig_secret) or ($jwt and $account) or $shadow or ($aws_id and $aws_secret))
}

rule Credentials_Kubeconfig
{
  meta:
    description = "Kubeconfig that holds a key or a token"
    author = "ekshume"
    level = "low"
    attack = "T1552.001, credential-access"
    false_positives = "the usual place of an administrator's access"
  strings:
    $kind = /kind:\s*"?Config\b/
    $clusters = "clusters:"
    $secret = /(client-key-data|token):\s*"?[A-Za-z0-9+\/=._-]{40}/
  condition:
    not In_Temporary_Folder and filesize < 1MB and all of them
}

rule Credentials_Service_Account_Token
{
  meta:
    description = "Token of a Kubernetes service account outside the place where the kubelet puts it"
    author = "ekshume"
    level = "medium"
    attack = "T1528, credential-access, T1552.001"
    false_positives = "programs that copy their token; recordings of requests"
  strings:
    $jwt = /\beyJhbGciOi[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{20}/
    $account = "system:serviceaccount:" base64
  condition:
    not In_Temporary_Folder and filesize < 1MB and uint32(0) != 0x464c457f and
    not filepath contains "/var/run/secrets/" and not filepath contains "kubernetes.io~projected" and all of them
}
