"""What a user's ``execution_parameters_fn`` returns: how batch transform may call an endpoint."""

from __future__ import annotations

import json
from typing import Any

from contract.errors import UserCodeError

# SageMaker's own: the CreateTransformJob settings that an endpoint may suggest.
NAMES = ("MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB")


def read(returned: Any) -> dict[str, Any]:
    """The parameters by name.

    Args:
        returned: a dict, its JSON, or a response object with ``get_data`` or ``response``.

    Raises:
        UserCodeError: it is none of these, or holds no object.
    """
    if hasattr(returned, "get_data"):
        returned = returned.get_data()
    elif hasattr(returned, "response"):
        returned = returned.response
    if isinstance(returned, str | bytes | bytearray):
        try:
            returned = json.loads(returned)
        except ValueError as error:
            raise UserCodeError(f"execution_parameters_fn returned no JSON: {error}") from None
    if not isinstance(returned, dict):
        raise UserCodeError(
            "execution_parameters_fn must return a dict such as "
            f'{{"{NAMES[0]}": 8}}, not {type(returned).__name__}'
        )
    return dict(returned)
