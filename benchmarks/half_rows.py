"""How far paintings change where the rows of a bank are stored as float16: the largest difference, of 255.

    python -m benchmarks.half_rows [--size 384] [--every 4] [--banks FOLDER]

Every fourth style, and `photo`, paints three photos of scikit-image with its row and with that row rounded to float16.
Kept in benchmarks/results/half-rows.json. ``--banks`` is a folder with banks whose rows are not
rounded yet.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from impasto import Painter, assets, pictures
from impasto.files import write_atomically
from impasto.styles.bank import Bank

RESULTS = Path(__file__).parent / "results" / "half-rows.json"
PHOTOS = ("astronaut", "chelsea", "coffee")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--banks", type=Path, default=assets.FOLDER)
    args = parser.parse_args()
    report: dict[str, Any] = {}
    for name in ("full", "fast"):
        bank = Bank.load(args.banks / f"{name}.safetensors")
        painter = Painter(name, bank=bank, precision="f32")
        painter.network.prepare(args.size, args.size)
        styles = list(dict.fromkeys([*bank.names[:: args.every], "photo"]))
        found = {style: max(_apart(painter, style, each, args.size) for each in PHOTOS) for style in styles}
        worst = max(found, key=lambda style: found[style])
        report[name] = {"fingerprint": bank.fingerprint, "size": args.size, "styles": len(found), "most": found[worst]}
        report[name] |= {"worst": worst, "changed": sum(value > 0 for value in found.values())}
        print(name, report[name], flush=True)
    write_atomically(RESULTS, (json.dumps(report, indent=1) + "\n").encode())


def _apart(painter: Painter, style: str, photo: str, size: int) -> int:
    picture: Any = pictures.to_bytes(pictures.resize(getattr(data, photo)(), size))
    row = painter.photo_row(picture) if style == "photo" else painter.bank[style]
    assert row is not None
    rounded = row.astype(np.float16).astype(np.float32)
    before, after = (painter.network.paint(picture, each).astype(int) for each in (row, rounded))
    return int(np.abs(before - after).max())


if __name__ == "__main__":
    main()
