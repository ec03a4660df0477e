"""Where the app begins, and each of its processes again."""

import multiprocessing

multiprocessing.freeze_support()  # a process that paints goes no further

from impasto.cli.double_click import main  # noqa: E402

main()
