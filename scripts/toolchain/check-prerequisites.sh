#!/usr/bin/env bash
# Says in one line what is missing on this machine, before anything is downloaded. $1 is the Python to build on.
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
