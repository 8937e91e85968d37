"""Every error this project raises on purpose.

    ByoError
    ├── SettingsError              a setting can't be used as it was given
    ├── UserCodeError              the user's module can't be found, imported or used
    ├── SignatureError             signature.json can't be read, or forbids this environment
    ├── ModelLoadError             the model artifact can't be turned into a model
    └── InvocationError            ends one invocation, and carries its HTTP status
        ├── MalformedPayload       400  the body can't be read as its content type
        ├── NotAcceptable          406  no type in Accept can be produced
        ├── PayloadTooLarge        413  more bytes, or more once unpacked, than allowed
        ├── UnsupportedContentType 415  no codec reads this content type
        ├── UnprocessablePayload   422  readable, but not what the model takes
        │   └── UnforeseenValue         … in a way that nobody has thought of
        ├── PredictionFailed       500  a bug, the user's or ours
        ├── InvocationTimeout      504  the model took longer than the timeout
        └── OutOfMemory            507  not enough memory for this invocation

The messages are one line each and safe to show to a caller: they never hold a traceback, are short
whatever was in a body, and hold no control characters.
"""

from __future__ import annotations

from http import HTTPStatus

# Characters of an error's message, and of what it may repeat of a body.
LONGEST_DETAIL = 500
LONGEST_NAME = 80


class ByoError(Exception):
    """The root: catch this to catch everything the project raises on purpose."""


class SettingsError(ByoError):
    """An environment variable or option can't be used as given; the message names it."""


class UserCodeError(ByoError):
    """The user's module can't be found, imported or used; the message names the file."""


class SignatureError(ByoError):
    """signature.json can't be read, or the versions it names forbid loading the model."""


class ModelLoadError(ByoError):
    """The model artifact can't be turned into a model; the message names the artifact."""


class InvocationError(ByoError):
    """Ends one invocation with an HTTP status; the others of a batch go on.

    Args:
        detail: one sentence for the caller: what is wrong, and what would be right.
        row: the data row at fault, counted from 1 without a header line.
        column: the column at fault: its name, or its position counted from 1.
        status: the HTTP status, where it is not the class's own.
    """

    status: int = 500

    def __init__(
        self,
        detail: str,
        *,
        row: int | None = None,
        column: str | int | None = None,
        status: int | None = None,
    ) -> None:
        detail = one_line(detail, LONGEST_DETAIL)
        super().__init__(detail)
        self.detail = detail
        self.row = row
        self.column = one_line(column, LONGEST_NAME) if isinstance(column, str) else column
        if status is not None:
            self.status = status

    def to_problem(self, request_id: str) -> dict[str, object]:
        """The ``application/problem+json`` members (RFC 9457) that describe this error."""
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": reason_phrase(self.status),
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.row is not None:
            problem["row"] = self.row
        if self.column is not None:
            problem["column"] = self.column
        return problem


class MalformedPayload(InvocationError):
    """The body can't be read as its content type."""

    status = 400


class NotAcceptable(InvocationError):
    """No type named by Accept can be produced for this prediction."""

    status = 406


class PayloadTooLarge(InvocationError):
    """The body has, or would unpack to, more bytes than allowed."""

    status = 413


class UnsupportedContentType(InvocationError):
    """No codec reads the request's content type."""

    status = 415


class UnprocessablePayload(InvocationError):
    """The body was read, but the model does not take what it holds."""

    status = 422


class UnforeseenValue(UnprocessablePayload):
    """Reading a value failed in a way that nobody has thought of: the log says how."""


class PredictionFailed(InvocationError):
    """A bug, the user's or ours: the log has the traceback under the request id."""

    status = 500


class ModelAway(InvocationError):
    """The model was lost, and can't be loaded again for now: it is tried again and again."""

    status = 503


class InvocationTimeout(InvocationError):
    """The model took longer than the timeout."""

    status = 504


class OutOfMemory(InvocationError):
    """Not enough memory for this invocation: SageMaker may unload other models and retry."""

    status = 507


def one_line(text: str, longest: int) -> str:
    """Text as one line that is safe to show and to log: nothing but what can be printed.

    Args:
        text: any text, such as a part of a body.
        longest: how many characters of it are kept.
    """
    if len(text) <= longest and text.isprintable():
        return text
    shown = "".join(sign if sign.isprintable() else " " for sign in text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def reason_phrase(status: int) -> str:
    """The standard phrase of an HTTP status, or ``Error`` for a number of the user's own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
