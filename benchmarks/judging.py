"""What ``impasto judge`` reports of photos of scikit-image in shipped styles, and whether ``impasto eval`` agrees.

    python -m benchmarks.judging --styles DIR [--style NAME,NAME,...] [--photos DIR] [--limit 2]

DIR holds the bank's paintings. The photos are painted with ``full`` at five strengths and measured at 512 px; the
photos themselves are measured as well, which is what doing nothing scores. With --photos, content and style of the last
photos by name are measured twice, by ``impasto eval`` and by ``impasto judge`` from painted PNG files. Kept in
benchmarks/results/judging.json; the tables of docs/judging.md are made of it:

    python -c "from benchmarks.judging import PAGE, page; PAGE.write_text(page())"
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import filled

RESULTS = Path(__file__).parent / "results" / "judging.json"
PAGE = RESULTS.parent.parent.parent / "docs" / "judging.md"
STYLES = "monet-impression-sunrise,hokusai-great-wave"
STILLS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")
SHOWN = {  # and their numbers' formats
    "content_relu3_1": ".2f",
    "content_relu4_1": ".2f",
    "ssim": ".2f",
    "cfsd_original": ".3g",
    "style_share": ".3f",
    "adain": ".3f",
    "sliced_wasserstein": ".3f",
    "rgb_uv": ".2f",
    "warping_error": ".1f",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--styles", type=Path, required=True)
    parser.add_argument("--style", default=STYLES)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--limit", default="2")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = {"agreement": agreement(args, folder)} if args.photos else example(args, folder)
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**old, **found}, indent=1) + "\n")
    PAGE.write_text(page(), encoding="utf-8")


def example(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The stills in the styles: all measures at strength 1, all but CFSD, which is slow, at others, and untouched."""
    photos, untouched = folder / "photos", folder / "untouched"
    photos.mkdir()
    untouched.mkdir()
    for path in _stills():
        (photos / path.name).symlink_to(path)
        for style in args.style.split(","):
            (untouched / f"{path.stem}-{style}{path.suffix}").symlink_to(path)
    common = ("-s", args.style, "--unit", "energy", "--style-size", "512", "--style-weight", "0.5")
    quick = (*common, "--measures", "content,share,adain,wasserstein,color,ssim,warping")
    nothing = _judge(photos, untouched, args.styles, *quick)
    whole = _judge(photos, args.styles, *common, "--network", "full", "--strengths", "1")
    others = _judge(photos, args.styles, *quick, "--network", "full", "--strengths", "0.25,0.5,0.75,1.25")
    return {
        "loss_network": whole["loss_network"],
        "styles": whole["styles"],
        "untouched": nothing["overall"][0],
        "curve": sorted(whole["overall"] + others["overall"], key=lambda point: point["strength"]),
        "floor": {style["name"]: _floor(style) for style in whole["styles"]},
    }


def _floor(style: dict[str, Any]) -> float:
    """The style distance of the painting's halves, as a share of the photo's, like ``style_share``."""
    share: float = style["style_floor"]["median"] * style["style_share"]["median"] / style["style"]["median"]
    return share


def agreement(args: argparse.Namespace, folder: Path) -> dict[str, float | int]:
    """The largest relative differences of content and style, of means over photos, between eval and judge."""
    import numpy as np

    from impasto.learn.evaluate.pairs import pictures_of
    from impasto.pictures import load, to_pil

    (folder / "photos").mkdir()
    for path in pictures_of(args.photos, "photos", last=int(args.limit)):  # PNG, so that what is painted is PNG as well
        to_pil(load(path).picture).save(folder / "photos" / f"{path.stem}.png")
    options = ("--styles", str(args.styles), "-s", args.style, "--precision", "f32", "--json")
    evaluated = json.loads(_run("eval", "--photos", str(folder / "photos"), *options))
    for style in args.style.split(","):
        _run("paint", str(folder / "photos"), "-s", style, "--size", "512", "--enlarge", "-o", f"{folder}/painted/")
    places = (folder / "photos", folder / "painted", args.styles)
    judged = _judge(*places, "-s", args.style, "--network", "full", "--measures", "ssim")
    apart: dict[str, list[float]] = {"content": [], "style": []}
    for expected in evaluated["styles"]:
        records = [record for record in judged["pictures"] if record["name"] == expected["name"]]
        for key, differences in apart.items():
            mean = np.mean([record[key] for record in records])
            differences.append(abs(float(mean) / expected[key] - 1))
    counts = {"photos": int(args.limit), "styles": len(evaluated["styles"])}
    return {**{key: max(differences) for key, differences in apart.items()}, **counts}


def _stills() -> Iterator[Path]:
    import skimage

    yield from (Path(skimage.__file__).parent / "data" / name for name in STILLS)


def _judge(*words: object) -> Any:
    return json.loads(_run("judge", *map(str, words), "--json"))


def _run(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "impasto", *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def page() -> str:
    """The page as it stands, with its figures as they should be."""
    return filled(PAGE, "judging.py", {"agreement": agreed(), "styles": styles(), "curve": curve()})


def agreed() -> str:
    """A line for each distance: how far judge is from eval."""
    found = json.loads(RESULTS.read_text()).get("agreement", {})
    rows = [f"| {key} | {100 * found[key]:.2f} % |" for key in ("content", "style") if key in found]
    return "\n".join(["| distance | largest difference |", "|---|---|", *rows]) + "\n"


def styles() -> str:
    """A line for each style at strength 1: medians with their intervals."""
    found = json.loads(RESULTS.read_text())
    shown = [key for key in SHOWN if key != "warping_error"]
    return _table("style", shown, [(style["name"], style) for style in found["styles"]], ends=True)


def curve() -> str:
    """A line for each strength, and one for the photos themselves."""
    found = json.loads(RESULTS.read_text())
    rows = [("doing nothing", found["untouched"]), *((f"{row['strength']:g}", row) for row in found["curve"])]
    return _table("strength", [key for key in SHOWN if key != "cfsd_original"], rows)


def _table(first: str, keys: Sequence[str], rows: Sequence[tuple[str, Any]], *, ends: bool = False) -> str:
    lines = [f"| {first} | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(_cell(row.get(key), SHOWN[key], ends) for key in keys)} |" for name, row in rows]
    return "\n".join(lines) + "\n"


def _cell(found: dict[str, float] | None, kind: str, ends: bool) -> str:
    if found is None:
        return "-"
    interval = f" [{found['low']:{kind}} {found['high']:{kind}}]" if ends else ""
    return f"{found['median']:{kind}}{interval}"


if __name__ == "__main__":
    main()
