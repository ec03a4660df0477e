"""Write docs/api.md from the document that the server itself gives, so that the page cannot say anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from impasto.server.api import PROBLEMS
from impasto.server.app import made
from impasto.server.settings import Settings

PAGE = Path(__file__).parent / "api.md"
TITLES = {
    "server": "What there is",
    "paint": "One call",
    "photos": "Photos and previews",
    "jobs": "Paintings",
    "styles": "Styles of one's own",
    "lessons": "Teaching (the studio alone)",
    "health": "For whoever runs it",
}
RECIPE = {"styles": {"hokusai-great-wave": 0.6, "van-gogh-starry-night": 0.4}, "strength": 0.9}
BODIES: dict[str, dict[str, Any]] = {  # what the examples send
    "PreviewBody": {"recipe": RECIPE, "n": 1, "max_side": 384},
    "WindowBody": {"recipe": RECIPE, "n": 1, "x": 1000, "y": 800, "width": 512, "height": 512},
    "PlanBody": {"recipe": RECIPE},
    "JobBody": {"photo": "PHOTO", "recipe": RECIPE, "format": "jpeg"},
}
QUERIES = {
    "paint": "?style=hokusai-great-wave",
    "send_painting": "?name=my-aunt",
    "teach": "?name=my-aunt&minutes=15",
    "lesson_preview": "?photo=PHOTO",
}
WRITTEN = {"image/jpeg": "painted.jpg", "application/octet-stream": "style.safetensors"}
FILES = {"image/png": "mask.png", "image/jpeg": "photo.jpg"}
INTRODUCTION = """\
# The HTTP API

Made by `python docs/make_api.py` from the server's own `/openapi.json`. [serve.md](serve.md) says how to run a server,
and what it allows. Below `$S` is its address, such as `http://127.0.0.1:7878`; with `--token` every call needs
`-H "Authorization: Bearer $TOKEN"` as well. The body of a request is the picture itself, or JSON; never a form.

A *recipe* is a look as JSON:
"""
ERRORS = """\
## Errors

