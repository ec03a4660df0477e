"""Tools > Scripts > Paint with impasto, for Krita 5."""

from krita import Krita

from .plugin import ImpastoPaint

Krita.instance().addExtension(ImpastoPaint(Krita.instance()))
