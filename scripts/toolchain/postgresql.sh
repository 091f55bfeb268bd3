#!/usr/bin/env bash
# The ledger's tests run on a real PostgreSQL server, which they start themselves. Finds it, or installs Debian's
# packages where that can be done, or says in one line what is missing.
#   postgresql.sh [DIRECTORY]
# DIRECTORY is where Debian keeps its versions of the server; a test names one that is not there.
set -eu
versions=${1:-/usr/lib/postgresql}

has_server() {
  command -v initdb >/dev/null 2>&1 || compgen -G "$versions/*/bin/initdb" >/dev/null
}

fail() {
  printf 'The tests of Evenkeel need %s\n' "$1" >&2
  exit 1
}

has_server && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  fail "PostgreSQL 14 or newer, and no initdb was found: on Debian and Ubuntu run 'apt-get install postgresql', on macOS 'brew install postgresql'."
fi
printf 'Installs the packages postgresql and pgbouncer by apt-get: the tests of the ledger run on a real server.\n'
# No server of the machine's own: the tests make theirs in a scratch directory.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --yes --no-install-recommends -o Dpkg::Options::=--force-confold postgresql >/dev/null
# One test more where it can be had: the pooler itself beside its double.
apt-get install -qq --yes --no-install-recommends -o Dpkg::Options::=--force-confold pgbouncer >/dev/null || true
has_server || fail "PostgreSQL 14 or newer, and its packages brought no initdb: install it by hand."
