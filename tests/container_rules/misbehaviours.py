"""For each rule a container that breaks it: what that answers in place of what is right."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.container_rules.stub_container import Asked, Misbehaviour, Reply, Stub, as_json

TRACEBACK = b'Traceback (most recent call last):\n  File "x.py"\nValueError: no'
ROWS = 4


def ping(reply: Reply) -> Misbehaviour:
    return lambda _, asked: reply if asked.is_ping else None


def invocations(reply: Reply) -> Misbehaviour:
    return lambda _, asked: reply if asked.is_invocation else None


def where(header: str, *values: str | None, status: int = 500) -> Misbehaviour:
    """An error where a request's header is one of these; None stands for none."""
    return lambda _, asked: (
        Reply(status, b"no")
        if asked.is_invocation and asked.headers.get(header) in values
        else None
    )


def names_in_lower_case(_: Stub, asked: Asked) -> Reply | None:
    return Reply(415, b"of which type is it?") if "content-type" in asked.names else None


def error(reply: Reply) -> Misbehaviour:
    """Another answer where an invocation would be refused."""

    def answer(stub: Stub, asked: Asked) -> Reply | None:
        return reply if asked.is_invocation and stub.right(asked).status >= 400 else None

    return answer


def not_while_busy(stub: Stub, asked: Asked) -> Reply | None:
    if not asked.is_ping or len(stub.seen) < 2:  # the first is that of the check itself
        return None
    stub.await_seen(lambda each: each.is_invocation)
    return Reply(500, b"busy")


def not_while_loading(stub: Stub, asked: Asked) -> Reply | None:
    if asked.is_load:
        stub.await_seen(lambda each: each.is_ping, sum(each.is_ping for each in stub.seen))
    loading = any(each.is_load for each in stub.seen)
    return Reply(500, b"busy") if asked.is_ping and loading else None


def mixes(stub: Stub, asked: Asked) -> Reply | None:
    """Once each record was asked alone, all get one answer."""
    if sum(each.is_invocation for each in stub.seen) <= ROWS:
        return None
    return Reply(200, b"1\n", "text/csv") if asked.is_invocation else None


def breaks_after_a_break(stub: Stub, _: Asked) -> Reply | None:
    return Reply(500, b"broken") if stub.broken_off else None


def too_large(_: Stub, asked: Asked) -> Reply | None:
    return Reply(413) if len(asked.body) > 1_000_000 else None


def chunks(_: Stub, asked: Asked) -> Reply | None:
    return Reply(411, b"a length is needed") if asked.chunked else None


def answers(path: str, reply: Reply, method: str = "GET") -> Misbehaviour:
    return lambda _, asked: reply if (asked.method, asked.path) == (method, path) else None


def on_several_rows(reply: Reply) -> Misbehaviour:
    return lambda _, asked: reply if asked.body.count(b"\n") > 1 else None


def needs_a_last_newline(_: Stub, asked: Asked) -> Reply | None:
    if asked.is_invocation and not asked.body.endswith(b"\n"):
        return Reply(400, b"the last line does not end")
    return None


def leaves_out(_: Stub, asked: Asked) -> Reply | None:
    """Lines that can't be read are left out silently."""
    if not asked.is_invocation or b"not a record" not in asked.body:
        return None
    return Reply(200, b"0\n" * ROWS, "text/csv")


def header_lines(_: Stub, asked: Asked) -> Reply | None:
    return Reply(500, b"no") if b"column_0" in asked.body else None


def needs_a_header(_: Stub, asked: Asked) -> Reply | None:
    """Columns are told by their names alone."""
    return None if asked.body.startswith(b"x,y") else Reply(422, b"which columns are these?")


def load(reply: Reply) -> Misbehaviour:
    """Another answer to each LOAD, which has no further effect."""
    return lambda _, asked: reply if asked.is_load else None


def load_of_all(_: Stub, asked: Asked) -> Reply | None:
    """A model that lies nowhere is loaded all the same."""
    return Reply(200) if asked.is_load and "/models/" not in _url(asked)[:8] else None


def _url(asked: Asked) -> str:
    try:
        return str(json.loads(asked.body)["url"])
    except ValueError:
        return ""


def keeps_the_name(stub: Stub, asked: Asked) -> Reply | None:
    if asked.is_load and not _url(asked).startswith("/models/"):
        stub.models[json.loads(asked.body)["model_name"]] = "nowhere"
        return Reply(500, b"it could not be loaded")
    return None


def one_load_at_a_time(_: Stub, asked: Asked) -> Reply | None:
    return Reply(503, b"busy") if asked.is_load and asked.body.count(b'3"') else None


def no_invocation_while_loading(stub: Stub, asked: Asked) -> Reply | None:
    loading = any(each.is_load for each in stub.seen)
    if asked.is_load:
        stub.await_seen(lambda each: each.is_invocation, sum(e.is_invocation for e in stub.seen))
    return Reply(503, b"a model is being loaded") if asked.is_invocation and loading else None


def no_answer_after_unload(stub: Stub, asked: Asked) -> Reply | None:
    if asked.method == "DELETE" and sum(each.method == "DELETE" for each in stub.seen) == 1:
        stub.await_seen(lambda each: each.is_invocation, sum(e.is_invocation for e in stub.seen))
    unloading = any(each.method == "DELETE" for each in stub.seen)
    return Reply(500, b"it is gone") if asked.is_invocation and unloading else None


