"""How a picture was made, as JSON in the picture's own metadata, and the way back: ``replay`` makes it again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from impasto import assets, limits, pictures
from impasto.errors import LearnError, OptionError, attempt
from impasto.learn.devices import memory_watched
from impasto.learn.loss.features import LossNetwork, load_loss_network
from impasto.learn.optimize.plan import checked_plan
from impasto.learn.optimize.recipes import is_file, settings_for
from impasto.learn.optimize.run import Optimization
from impasto.learn.optimize.scene import sha256
from impasto.learn.optimize.starts import NETWORK, file_name, painters
from impasto.pictures import metadata

FORMAT = 2
OLD = 1  # paths where 2 has names, and the chosen start and history among the settings
KEY = "impasto optimize"
LARGEST = 2**22  # bytes of a manifest in a file of its own
KINDS = {"photo": (1, 1), "paintings": (1, 100), "photo_masks": (0, 100), "painting_masks": (0, 100), "start": (0, 1)}

Cards = dict[str, list[dict[str, str]]]


def manifest(run: Optimization) -> dict[str, Any]:
    """Everything that made ``run``'s picture: versions, settings, plan as it was used, files with hashes, losses.

    It is made to be published: files have names, without their folders, and SHA-256 hashes of their pixels. What was
    chosen for a run, ``start`` and ``history``, is kept apart from what was asked. The JSON of it takes about 3 KB.
    """
    parts = run.parts
    return {
        "made_by": KEY,
        "format": FORMAT,
        "versions": {"impasto": assets.__version__, "torch": torch.__version__},
        **asked(run),
        "chosen": {"start": _named(run.start), "history": run.fit.history, "painters": run.painted_by()},
        "plan": run.plan_as_used(),
        "losses": None if parts is None else asdict(parts),
        "evaluations": sum(run.used),
        "seconds": round(run.seconds, 1),
    }


def asked(run: Optimization) -> dict[str, Any]:
    """The part of a manifest that is known before the first step: equal for equal requests, whatever came of them."""
    files = {
        kind: [{"name": file_name(card["path"]), "sha256": card["sha256"]} for card in cards]
        for kind, cards in run.scene.cards().items()
    }
    return {
        "settings": asdict(run.settings) | {"start": _named(run.settings.start)},
        "files": files,
        "painters": run.painters,
        "loss_network": fingerprint(run.loss_network),
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
    found: Any = None
    with suppress(OSError, ValueError, RecursionError):
        text = _text_of(Path(path)) if Path(path).suffix.lower() == ".json" else _comment(path)
        found = json.loads(text, parse_constant=_no_number)
    if not isinstance(found, dict) or found.get("made_by") != KEY:
        raise LearnError(f"{path} holds no manifest of impasto optimize")
    if found.get("format") not in (OLD, FORMAT) or isinstance(found["format"], bool):
        raise LearnError(
            f"{path} has a manifest of format {found.get('format')!r}, this impasto reads {FORMAT}; upgrade it"
        )
    settings = found.get("settings")
    if isinstance(settings, dict) and "precision" in settings:
        settings["precision"] = limits.PRECISION.parse(settings["precision"])  # as grids compare it
    return found


def replay(
    made: dict[str, Any],
    *,
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = ".",
    loss_network: LossNetwork | None = None,
    device: str = "cpu",
    max_memory: float | None = None,
) -> Optimization:
    """The optimisation that a manifest describes, ready to ``run``; equal machines and versions give equal bits.

    Files are looked for by name in ``folder``, or in several, and nowhere else: a manifest may come from anybody.
    Raises LearnError for one that is missing or has changed, for another loss network, and for a manifest that makes
    no sense.
    """
    folders = [Path(folder)] if isinstance(folder, str | os.PathLike) else [Path(each) for each in folder]
    settings, files, plan = _settings(made), _cards(made), made.get("plan")
    recipe = settings.pop("recipe", None)
    if settings.get("start") is None or is_file(str(settings["start"])) != bool(files["start"]):
        raise LearnError("the manifest is damaged: its start is not among its files")
    with _sense():
        settings_for(recipe, **settings)  # before any file is opened
        checked = checked_plan(plan, largest=settings_for(recipe, **settings).size) if plan else None
    loss_network = loss_network or load_loss_network()
    if made.get("loss_network") != fingerprint(loss_network):
        raise LearnError("the picture was made with another loss network; name its weights with --loss-network")
    with memory_watched(lambda: "its files are too large for this machine"):
        found = {kind: [_found(card, folders) for card in cards] for kind, cards in files.items()}
    if found["start"]:
        settings["start"] = str(found["start"][0])
    chosen = settings_for(recipe, **settings)
    with _sense():
        return Optimization(
            found["photo"][0],
            found["paintings"],
            chosen,
            photo_masks=found["photo_masks"],
            painting_masks=found["painting_masks"],
            loss_network=loss_network,
            device=device,
            max_memory=max_memory,
            plan=checked,
            **_painters(made, str(settings["start"]), folders),
        )


@contextmanager
def _sense() -> Iterator[None]:
    """Settings that make no sense are no fault of who replays them."""
    try:
        yield
    except OptionError as error:
        raise LearnError(f"the manifest is damaged: {error}") from error


def fingerprint(network: LossNetwork) -> str:
    """Sixteen hex digits of the SHA-256 of a loss network's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(network.named_buffers()):
        digest.update(name.encode())
        digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _settings(made: dict[str, Any]) -> dict[str, Any]:
    """The settings of a manifest with what was chosen for them; their names are checked by ``settings_for``."""
    found, chosen = made.get("settings"), made.get("chosen", {})
    if not isinstance(found, dict) or not isinstance(chosen, dict):
        raise LearnError("the manifest is damaged: it has no settings")
    start = chosen.get("start", found.get("start"))
    return {**found, "start": start, "history": chosen.get("history", found.get("history"))}


