"""Run or ask pastiche 1.6.0, in the interpreter of a venv that has it: called by benchmarks.optimize, not by you.

Reads JSON from standard input. {"photo", "painting", "size", "steps", "output"}: runs its defaults from the photo, for
so many L-BFGS steps, and prints seconds and loss of each. {"photo", "painting", "size", "judge": [files]}: prints what
its own objective says of each picture. Knows nothing of impasto.
"""

import json
import sys
import time

from pastiche.pastiche import PasticheArtist, load_image, save_image

job = json.load(sys.stdin)
artist = PasticheArtist(job["photo"], [job["painting"]], size=job["size"], device="cpu")
if "judge" in job:
    values = []
    for file in job["judge"]:
        artist.pastiche.data = load_image(file, size=artist.content_size)
        values.append(artist._calc_loss().item())
    print(json.dumps(values))
else:
    seconds, losses = [], []
    begin = time.perf_counter()
    for _ in range(job["steps"] + 1):  # a step tells the loss that it began with
        artist.draw()
        seconds.append(time.perf_counter() - begin)
        losses.append(artist.loss)
    save_image(artist.pastiche, job["output"])
    print(json.dumps({"seconds": seconds, "losses": losses}))
