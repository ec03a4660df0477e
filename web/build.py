"""Builds the studio's page as a site without a server.

    python web/build.py [--out site] [--runtime FOLDER]

The page's modules come from src/impasto/server/page, the engine from web/, the networks and styles from
src/impasto/data, the runtime from the npm package that web/package.json pins (``npm pack`` fetches it, once, into
build/). Names of files hold a hash of what is in them, so that browsers may keep them for ever. No bundler: the modules
lie in one folder whose name is a hash of all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from impasto import __version__, assets
from impasto.errors import ImpastoError
from impasto.painting.network import Network
from impasto.server.listing import listed
from impasto.styles.bank import Bank

WEB = Path(__file__).parent
ROOT = WEB.parent
PAGE = ROOT / "src" / "impasto" / "server" / "page"
SAMPLE_SIDE = 768  # pixels
PACKAGE = "onnxruntime-web"
RUNTIMES = {  # of each provider: its module, its WASM file, and what that must be (SHA-256)
    "wasm": ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"),
    "webgpu": ("ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm"),
}
POLICY = (  # rule 9 of the studio's guard, less what a page cannot say of itself
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
    "img-src 'self' blob: data:; style-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<link rel="manifest" href="manifest.webmanifest">'
)


class Site:
    """A site on its way: its folder, and the files in it that the page fetches when it needs them."""

    def __init__(self, out: Path) -> None:
        self.out, self.files = out, []  # type: ignore[var-annotated]
        (out / "files").mkdir(parents=True)

    def put(self, name: str, data: bytes) -> dict[str, Any]:
        """A file, its name with a hash: where it is, and how many bytes it has."""
        stem, dot, end = name.partition(".")
        url = f"files/{stem}.{digest(data)}{dot}{end}"
        (self.out / url).write_bytes(data)
        self.files.append(url)
        return {"url": url, "size": len(data)}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def runtime_folder() -> Path:
    """The npm package's dist folder, fetched where it is not there yet."""
    version = json.loads((WEB / "package.json").read_text())["dependencies"][PACKAGE]
    folder = ROOT / "build" / f"{PACKAGE}-{version}"
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            command = ["npm", "pack", "--silent", f"{PACKAGE}@{version}"]
            try:
                subprocess.run(command, cwd=made, check=True, stdout=subprocess.DEVNULL, timeout=600)
            except FileNotFoundError as error:
                raise ImpastoError(f"npm is missing; install it, or name {PACKAGE}'s dist folder: --runtime") from error
            (packed,) = Path(made).glob("*.tgz")
            wanted = {f"package/dist/{name}" for pair in RUNTIMES.values() for name in pair}
            with tarfile.open(packed) as archive:
                members = [each for each in archive.getmembers() if each.name in wanted]
                archive.extractall(Path(made) / "unpacked", members, filter="data")
            with contextlib.suppress(OSError):  # another build was quicker
                (Path(made) / "unpacked").rename(folder)
    return folder / "package" / "dist"


def network(site: Site, name: str) -> dict[str, Any]:
    """What the page knows of a network: its graph, its numbers, and a file for each row."""
    path, bank = assets.network_file(name), Bank.load(assets.bank_file(name))
    opened = Network(path, runtime="onnxruntime")
    rows = {each: site.put(f"{name}-{each}.bin", bank[each].astype("<f4").tobytes()) for each in bank}
    cards = listed(bank)
    return {
        "graph": site.put(path.name, path.read_bytes()),
        "multiple": opened.multiple,
        "margin": opened.margin,
        "rowSize": opened.row_size,
        "fingerprint": opened.fingerprint,
        "list": site.put(f"{name}.json", json.dumps(cards, ensure_ascii=False).encode()),
        "styles": rows,
    }


def samples(site: Site) -> list[dict[str, Any]]:
    """The photos to begin with, smaller than the studio's, for a first visit fetches all of them."""
    found = []
    for each in json.loads((PAGE / "samples" / "samples.json").read_text()):
        file = io.BytesIO()
        with Image.open(PAGE / "samples" / f"{each['name']}.jpg") as image:
            image.thumbnail((SAMPLE_SIDE, SAMPLE_SIDE))
            image.save(file, "JPEG", quality=80, optimize=True)
            width, height = image.size
        found.append(each | {"width": width, "height": height} | site.put(f"{each['name']}.jpg", file.getvalue()))
    return found


def modules(built: dict[str, Any]) -> dict[str, bytes]:
    """The page's files, by their names in their folder."""
    found = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in (".js", ".css", ".svg")}
    del found["engine-http.js"]
    found["engine.js"] = (WEB / "engine.js").read_bytes()
    found |= {f"wasm/{path.name}": path.read_bytes() for path in (WEB / "wasm").glob("*.js")}
    found["wasm/built.js"] = f"export const BUILT = {json.dumps(built)};\n".encode()
    return dict(sorted(found.items()))


def build(out: Path, runtime: Path) -> Path:
    """The site, new, in the folder ``out``."""
    if out.exists() and not (out / "sw.js").is_file() and any(out.iterdir()):
        raise ImpastoError(f"'{out}' holds something else; choose another folder")
    wanted = [runtime / name for pair in RUNTIMES.values() for name in pair]
    if missing := [path for path in wanted if not path.is_file()]:  # before the site that is there goes
        raise ImpastoError(f"{missing[0]} does not exist; name the dist folder of {PACKAGE}, or leave --runtime out")
    shutil.rmtree(out, ignore_errors=True)
    site = Site(out)
    built = {
        "version": __version__,
        "runtimes": {
            provider: {
                kind: site.put(name.replace(".mjs", ".js"), (runtime / name).read_bytes())
                for kind, name in zip(("module", "wasm"), names, strict=True)
            }
            for provider, names in RUNTIMES.items()
        },
        "networks": {name: network(site, name) for name in assets.networks()},
        "samples": samples(site),
    }
    page = modules(built)
    html = (PAGE / "index.html").read_text().replace("<title>", f"{HEAD}\n<title>", 1)
    version = digest(html.encode() + b"".join(name.encode() + data for name, data in page.items()))
    for name, data in page.items():
        path = out / f"page-{version}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    html = re.sub(r'(href|src)="([\w-]+\.(?:svg|css|js))"', rf'\1="page-{version}/\2"', html)
    (out / "index.html").write_text(html)
    for name in ("icon.svg", "manifest.webmanifest"):
        shutil.copy((PAGE if name == "icon.svg" else WEB) / name, out / name)
    shell = {"./": out / "index.html"} | {name: out / name for name in ("icon.svg", "manifest.webmanifest")}
    shell |= {f"page-{version}/{name}": out / f"page-{version}" / name for name in page}
    digests = {path: digest(file.read_bytes()) for path, file in shell.items()}
    worker = (WEB / "sw.js").read_text().replace("{version}", version)
    worker = worker.replace("{shell}", json.dumps(digests)).replace("{files}", json.dumps(site.files))
    (out / "sw.js").write_text(worker)
    for path in (ROOT / "LICENSE", WEB / f"LICENSE-{PACKAGE}"):
        shutil.copy(path, out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "site", help="folder of the site; one that is there is replaced"
    )
    parser.add_argument("--runtime", type=Path, help=f"dist folder of {PACKAGE}; without it npm fetches the pinned one")
    args = parser.parse_args()
    try:
        print(build(args.out, args.runtime or runtime_folder()))
    except (ImpastoError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"the site cannot be built: {error}")


if __name__ == "__main__":
    main()