def _cards(made: dict[str, Any]) -> Cards:
    """Name and hash of the files of each kind, checked."""
    files = made.get("files")
    if not isinstance(files, dict) or set(files) != set(KINDS):
        raise LearnError(f"the manifest is damaged: its files are not those of {', '.join(KINDS)}")
    found: Cards = {}
    for kind, (fewest, most) in KINDS.items():
        cards = files[kind]
        if not isinstance(cards, list) or not fewest <= len(cards) <= most:
            raise LearnError(f"the manifest is damaged: it lists no {kind}, or too many")
        found[kind] = [_card(card) for card in cards]
    return found


def _card(card: object) -> dict[str, str]:
    found = card if isinstance(card, dict) else {}
    name, digest = found.get("name", found.get("path")), found.get("sha256")
    if not isinstance(name, str) or not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise LearnError("the manifest is damaged: a file has no name or no hash")
    return {"name": file_name(name), "sha256": digest}  # never more than a name: what it led to is not ours to open


def _found(card: dict[str, str], folders: Sequence[Path]) -> Path:
    """The file of this name in one of the folders that has the right pixels."""
    paths = _named_files(card["name"], folders, "a picture that was no file")
    for path in paths:
        if sha256(pictures.load(path).picture) == card["sha256"]:
            return path
    raise LearnError(f"{paths[0]} is not the picture that was used then; its pixels differ")


def _named_files(name: str, folders: Sequence[Path], otherwise: str = "a file without a name") -> list[Path]:
    paths = [path for path in (folder / name for folder in folders) if name and path.is_file()]
    if not paths:
        where = " or ".join(map(str, folders))
        raise LearnError(f"{name or otherwise} is needed to replay this; put it into {where}, or name its --folder")
    return paths


def _painters(made: dict[str, Any], start: str, folders: Sequence[Path]) -> dict[str, Any]:
    """The network and bank that painted the start: ours, or by name in the folders; checked to be the same."""
    if start.split(":")[0] != NETWORK:
        return {}
    then = _painter_cards(made)
    network, bank = (file_name(then[kind]["name"]) for kind in ("network", "bank"))
    found: dict[str, Any] = {"network": network if network in assets.networks() else _named_files(network, folders)[0]}
    if bank:
        found["bank"] = _named_files(bank, folders)[0]
    now = painters(start, found["network"], found.get("bank"))
    for kind, card in then.items():
        if any(card[key] != now[kind].get(key) for key in card if key != "name"):
            raise LearnError(f"the {kind} {card['name'] or network!r} is not the one that was used then")
    return found


def _painter_cards(made: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What a manifest says of network and bank; names only, if it is an old one."""
    if made.get("format") == OLD:
        old = made.get("network")
        names = old if isinstance(old, dict) else {}
        cards: Any = {kind: {"name": names.get(kind) or ""} for kind in ("network", "bank")}
    else:
        chosen = made.get("chosen")
        cards = chosen.get("painters") if isinstance(chosen, dict) else None
    right = isinstance(cards, dict) and set(cards) == {"network", "bank"}
    if not right or not all(isinstance(card, dict) and isinstance(card.get("name"), str) for card in cards.values()):
        raise LearnError("the manifest is damaged: it does not say which network painted its start")
    return cards  # type: ignore[no-any-return]


def _named(start: str) -> str:
    """A start as it may be published: of a file only the name."""
    return file_name(start) if is_file(start) else start


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _text_of(path: Path) -> str:
    with open(path, "rb") as file:
        return file.read(LARGEST).decode("utf-8")


def _comment(path: str | os.PathLike[str]) -> str:
    exif = pictures.load(path).exif or b""
    return attempt(lambda: metadata.comment_in(metadata.opened(exif)), "")
