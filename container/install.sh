#!/bin/sh
# What Containerfile runs: impasto with its server, without torch, into /opt/impasto; and the user that it runs as.
# Argument: a folder with impasto's source, or a wheel. pip reads its own settings: PIP_NO_INDEX, PIP_FIND_LINKS, ...
set -eu
source=${1:?the source of impasto, a folder or a wheel}

python3 -m venv /opt/impasto
/opt/impasto/bin/pip install --no-cache-dir "$source[studio]"
/opt/impasto/bin/pip uninstall --yes --quiet pip  # nothing is installed once it runs
install -m 755 "$(dirname "$0")/start.sh" /opt/impasto/bin/start
install -m 755 "$(dirname "$0")/healthy.py" /opt/impasto/bin/healthy

# By numbers, since a bare root may have no useradd.
grep -q ':1000:' /etc/passwd || echo 'impasto:x:1000:1000:impasto:/tmp:/usr/sbin/nologin' >> /etc/passwd
grep -q ':1000:' /etc/group || echo 'impasto:x:1000:' >> /etc/group
