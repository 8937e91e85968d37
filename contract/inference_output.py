"""What a classifier is to answer for each row: the label, probabilities, or several of these.

The setting and its words are those of SageMaker's built-in XGBoost and of Autopilot's containers.
"""

from __future__ import annotations

from collections.abc import Sequence

VARIABLE = "SAGEMAKER_INFERENCE_OUTPUT"
PREDICTED_LABEL, PROBABILITY, PROBABILITIES = "predicted_label", "probability", "probabilities"
WORDS = (PREDICTED_LABEL, PROBABILITY, PROBABILITIES)


def words_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a list, each once and in its order; none of an empty one.

    Args:
        given: the list, or a text in which commas part its words.

    Raises:
        ValueError: a word is unknown, or stands there twice; the message says what would be right.
    """
    parts = given.split(",") if isinstance(given, str) else given
    words = tuple(str(part).strip().lower() for part in parts)
    if words == ("",):
        return ()
    if not set(words) <= set(WORDS) or len(set(words)) < len(words):
        shown = given if isinstance(given, str) else ",".join(map(str, given))
        raise ValueError(
            f"one or several of {', '.join(WORDS)}, each once and parted by commas, not {shown!r}"
        )
    return words


def asks_for_probabilities(words: Sequence[str]) -> bool:
    """Whether more is asked for than what ``predict`` gives."""
    return bool(set(words) - {PREDICTED_LABEL})
