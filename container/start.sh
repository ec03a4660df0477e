#!/bin/sh
# The API on all addresses of the container, at $PORT. Its token is IMPASTO_TOKEN; arguments are those of `impasto serve`.
# All that is written goes to /tmp, which should be a tmpfs. exec, so that signals reach the server itself.
export HOME=/tmp XDG_CACHE_HOME=/tmp/cache
exec /opt/impasto/bin/impasto serve --host 0.0.0.0 --port "${PORT:-7860}" "$@"
