// SPDX-License-Identifier: Apache-2.0
// Pages that run what a visitor sends.

rule Web_Shell_PHP
{
  meta:
    description = "PHP that runs a part of the request"
    author = "ekshume"
    level = "high"
    attack = "T1505.003, persistence"
    false_positives = "old administration pages"
  strings:
    $php = /<\?(php|=|\s)/ nocase
    $run = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open|pcntl_exec|create_function)\s*\(\s*(@|"|'|\.|\s|base64_decode\s*\(|gzinflate\s*\(|stripslashes\s*\(|trim\s*\(|urldecode\s*\(){0,6}\$(_(GET|POST|REQUEST|COOKIE|FILES)\b|\{"?_(GET|POST|REQUEST|COOKIE))/ nocase
    $ticks = /`\s*\{?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    $call = /\$_(GET|POST|REQUEST|COOKIE)\[[^\]\n]{1,40}\]\s*\(\s*@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    $hidden = /eval\s*\(\s*(gzinflate|gzuncompress|str_rot13|base64_decode)\s*\(\s*(gzinflate|str_rot13|base64_decode|["'][A-Za-z0-9+\/=]{60})/ nocase
  condition:
    filesize < 2MB and $php and any of ($run, $ticks, $call, $hidden)
}

rule Web_Shell_JSP
{
  meta:
    description = "JSP that runs a parameter of the request, or loads code from it"
    author = "ekshume"
    level = "high"
    attack = "T1505.003, persistence"
    false_positives = "administration pages"
  strings:
    $directive = "<%@"
    $declaration = "<%!"
    $element = "<jsp:"
    $request = /request\s*\.\s*(getParameter|getHeader|getInputStream|getReader)\s*\(/
    $exec = /(getRuntime\s*\(\s*\)\s*\.\s*exec|new\s+ProcessBuilder|ProcessBuilder\s*\()/
    $load = /(defineClass|ScriptEngineManager|GroovyShell)/
  condition:
    filesize < 1MB and (any of ($directive, $declaration, $element) or extension matches /^\.jspx?$/) and $request and any of ($exec, $load)
}

rule Web_Shell_Python
{
  meta:
    description = "Python that runs a part of the request"
    author = "ekshume"
    level = "high"
    attack = "T1505.003, persistence"
    false_positives = "applications whose purpose is to run commands"
  strings:
    $run = /\b(os\.(system|popen)|subprocess\.(call|run|Popen|check_output|getoutput)|eval|exec|commands\.getoutput)\s*\(\s*(str\s*\(\s*)?((flask\.)?request\.(args|form|values|json|data|headers|cookies|get_json|GET|POST|params)|form\.getvalue|self\.headers|query_components)\b/
    $handler = /def\s+do_(GET|POST)\b/
    $handled = /(os\.popen|subprocess\.(check_output|getoutput|Popen|run))\s*\(\s*[^\n]{0,80}(self\.path|parse_qs|unquote|rfile\.read)/
  condition:
    filesize < 1MB and uint32(0) != 0x464c457f and ($run or ($handler and $handled))
}

rule Web_Shell_Node
{
  meta:
    description = "JavaScript of a server that runs a part of the request"
    author = "ekshume"
    level = "high"
    attack = "T1505.003, persistence"
    false_positives = "applications whose purpose is to run commands"
  strings:
    $module = /require\s*\(\s*["'](node:)?child_process["']\s*\)/
    $run = /\b(exec|execSync|spawn|spawnSync)\s*\(\s*(req|request|ctx)\.(query|body|params|headers|url|request)\b/
  condition:
    filesize < 1MB and $module and $run
}
