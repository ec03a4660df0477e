#!/opt/impasto/bin/python
"""Exit code 0 if the server in this container is alive."""

import os
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '7860')}/healthz", timeout=4)