Every error is `application/problem+json`: `{"type", "title", "status", "detail", "code"}`. `detail` is one sentence for
people and may change; `code` does not. With 429 and 503 comes `Retry-After`, in seconds.
"""
MORE = [  # codes that do not come from an error of the library
    (400, "bad-request", "a body that cannot be read"),
    (400, "not-http", "what is no request of HTTP"),
    (401, "token", "a request without the token, or with another one"),
    (403, "local", "a call for this computer alone"),
    (403, "origin", "a call from a page of another origin"),
    (404, "unknown", "an address, photo, job or lesson that never was"),
    (404, "unknown-network", "a network that is not here"),
    (405, "wrong-method", "another method than the address takes"),
    (408, "slow", "a request that comes too slowly"),
    (409, "not-done", "a result that is not there yet"),
    (413, "too-large", "too many bytes"),
    (415, "unsupported-format", "a picture of a kind that is not taken"),
    (415, "unsupported-type", "another Content-Type than a picture's, or JSON's"),
    (421, "host", "a Host that this server does not answer to"),
    (422, "bad-request", "a field that is missing, unknown or of another kind"),
    (422, "key-used", "an Idempotency-Key that belongs to another request"),
    (422, "name-taken", "a style of this name is there already"),
    (422, "no-mask", "a region whose mask was not sent"),
    (422, "no-memory", "a painting that does not fit into memory"),
    (422, "too-many-pixels", "a photo, or its painting, with too many pixels"),
    (422, "too-many-styles", "a mix of too many styles"),
    (429, "rate", "too many requests a minute"),
    (431, "headers", "headers that are too large"),
    (500, "fault", "a fault of impasto"),
    (503, "ending", "the server ends"),
    (503, "not-ready", "of /readyz: networks are being opened, or the queue is full"),
]


def page() -> str:
    """The whole page as Markdown."""
    document = made(Settings()).openapi()
    schemas = document["components"]["schemas"]
    parts = [INTRODUCTION, _fields(schemas, "Recipe"), "A region:\n", _fields(schemas, "Region")]
    for tag, title in TITLES.items():
        parts.append(f"## {title}\n")
        for path, calls in document["paths"].items():
            parts += [_call(schemas, method, path, call) for method, call in calls.items() if call["tags"] == [tag]]
    return "\n".join([*parts, ERRORS, *_codes()]) + "\n"


def _call(schemas: dict[str, Any], method: str, path: str, call: dict[str, Any]) -> str:
    lines = [f"### {method.upper()} {path}\n", f"{call['description']}\n", f"    {_curl(method, path, call)}\n"]
    listed = [_parameter(each) for each in call.get("parameters", []) if each["in"] != "path"]
    body = _body(call)
    if listed:
        lines += ["| parameter | | |", "|---|---|---|", *listed, ""]
    if body:
        lines += ["Body:\n", _fields(schemas, body)]
    lines.append(f"Answer: {', '.join(_answers(schemas, call))}.\n")
    return "\n".join(lines)


def _curl(method: str, path: str, call: dict[str, Any]) -> str:
    words = ["curl", *([f"-X {method.upper()}"] if method in ("put", "delete") else [])]
    address = re.sub(r"\{(\w+)\}", lambda found: f"${found[1].upper()}", path)
    words.append(f'"$S{address}{QUERIES.get(call["operationId"], "")}"')
    content, body = list(call.get("requestBody", {}).get("content", {})), _body(call)
    if body:
        words.append(f"-H 'Content-Type: application/json' -d '{json.dumps(BODIES[body])}'")
    elif content:
        words.append(f"-H 'Content-Type: {content[0]}' --data-binary @{FILES[content[0]]}")
    elif method == "post":
        words.append("-X POST")
    kinds = {kind for answer in call["responses"].values() for kind in answer.get("content", {})}
    words += [f"-o {file}" for kind, file in WRITTEN.items() if kind in kinds]
    return " ".join(words)


def _body(call: dict[str, Any]) -> str:
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _answers(schemas: dict[str, Any], call: dict[str, Any]) -> Iterator[str]:
    for status, answer in call["responses"].items():
        if status.isdigit():
            kinds = " or ".join(f"`{kind}`" for kind in answer.get("content", {}))
            record = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            fields = ", ".join(
                f"`{field}`" for field in schemas.get(record.rpartition("/")[2], {}).get("properties", {})
            )
            yield f"{status}{', ' if kinds else ''}{kinds}{f': {fields}' if fields else ''}"


def _fields(schemas: dict[str, Any], name: str) -> str:
    schema = schemas[name]
    rows = [
        _row(field, found, field in schema.get("required", []), found.get("description", ""))
        for field, found in schema["properties"].items()
    ]
    return "\n".join(["| field | | |", "|---|---|---|", *rows, ""])


def _parameter(found: dict[str, Any]) -> str:
    said = found.get("description", "") or found["schema"].get("description", "")
    name = found["name"] if found["in"] == "query" else f"{found['name'].title()} (header)"
    return _row(name, found["schema"], found.get("required", False), said)


def _row(name: str, schema: dict[str, Any], required: bool, said: str) -> str:
    default = "needed" if required else f"default {json.dumps(schema['default'])}" if "default" in schema else ""
    return f"| `{name}` | {_kind(schema)}{f', {default}' if default else ''} | {said} |"


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2].lower())
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    low, high = schema.get("minimum"), schema.get("maximum")
    span = f" from {low:g} to {high:g}" if low is not None and high is not None else ""
    return {"object": "names and weights", "array": "a list"}.get(schema["type"], schema["type"]) + span


def _codes() -> Iterator[str]:
    yield "| status | code | |"
    yield "|---|---|---|"
    known = [
        (status, code, (kind.__doc__ or "").split("\n")[0].split(";")[0].rstrip(".")) for kind, status, code in PROBLEMS
    ]
    listed = {(status, code): said for status, code, said in [*known, *MORE]}
    for (status, code), said in sorted(listed.items()):
        yield f"| {status} | `{code}` | {said[:1].lower() + said[1:]} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
