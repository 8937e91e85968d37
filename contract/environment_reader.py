"""Typed values out of an environment, with one error that names the variable."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from contract.errors import SettingsError
from contract.inference_output import words_of

# No number read here is larger: the frontend is Java, and counts in its int.
HIGHEST_NUMBER = 2**31 - 1
_ON = ("true", "1", "yes", "on")
_OFF = ("false", "0", "no", "off")
A_LEVEL = "a level from 0 to 50 or a name such as INFO"


class Reader:
    """Reads typed values from an environment; an empty value counts as not set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """The value without the blanks around it, or None."""
        return self._environ.get(name, "").strip() or None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false, in any case, or 1 or 0."""
        value = (self.text(name) or str(default)).lower()
        if value not in ("true", "false", "1", "0"):
            raise SettingsError(f"{name} must be true or false, not {value!r}")
        return value in ("true", "1")

    def switch(self, name: str, *, default: bool) -> bool:
        """True or false by any of the words that others take for it."""
        value = (self.text(name) or str(default)).lower()
        if value not in (*_ON, *_OFF):
            raise SettingsError(f"{name} must be true or false, not {value!r}")
        return value in _ON

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of some words, in any case; the first is the default."""
        value = (self.text(name) or choices[0]).lower()
        if value not in choices:
            raise SettingsError(f"{name} must be {' or '.join(choices)}, not {value!r}")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """Words with commas between them, as they are written; none where it is not set."""
        return tuple(filter(None, (word.strip() for word in (self.text(name) or "").split(","))))

    def choices(self, name: str, choices: Sequence[str]) -> tuple[str, ...]:
        """Some of several words, in any case, with commas between them; all are the default."""
        found = tuple(dict.fromkeys(word.lower() for word in self.words(name)))
        unknown = [word for word in found if word not in choices]
        if unknown:
            raise SettingsError(
                f"{name} must be some of {', '.join(choices)} with commas between them, not "
                f"{', '.join(map(repr, unknown))}"
            )
        return found or tuple(choices)

    def optional_integer(
        self, *names: str, least: int, most: int = HIGHEST_NUMBER, what: str = "a whole number"
    ) -> int | None:
        """The whole number in the first of several variables that is set, or None.

        Args:
            names: the variables.
            least: the smallest number allowed.
            most: the largest number allowed.
            what: what the number is, as an error says it.
        """
        for name in names:
            value = self.text(name)
            if value is None:
                continue
            if not value.lstrip("-").isdecimal() or not least <= int(value) <= most:
                span = f"from {least} on" if most == HIGHEST_NUMBER else f"from {least} to {most}"
                raise SettingsError(f"{name} must be {what} {span}, not {value!r}")
            return int(value)
        return None

    def integer(
        self,
        *names: str,
        default: int,
        least: int,
        most: int = HIGHEST_NUMBER,
        what: str = "a whole number",
    ) -> int:
        """The whole number in the first of several variables that is set, or the default."""
        value = self.optional_integer(*names, least=least, most=most, what=what)
        return default if value is None else value

    def log_level(self, name: str, *, default: int) -> int:
        """A level of Python's logging: its number or its name.

        The SDK writes it as JSON does, so that a number may come in one more pair of quotes.
        """
        value = self.text(name)
        if value is None or not _unquoted(value):
            return default
        level = level_of(value)
        if level is None:
            raise SettingsError(f"{name} must be {A_LEVEL}, not {value!r}")
        return level

    def inference_output(self, name: str) -> tuple[str, ...]:
        """What a classifier is to answer, as words; none where it is not set."""
        try:
            return words_of(self.text(name) or "")
        except ValueError as error:
            raise SettingsError(f"{name} must be {error}") from None

    def port_range(self, name: str) -> tuple[int, int] | None:
        """Two ports, written with a dash between them, or None."""
        value = self.text(name)
        if value is None:
            return None
        first, dash, last = value.partition("-")
        if not (dash and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise SettingsError(f"{name} must be two ports such as 10000-10999, not {value!r}")
        return int(first), int(last)


def level_of(text: str) -> int | None:
    """A level of Python's logging, by its number or its name; None for what is neither.

    The SDK writes it as JSON does, so that either may come in one more pair of quotes.
    """
    value = _unquoted(text)
    level = logging.getLevelNamesMapping().get(value.upper())
    if level is None and value.isdecimal() and int(value) <= logging.CRITICAL:
        level = int(value)
    return level


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'").strip()
