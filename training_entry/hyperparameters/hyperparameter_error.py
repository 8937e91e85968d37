"""What is wrong with hyperparameters, all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

from contract.errors import ByoError


class HyperparameterError(ByoError):
    """Hyperparameters, or their declaration, can't be used.

    Args:
        problems: one sentence each; none shows the value of a secret.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[HyperparameterError], tuple[tuple[str, ...]]]:
        """Pickle by the problems, for an error that is raised in a worker process."""
        return type(self), (self.problems,)
