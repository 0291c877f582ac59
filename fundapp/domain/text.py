"""Text in the product's two languages.

Every sentence that a user can read and that does not stand in a template is a `Text`: Dutch and English side by side,
so that neither can be forgotten. Dutch is plain (B1); the legal term follows in brackets where a law gives one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or label in both languages.

    nl, en: format strings; a `{name}` in them is filled by `fill`.
    """

    nl: str
    en: str

    def fill(self, **values: object) -> Text:
        """Return the text with each `{name}` replaced. Values that are a Text themselves are filled per language.

        Raises KeyError when a name in the text has no value.
        """
        return Text(
            self.nl.format(**{k: v.nl if isinstance(v, Text) else v for k, v in values.items()}),
            self.en.format(**{k: v.en if isinstance(v, Text) else v for k, v in values.items()}),
        )

    def in_(self, language: Language) -> str:
        """Return the text in one language."""
        return self.nl if language == "nl" else self.en

    def __str__(self) -> str:
        return self.nl


def same(text: str) -> Text:
    """A Text that reads the same in both languages: a name, an amount, a reference."""
    return Text(text, text)
