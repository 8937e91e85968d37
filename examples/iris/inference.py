"""One label a line, as plain CSV, whatever the client accepts."""


def output_fn(prediction, accept):
    return "".join(f"{label}\n" for label in prediction), "text/csv"
