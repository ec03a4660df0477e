"""How a picture was made, as JSON in the picture's own metadata, and the way back: ``replay`` makes it again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import ExifTags, Image

from impasto import __version__, pictures
from impasto.errors import LearnError
from impasto.learn.features import LossNetwork
from impasto.learn.optimize import Optimization
from impasto.learn.recipes import settings_for

FORMAT = 1
KEY = "impasto optimize"


def manifest(run: Optimization) -> dict[str, Any]:
    """Everything that made ``run``'s picture: versions, settings, plan as it was used, files with hashes, losses.

    Paths are as they were given. The JSON of it takes about 3 KB.
    """
    settings = asdict(run.settings)
    settings |= {"start": run.start, "history": run.fit.history}  # what was chosen for it
    parts = run.parts
    return {
        "made_by": KEY,
        "format": FORMAT,
        "versions": {"impasto": __version__, "torch": torch.__version__},
        "settings": settings,
        "plan": run.plan_as_used(),
        "files": run.scene.cards(),
        "network": run.painter_files,
        "loss_network": fingerprint(run.loss_network),
        "losses": None if parts is None else asdict(parts),
        "evaluations": sum(run.used),
        "seconds": round(run.seconds, 1),
    }


def save_picture(
    run: Optimization, target: pictures.Target, *, quality: int = 95, keep_metadata: bool = False
) -> tuple[str, ...]:
    """Write the best picture so far, with the photo's alpha and its manifest in the EXIF field UserComment.

    The photo's metadata goes along, and sentences come back, as in ``pictures.save``.
    """
    like, comment = run.scene.source, json.dumps(manifest(run))
    return pictures.save(
        run.picture(), target, like=like, quality=quality, comment=comment, keep_metadata=keep_metadata
    )


def read_manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest in a picture that ``save_picture`` wrote, or in a JSON file; LearnError if there is none."""
    try:
        text = Path(path).read_text() if Path(path).suffix == ".json" else _comment(pictures.load(path).exif)
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise LearnError(f"{path} holds no manifest of impasto optimize") from error
    if not isinstance(found, dict) or found.get("made_by") != KEY:
        raise LearnError(f"{path} holds no manifest of impasto optimize")
    if found.get("format") != FORMAT:
        raise LearnError(
            f"{path} has a manifest of format {found.get('format')}, this impasto reads {FORMAT}; upgrade it"
        )
    return found


def replay(
    made: dict[str, Any], *, folder: str | os.PathLike[str] = ".", loss_network: LossNetwork | None = None
) -> Optimization:
    """The optimisation that a manifest describes, ready to ``run``; equal machines and versions give equal bits.

    Files are looked for under the paths of the manifest, then by name in ``folder``. Raises LearnError for one that is
    missing or has changed, and for another loss network.
    """
    files = {kind: [_found(card, Path(folder)) for card in cards] for kind, cards in made["files"].items()}
    options = dict(made["settings"])
    if files["start"]:
        options["start"] = str(files["start"][0])
    run = Optimization(
        files["photo"][0],
        files["paintings"],
        settings_for(options.pop("recipe"), **options),
        photo_masks=files["photo_masks"],
        painting_masks=files["painting_masks"],
        loss_network=loss_network,
        plan=[(size, count, precision) for size, count, precision in made["plan"]],
        **made["network"],
    )
    _check_same(made, run)
    return run


def fingerprint(network: LossNetwork) -> str:
    """Sixteen hex digits of the SHA-256 of a loss network's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(network.named_buffers()):
        digest.update(name.encode())
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _found(card: dict[str, str], folder: Path) -> Path:
    for path in (Path(card["path"]), folder / Path(card["path"]).name):
        if card["path"] and path.is_file():
            return path
    raise LearnError(f"{card['path'] or 'a picture that was no file'} is needed to replay this; put it into {folder}")


def _check_same(made: dict[str, Any], run: Optimization) -> None:
    if fingerprint(run.loss_network) != made["loss_network"]:
        raise LearnError("the picture was made with another loss network; name its weights with --loss-network")
    for kind, cards in run.scene.cards().items():
        for card, old in zip(cards, made["files"][kind], strict=True):
            if card["sha256"] != old["sha256"]:
                raise LearnError(f"{card['path']} is not the picture that was used then; its pixels differ")


def _comment(exif: bytes | None) -> str:
    """The text of the EXIF field UserComment, whose first eight bytes name its coding."""
    if exif is None:
        return ""
    block = Image.Exif()
    block.load(exif)
    coded = block.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b"")
    if coded[:8] == b"UNICODE\0":
        return str(coded[8:].decode("utf-16"))
    return str(coded[8:].decode("ascii", "replace"))
