"""What a notebook's file says: its cells of code, and what they show."""

from __future__ import annotations

import re

import nbformat

MACHINE_PATH = re.compile(r"/(?:tmp|work|root|home|var|Users)\b")
OF_NO_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: nbformat.NotebookNode) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """What each cell of code shows: streams by name, results by their media types."""
    return [(cell.id, [_kind(output) for output in cell.outputs]) for cell in code_cells(notebook)]


def said(notebook: nbformat.NotebookNode) -> list[tuple[str, list[str]]]:
    """What each cell of code says in words: streams and results as text, without pictures."""
    return [
        (cell.id, [output.get("text") or output.data["text/plain"] for output in cell.outputs])
        for cell in code_cells(notebook)
    ]


def text(notebook: nbformat.NotebookNode) -> str:
    """All text that the cells show."""
    parts = []
    for output in (output for cell in code_cells(notebook) for output in cell.outputs):
        parts += [output.get("text", ""), *output.get("traceback", ())]
        parts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(parts)


def _kind(output: nbformat.NotebookNode) -> tuple[str, list[str]]:
    return output.get("name", output.output_type), sorted(output.get("data", ()))
