"""EXIF of photos and paintings: what impasto writes into it, and how its own pictures are known. Knows Pillow only."""

from __future__ import annotations

from PIL import ExifTags, Image

MARKER = "impasto"  # in EXIF's Software, and in the comment of a GIF, of every picture that impasto writes

_SOFTWARE = int(ExifTags.Base.Software)
_COMMENT = int(ExifTags.Base.UserComment)


def with_comment(exif: bytes | None, comment: str | None) -> bytes:
    """The EXIF block with the marker in it, and with the comment in the field UserComment if there is one."""
    block = Image.Exif()
    if exif is not None:
        block.load(exif)
    block[_SOFTWARE] = MARKER
    if comment is not None:
        coded = b"ASCII\0\0\0" + comment.encode() if comment.isascii() else b"UNICODE\0" + comment.encode("utf-16")
        if ExifTags.IFD.Exif in block:
            block.get_ifd(ExifTags.IFD.Exif)[_COMMENT] = coded
        else:
            block[ExifTags.IFD.Exif] = {_COMMENT: coded}
    return block.tobytes()


def comment_in(exif: Image.Exif) -> str:
    """The text of the field UserComment, whose first eight bytes name its coding; "" where there is none."""
    coded = exif.get_ifd(ExifTags.IFD.Exif).get(_COMMENT, b"")
    if not isinstance(coded, bytes):
        return ""
    return coded[8:].decode("utf-16" if coded.startswith(b"UNICODE\0") else "ascii", "replace")


def is_marked(image: Image.Image) -> bool:
    """Whether impasto wrote the file behind an image that was opened, from its header alone.

    Another program that changes a painting puts its own name into Software: the file is the user's work then. Paintings
    of impasto 0.1.0, which left Software alone, are known by their comment where that field is empty.
    """
    if image.format == "GIF":
        comment = image.info.get("comment", b"")
        return isinstance(comment, bytes) and comment.startswith(MARKER.encode())
    exif = _exif_in_header(image)
    if _SOFTWARE in exif:
        return bool(exif[_SOFTWARE] == MARKER)
    return comment_in(exif).startswith(("painted by impasto", '{"made_by": "impasto'))


def _exif_in_header(image: Image.Image) -> Image.Exif:
    if image.format == "TIFF":
        return image.getexif()
    exif = Image.Exif()  # not getexif, which decodes a PNG to look behind its pixels
    exif.load(image.info.get("exif", b""))
    return exif
