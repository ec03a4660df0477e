"""Without PyAV only those tests of films run that need no files."""

from __future__ import annotations

import importlib.util

FILES = (
    "test_bad_input.py",
    "test_cameras.py",
    "test_command.py",
    "test_colour.py",
    "test_damaged_films.py",
    "test_killed.py",
    "test_odd_films.py",
    "test_recording.py",
    "test_render.py",
    "test_rules_of_films.py",
)
collect_ignore = [] if importlib.util.find_spec("av") else list(FILES)
