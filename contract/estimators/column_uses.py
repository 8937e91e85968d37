"""What a fitted model does with each of its columns: encodes, imputes, drops it, or anything else.

From that follow how a column's cells are to be read, whether a row may lack it, and whether it is
asked for at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contract.columns import Column, column_of_categories, plain
from contract.estimators.attributes import attribute, listed, names_in, width_of
from contract.estimators.class_names import class_name
from contract.estimators.first_pipeline_steps import is_known, parts_it_hands_to, steps_of
from contract.estimators.texts_held import texts_held
from contract.missing_values import is_missing, words_among

# What takes a missing value for itself; what hands one on to whatever comes next.
_TAKE_MISSING = frozenset(
    {
        "impute.SimpleImputer", "impute.KNNImputer", "impute.IterativeImputer",
        "impute.MissingIndicator", "preprocessing.TargetEncoder",
        "ensemble.HistGradientBoostingClassifier", "ensemble.HistGradientBoostingRegressor",
    }
)  # fmt: skip
_HAND_ON_MISSING = frozenset(
    f"preprocessing.{name}Scaler" for name in ("Standard", "MinMax", "Robust", "MaxAbs")
) | {"preprocessing.PowerTransformer", "preprocessing.QuantileTransformer"}
_TAKE_UNKNOWN = ("ignore", "use_encoded_value", "infrequent_if_exist", "warn")


@dataclass
class ColumnUses:
    """What was found of the columns, by position.

    Args:
        names: their names; None for each that has none.
        known: what is known of their values.
        takes_missing: for each use of a column, whether that takes a missing value.
        unsure: which of them are seen by code that nobody knows here, so that they may be of texts.
        samples: values that the model ought to take, as it holds them itself.
        only_chosen: whether whatever sees the data first chooses columns by name, and leaves the
            others alone.
    """

    names: Sequence[str | None]
    known: dict[int, Column] = field(default_factory=dict)
    takes_missing: dict[int, list[bool]] = field(default_factory=dict)
    unsure: set[int] = field(default_factory=set)
    samples: dict[int, Any] = field(default_factory=dict)
    only_chosen: bool = True

    @classmethod
    def of_model(cls, model: Any, names: Sequence[str | None]) -> ColumnUses:
        uses = cls(names)
        uses._look_at(model, list(range(len(names))), outermost=True)
        return uses

    def columns(self) -> tuple[Column, ...]:
        """The columns, with what is known of them."""
        return tuple(self._column(at, name) for at, name in enumerate(self.names))

    def _column(self, at: int, name: str | None) -> Column:
        column = self.known.get(at, Column(name))
        uses = self.takes_missing.get(at, [])
        dropped = self.only_chosen and not uses
        return replace(
            column,
            unused=dropped,
            may_be_missing=bool(uses) and all(uses),
            unsure=at in self.unsure,
            sample=self.samples.get(at),
        )

    def _look_at(self, part: Any, places: list[int], outermost: bool = False) -> None:
        """Note what a part does with the columns that it is given."""
        if steps := steps_of(part):
            self._follow(steps, places, outermost)
        elif inside := parts_it_hands_to(part):
            for one in inside:
                self._look_at(one, places, outermost)
        elif class_name(type(part)) == "sklearn.compose.ColumnTransformer":
            self._divide(part, places)
        else:
            self.only_chosen = self.only_chosen and not outermost
            self._note(part, places)

    def _follow(self, steps: Sequence[Any], places: list[int], outermost: bool) -> None:
        """Follow columns through the steps that hand on missing values, and all columns."""
        for at, step in enumerate(steps):
            name = class_name(type(step)).removeprefix("sklearn.")
            if name in _HAND_ON_MISSING:
                self.only_chosen = self.only_chosen and not outermost
                outermost = False
                continue
            self._look_at(step, places, outermost)
            if name == "impute.SimpleImputer" and at + 1 < len(steps):
                self._look_behind(step, steps[at + 1], places)
            elif self.unsure.intersection(places):
                self._guess_by(steps[at + 1 :], places)
            return
        self._use(places, takes_missing=False)

    def _look_behind(self, imputer: Any, encoder: Any, places: list[int]) -> None:
        """An encoder behind an imputer, which hands on as many columns as it is given."""
        if len(listed(encoder, "categories_")) == len(places) == len(_statistics(imputer)):
            self._know_categories(encoder, places)

    def _guess_by(self, later: Sequence[Any], places: list[int]) -> None:
        """Take columns for texts that are such for a later step, which may well be the same ones.

        They are by name, or where the later step has as many. It is only believed.
        """
        for step in later:
            names = names_in(step) or (None,) * (width_of(step) or 0)
            inner = ColumnUses.of_model(step, names)
            for at, column in inner.known.items():
                place = self._same_column(names, at, places)
                if place is not None and column.kind == "string" and place not in self.known:
                    self.known[place] = Column(
                        self.names[place], "string", words=column.words, believed=True
                    )

    def _same_column(self, names: Sequence[str | None], at: int, places: list[int]) -> int | None:
        """Which of the columns another step's may be."""
        if names[at] is not None:
            return next((place for place in places if self.names[place] == names[at]), None)
        return places[at] if len(names) == len(places) else None

    def _divide(self, transformer: Any, places: list[int]) -> None:
        for each in listed(transformer, "transformers_"):
            if not isinstance(each, tuple) or len(each) != 3:
                continue
            _, part, chosen = each
            columns = [places[at] for at in places_of(chosen, [self.names[p] for p in places])]
            if isinstance(part, str):
                if part != "drop":
                    self._use(columns, takes_missing=False)
            else:
                self._look_at(part, columns)

    def _note(self, part: Any, places: list[int]) -> None:
        name = class_name(type(part)).removeprefix("sklearn.")
        takes = name in _TAKE_MISSING and _missing_is_nan(part)
        if not is_known(part) or _calls_anybodys(part):
            self.unsure.update(places)
            self._know_texts(part, places)
        if len(listed(part, "categories_")) == len(places):
            self._know_categories(part, places)
            unknown = attribute(part, "handle_unknown") in _TAKE_UNKNOWN
            for at, categories in zip(places, listed(part, "categories_"), strict=True):
                self._use(
                    [at], takes or unknown or bool(column_of_categories(None, categories).missing)
                )
            return
        if callable(attribute(type(part), "build_analyzer")):
            for at in places:
                self.known[at] = Column(self.names[at], "string")
        elif name == "impute.SimpleImputer":
            self._know_statistics(part, places)
        self._use(places, takes)

    def _know_categories(self, encoder: Any, places: list[int]) -> None:
        for at, categories in zip(places, listed(encoder, "categories_"), strict=True):
            self.samples.setdefault(at, _first_present(categories))
            column = column_of_categories(self.names[at], categories)
            if column.kind != "any" or column.missing:
                self.known[at] = column

    def _know_texts(self, part: Any, places: list[int]) -> None:
        """What anybody's code has learned of texts is believed to be of its columns."""
        held = texts_held(part, [self.names[place] for place in places])
        for at, texts in held.items():
            place = places[at]
            self.known.setdefault(
                place,
                Column(self.names[place], "string", words=words_among(texts), believed=True),
            )

    def _know_statistics(self, imputer: Any, places: list[int]) -> None:
        """What replaces missing values is text: so are the values, then."""
        for at, value in zip(places, _statistics(imputer), strict=False):
            if isinstance(value, str):
                self.known[at] = Column(self.names[at], "string", believed=True)

    def _use(self, places: Sequence[int], takes_missing: bool) -> None:
        for at in places:
            self.takes_missing.setdefault(at, []).append(takes_missing)


