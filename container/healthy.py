#!/opt/impasto/bin/python
"""Exit code 0 if the server in this container is alive. Not by urllib, which would ask a proxy that is set."""

import http.client
import os
import sys

server = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "7860")), timeout=4)
server.request("GET", "/healthz")
sys.exit(server.getresponse().status != 200)
