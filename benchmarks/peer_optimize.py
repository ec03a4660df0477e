"""Run or ask pastiche 1.6.0, in the interpreter of a venv that has it: called by benchmarks.optimize, not by you.

Reads JSON from standard input. {"photo", "painting", "size", "steps", "state", "at_most", "output"}: runs its defaults
from the photo, for so many L-BFGS steps, and prints seconds and loss of each; a call that takes longer than ``at_most``
seconds stops and leaves the file ``state``, with which the next call goes on; its picture goes into the PNG ``output``.
{"photo", "painting", "size", "judge": [files]}: prints what its own objective says of each picture. Knows nothing of
impasto.
"""

import json
import os
import sys
import time

import torch
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
    if os.path.exists(job["state"]):
        found = torch.load(job["state"], weights_only=True)
        artist.pastiche.data = found["picture"]
        artist.optimizer.load_state_dict(found["optimizer"])
        seconds, losses = found["seconds"], found["losses"]
        artist._calc_loss().backward()  # what a process does for the first time is slow; it has been paid for
    begin = time.perf_counter()
    before = seconds[-1] if seconds else 0.0
    while len(losses) <= job["steps"] and time.perf_counter() - begin < job["at_most"]:
        artist.draw()  # a step tells the loss that it began with
        seconds.append(before + time.perf_counter() - begin)
        losses.append(artist.loss)
    state = {"picture": artist.pastiche.data, "optimizer": artist.optimizer.state_dict()}
    torch.save({**state, "seconds": seconds, "losses": losses}, job["state"])
    save_image(artist.pastiche, job["output"])
    print(json.dumps({"seconds": seconds, "losses": losses}))