def places_of(chosen: Any, names: Sequence[str | None]) -> list[int]:
    """Where the columns of one part of a column transformer are; none for a form not known here."""
    everywhere = list(range(len(names)))
    if isinstance(chosen, str):
        chosen = [chosen]
    if isinstance(chosen, slice):
        return _sliced(chosen, names)
    try:
        found = np.asarray(chosen).ravel()
    except ValueError:
        return []
    if found.dtype == np.bool_:
        return [at for at, wanted in zip(everywhere, found, strict=False) if wanted]
    if found.dtype.kind in "iu":
        return [everywhere[at] for at in found if -len(names) <= at < len(names)]
    return [names.index(str(name)) for name in found.tolist() if str(name) in names]


def _sliced(chosen: slice, names: Sequence[str | None]) -> list[int]:
    everywhere = list(range(len(names)))
    ends = (chosen.start, chosen.stop)
    if all(isinstance(end, int | None) for end in ends):
        return everywhere[chosen]
    if all(end is None or end in names for end in ends):  # by name, with its last
        first = 0 if chosen.start is None else names.index(chosen.start)
        last = len(names) - 1 if chosen.stop is None else names.index(chosen.stop)
        return everywhere[first : last + 1]
    return []


def _first_present(values: Any) -> Any:
    found = np.asarray(values).ravel()[:2]
    return next((plain(value) for value in found if not is_missing(value)), None)


def _calls_anybodys(part: Any) -> bool:
    """Whether a part calls a function that is none of numpy's for each number."""
    function = attribute(part, "func")
    is_transformer = class_name(type(part)) == "sklearn.preprocessing.FunctionTransformer"
    return is_transformer and not (function is None or isinstance(function, np.ufunc))


def _statistics(imputer: Any) -> list[Any]:
    found = attribute(imputer, "statistics_")
    return found.tolist() if isinstance(found, np.ndarray) else []


def _missing_is_nan(part: Any) -> bool:
    """Whether what a part imputes is what a row lacks, not a number such as -999."""
    mark = attribute(part, "missing_values", np.nan)
    return mark is None or mark != mark or type(mark).__name__ == "NAType"
