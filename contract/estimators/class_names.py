"""What a class is called, whichever private module of its library it stands in."""

from __future__ import annotations

# Libraries that say the same of a class from version to version, wherever it stands inside.
LIBRARIES = ("sklearn", "xgboost", "lightgbm", "catboost")


def class_name(kind: type) -> str:
    """A library's class as ``sklearn.ensemble.RandomForestClassifier``: library, part, class.

    scikit-learn moves its private modules about, but not a class from one part to another. A
    class of anybody else has its whole path, so that no two are ever taken for one another.
    """
    module = str(getattr(kind, "__module__", ""))
    library, _, rest = module.partition(".")
    if library not in LIBRARIES:
        return f"{module}.{kind.__qualname__}"
    part = rest.split(".")[0]
    return ".".join(filter(None, (library, part, kind.__qualname__)))


def library_of(kind: type) -> str:
    """The package that a class comes from."""
    return str(getattr(kind, "__module__", "")).partition(".")[0]
