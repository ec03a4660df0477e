"""Time pystiche 1.0.1, in the interpreter of a venv that has it: called by benchmarks.optimize, not by you.

Reads JSON from standard input, {"photo", "painting", "size", "weights"}, and prints seconds per L-BFGS step of its
example: content relu4_2, style relu1_1 to relu5_1, from the photo. Knows nothing of impasto.
"""

import json
import statistics
import sys
import time

import numpy as np
import torch
from PIL import Image
from pystiche import enc, loss, optim

job = json.load(sys.stdin)


def load(file):
    """A picture of the wanted long side, (1, 3, H, W) in 0..1."""
    image = Image.open(file).convert("RGB")
    scale = job["size"] / max(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.BICUBIC)
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None].contiguous()


encoder = enc.vgg19_multi_layer_encoder(pretrained=False, allow_inplace=True)
encoder.load_state_dict(torch.load(job["weights"]), strict=False)
for parameter in encoder.parameters():
    parameter.requires_grad_(False)
criterion = loss.PerceptualLoss(
    loss.FeatureReconstructionLoss(encoder.extract_encoder("relu4_2")),
    loss.MultiLayerEncodingLoss(
        encoder,
        ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"],
        lambda encoder, weight: loss.GramLoss(encoder, score_weight=weight),
        score_weight=1e3,
    ),
    content_image=load(job["photo"]),
    style_image=load(job["painting"]),
)
marks = []


def steps(count):
    """The numbers of the steps; notes when each is asked for."""
    for i in range(count):
        marks.append(time.perf_counter())
        yield i


optim.image_optimization(load(job["photo"]), criterion, num_steps=steps(14), quiet=True)
print(json.dumps(statistics.median(marks[i + 1] - marks[i] for i in range(1, len(marks) - 1))))
