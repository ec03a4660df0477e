"""The command line itself, to which the commands are added."""

from __future__ import annotations

import time

from impasto.cli import terminal

PANELS = {
    "Paint": {
        "demo": "Paint a photo that comes with impasto.",
        "paint": "Paint photos in a style, or in a mix of styles.",
        "video": "Paint a film in a style, held still, with its sound.",
        "live": "Paint a camera while you look, on a page of your own (needs impasto[studio]).",
        "cluster": "Paint very many photos, on this machine or on a cluster (needs impasto[cluster]).",
        "plan": "Report what memory and time painting photos and films will take.",
        "optimize": "Paint by moving pixels, slow and best (needs impasto[learn]).",
        "replay": "Make a picture of impasto optimize again (needs impasto[learn]).",
    },
    "Studio": {
        "studio": "Open a page on which photos are painted (needs impasto[studio]).",
        "serve": "Serve the HTTP API alone, for programs (needs impasto[studio]).",
    },
    "Explore styles": {
        "styles": "List the styles of a bank, or make a bank out of others.",
        "sheet": "Paint one photo in every style, on one labelled sheet.",
        "square": "Paint one photo in the mixes between four styles, as a square.",
        "path": "Paint one photo along a path from style to style.",
        "map": "Draw a map on which styles that paint alike are close together.",
    },
    "Make your own": {
        "row": "Make a painting a style within seconds.",
        "teach": "Learn a painting as a new style (needs impasto[learn]).",
        "match": "Find the mix nearest to a painting (needs impasto[learn]).",
        "train": "Train a network and all its styles (needs impasto[learn]).",
        "export": "Write a trained network and its bank (needs impasto[learn]).",
    },
    "Judge": {
        "judge": "Measure painted pictures of any tool with the numbers that researchers use (needs impasto[learn]).",
        "eval": "Measure how good a bank's styles are (needs impasto[learn]).",
        "grid": "Paint figure 3 of Gatys and others, 2015 (needs impasto[learn]).",
    },
}  # what the list of commands says of each: the first line of its help
BEGAN = time.monotonic()  # near enough: what comes before takes a tenth of a second

app = terminal.App(
    panels=PANELS,
    help="Paint photos in the style of paintings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
