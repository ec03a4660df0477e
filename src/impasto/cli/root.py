"""The command line itself, to which the commands are added."""

from __future__ import annotations

import time

from impasto.cli import terminal

PANELS = {
    "Paint": ("demo", "paint", "video", "live", "cluster", "plan", "optimize", "replay"),
    "Studio": ("studio", "serve"),
    "Explore styles": ("styles", "sheet", "square", "path", "map"),
    "Make your own": ("row", "teach", "match", "train", "export"),
    "Judge": ("judge", "eval", "grid"),
}
BEGAN = time.monotonic()  # near enough: what comes before takes a tenth of a second

app = terminal.App(
    panels=PANELS,
    help="Paint photos in the style of paintings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
