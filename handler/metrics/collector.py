"""All that there is to tell at one moment: what all processes have counted, and the frontend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from handler.metrics.families import Told
from handler.metrics.figures import Figures, total
from handler.metrics.label_cap import LabelCap
from handler.metrics.model_memory import ModelMemory
from handler.metrics.record_files import RecordFiles

# What is counted of no model, as records and the frontend have it.
NO_MODEL = ""


@dataclass(frozen=True)
class FrontendCounts:
    """What the frontend's guard has counted.

    Args:
        answers: how many invocations were answered with each status, by model.
        under_way: how many wait or are being answered, by model.
    """

    answers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    under_way: Mapping[str, int] = field(default_factory=dict)


class Collector:
    """Adds up what was counted.

    Args:
        folder: the folder of the records.
        most_models: how many models are told under their own names.
        memory: how much memory models take.
    """

    def __init__(self, folder: Path, most_models: int, memory: ModelMemory | None = None) -> None:
        self._records = RecordFiles(folder)
        self._labels = LabelCap(most_models)
        self._memory = memory or ModelMemory()

    def look_after(self) -> None:
        """Add what those have counted that have ended; called now and then."""
        self._records.read()

    def collect(self, frontend: FrontendCounts) -> Told:
        """What there is to tell now."""
        snapshot = self._records.read()
        figures = snapshot.figures
        for model, answers in frontend.answers.items():
            figures.setdefault(model, Figures()).add(Figures(codes=Counter(answers)))
        server = figures.pop(NO_MODEL, Figures())
        told = self._labels.told(figures)
        if server.codes:
            told[NO_MODEL] = Figures(codes=server.codes)
        return Told(
            told,
            self._by_label(frontend.under_way),
            self._by_label(self._memory.of_models(snapshot.models_of)),
            len(snapshot.holders),
            server,
            total(figures),
        )

    def _by_label(self, of_models: Mapping[str, int]) -> dict[str, int]:
        """Sums by what a model is told as."""
        sums: Counter[str] = Counter()
        for model, number in of_models.items():
            sums[self._labels.label(model) if model else NO_MODEL] += number
        return dict(sums)