def model(method: str, reply: Reply, ending: str = "") -> Misbehaviour:
    """Another answer of a method to a path below /models/."""
    return lambda _, asked: (
        reply
        if asked.method == method
        and asked.path.startswith("/models/")
        and asked.path.endswith(ending)
        else None
    )


def leaves_one_out(stub: Stub, asked: Asked) -> Reply | None:
    """Each page begins one model too late."""
    if not asked.is_list or "next_page_token" not in asked.query:
        return None
    later = str(int(asked.query["next_page_token"][0]) + 1)
    return stub.listing(replace(asked, query={**asked.query, "next_page_token": [later]}))


def all_at_once(stub: Stub, asked: Asked) -> Reply | None:
    if not asked.is_list:
        return None
    both = [{"modelName": name, "modelUrl": url} for name, url in stub.models.items()]
    return as_json({"models": [*both, {"modelName": "another", "modelUrl": "/models/x"}]})


def unload_without_effect(_: Stub, asked: Asked) -> Reply | None:
    return Reply(200) if asked.method == "DELETE" else None


def second_load_fails(stub: Stub, asked: Asked) -> Reply | None:
    loads = [each for each in stub.seen if each.is_load and each.body == asked.body]
    return Reply(507, b"no memory") if asked.is_load and len(loads) > 1 else None


def only_the_same_target(_: Stub, asked: Asked) -> Reply | None:
    target = "x-amzn-sagemaker-target-model"
    if asked.is_invocation and target in asked.headers:
        return Reply(400, b"that is not the name in the path")
    return None


NO = Reply(500, b"no")
JSON = Reply(200, b"[1]", "application/json")
MISBEHAVIOURS: dict[str, Misbehaviour] = {
    "ping-answers": ping(NO),
    "ping-body-is-small": ping(Reply(200, b"x" * 2000)),
    "ping-while-busy": not_while_busy,
    "ping-without-models": ping(NO),
    "ping-while-loading": not_while_loading,
    "invocation-answers": invocations(Reply(200)),
    "invocation-answers-in-async": invocations(NO),
    "answer-has-content-type": invocations(JSON),
    "accept-unknown": where("accept", "application/x-never-heard-of", status=200),
    "accept-anything": where("accept", "*/*"),
    "accept-absent": where("accept", None),
    "accept-with-weights": where("accept", "text/csv;q=0.9, application/x-never-heard-of;q=0.1"),
    "further-headers-are-ignored": where("x-forwarded-for", "169.254.255.130", status=400),
    "custom-attributes-are-accepted": where(
        "x-amzn-sagemaker-custom-attributes", "trace=0123456789abcdef;".ljust(1024, "a")
    ),
    "content-type-unknown": error(NO),
    "content-type-absent": where("content-type", None),
    "content-type-with-charset": where("content-type", "text/csv; charset=utf-8", status=415),
    "content-type-in-capitals": where("content-type", "TEXT/CSV", status=415),
    "header-names-without-case": names_in_lower_case,
    "body-empty": error(Reply(200, b"\n", "text/csv")),
    "body-malformed": error(Reply(400)),
    "errors-have-no-traceback": error(Reply(400, TRACEBACK)),
    "answers-do-not-mix": mixes,
    "connection-is-kept": invocations(Reply(200, b"1\n", "text/csv", close=True)),
    "body-in-chunks": chunks,
    "batch-body-in-chunks": chunks,
    "body-of-the-largest-size": too_large,
    "other-methods-are-refused": answers("/invocations", Reply(200), "HEAD"),
    "unknown-path": answers("/never-heard-of", Reply(200)),
    "request-broken-off": breaks_after_a_break,
    "batch-execution-parameters": answers(
        "/execution-parameters", as_json({"MaxConcurrentTransforms": 8, "MaxPayloadInMB": 20})
    ),
    "batch-a-prediction-for-each-record": on_several_rows(Reply(200, b"1\n", "text/csv")),
    "batch-many-records-as-single-ones": on_several_rows(Reply(200, b"1\n" * ROWS, "text/csv")),
    "batch-last-line-without-newline": needs_a_last_newline,
    "batch-answer-ends-with-its-last-record": invocations(Reply(200, b"1\n\n", "text/csv")),
    "batch-a-broken-record-is-no-fewer-predictions": leaves_out,
    "batch-header-line": header_lines,
    "batch-later-requests-have-no-header": needs_a_header,
    "pipeline-accept-is-honoured": where("accept", "application/jsonlines", status=200),
    "pipeline-takes-its-own-answer": error(NO),
    "models-are-listed": answers("/models", as_json({"models": []})),
    "models-are-listed-in-pages": leaves_one_out,
    "models-limit": all_at_once,
    "load-answers": model("GET", as_json({"modelName": "another"})),
    "load-again": load(Reply(200)),
    "load-at-once": load(Reply(200)),
    "load-of-no-model": load_of_all,
    "load-of-an-empty-folder": load_of_all,
    "load-that-failed-frees-its-name": keeps_the_name,
    "load-malformed": load(NO),
    "load-while-invoked": no_invocation_while_loading,
    "load-several-at-once": one_load_at_a_time,
    "get-unknown-model": model("GET", as_json({})),
    "invoke-unknown-model": model("POST", Reply(200, b"1\n"), "/invoke"),
    "invoke-with-target-model": only_the_same_target,
    "unload-answers": unload_without_effect,
    "unload-unknown-model": unload_without_effect,
    "unload-again": unload_without_effect,
    "loaded-again-and-again": second_load_fails,
    "unload-while-invoked": no_answer_after_unload,
}
