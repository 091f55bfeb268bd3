#!/usr/bin/env bash
# Says in one line what is missing on this machine, before anything is downloaded.
#   check-prerequisites.sh [PYTHON [VERSION SYSTEM MACHINE]]
# PYTHON is what the environment is built on. The rest is what it says of itself, such as 3.14 Linux aarch64; a test
# names machines that are not there.
set -u
python=${1:-python3}

fail() {
  printf 'Evenkeel needs %s\n' "$1" >&2
  exit 1
}

command -v "$python" >/dev/null 2>&1 ||
  fail "Python 3.11 or newer, and '$python' was not found: install it, or name another one with 'make PYTHON=/path/to/python3'."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "Python 3.11 or newer, and '$python' is $("$python" -V 2>&1): name a newer one with 'make PYTHON=/path/to/python3'."
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "Python's venv module, which '$python' lacks: on Debian and Ubuntu run 'apt-get install python3-venv'."
command -v node >/dev/null 2>&1 || fail "Node 20 or newer, and 'node' was not found: install Node.js."
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
  fail "Node 20 or newer, and 'node' is $(node -v): install a newer Node.js."
command -v npm >/dev/null 2>&1 || fail "npm, which was not found: it comes with Node.js."
# Debian's npm 9.2 cannot read a lock whose override replaces an address.
npm_version=$(npm --version)
case "$npm_version" in
  [1-9][0-9]*.*) ;;
  *) fail "npm 10 or newer, and 'npm' is $npm_version: run 'npm install --global npm@10'." ;;
esac

facts=$("$python" -c '
import os, platform, sys, sysconfig
headers = os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2], platform.system(), platform.machine(), "headers" if headers else "bare")')
read -r version system machine headers <<<"$facts"
version=${2:-$version} system=${3:-$system} machine=${4:-$machine}

# What requirements.lock names and PyPI has no wheel of, by machine; all of it is Brownie's set.
compiled=''
case "$system $machine" in
  'Linux x86_64') ;;
  'Linux aarch64') compiled='eth-brownie eth-event faster-eth-abi faster-hexbytes psutil safe-pysha3' ;;
  'Darwin arm64') compiled='safe-pysha3' ;;
  'Darwin x86_64') fail "another machine: numba, llvmlite and ckzg have no build for Intel Macs any more. Run it in the container (Containerfile)." ;;
  *) fail "Linux or macOS on x86-64 or arm64, and this is $system on $machine. Run it in the container (Containerfile)." ;;
esac
minor=${version#*.}
if [ "$minor" -ge 14 ]; then
  case "$compiled" in
    *safe-pysha3*) compiled="immutables $compiled" ;;
    *) compiled='immutables safe-pysha3' ;;
  esac
fi
[ -n "$compiled" ] || exit 0

if ! command -v cc >/dev/null 2>&1 || [ "$headers" = bare ]; then
  hint="on Debian and Ubuntu run 'apt-get install build-essential python3-dev'"
  [ "$system" = Darwin ] && hint="run 'xcode-select --install'"
  [ "$system $machine" = 'Linux x86_64' ] && hint="$hint, or name Python 3.11, 3.12 or 3.13 with 'make PYTHON=/path/to/python3'"
  fail "a C compiler (cc) and Python's headers, because these packages have no wheel for Python $version on $system $machine: ${compiled// /, }: $hint."
fi
[ -e build/stamps/python ] || # said once
  printf 'Compiles what has no wheel for Python %s on %s %s: %s.\n' "$version" "$system" "$machine" "${compiled// /, }"
