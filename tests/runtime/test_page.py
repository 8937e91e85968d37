"""The page at `/`: what it shows, and what it sends, in a real browser where there is one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from byo.runtime import page as page_files
from byo.runtime.configuration import EndpointConfiguration, RuntimeSettings, VariantConfiguration
from contract import save_signature
from tests.runtime.browser import PROGRAM, Page, page_of
from tests.runtime.running import LoopThread, RunningRuntime, read, running_runtime
from tests.runtime.stub_container import StubContainer

FILES = sorted(
    file
    for file in Path(page_files.__file__).parent.iterdir()
    if file.is_file() and file.suffix != ".py"
)
in_browser = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def stub(loop: LoopThread) -> Iterator[StubContainer]:
    started: StubContainer = loop.call(StubContainer)
    loop.run(started.start())
    yield started
    loop.run(started.stop())


@pytest.fixture(scope="module")
def shown(
    loop: LoopThread, stub: StubContainer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRuntime]:
    """An endpoint whose model takes a text, a choice of texts, a number and a truth."""
    folder = tmp_path_factory.mktemp("model")
    X = pd.DataFrame({
        "island": ["Dream", "it's \"Bis,coe\""], "sex": pd.Categorical(["f", "m"]),
        "mass": [1.5, 2.5], "ringed": [True, False],
    })  # fmt: skip
    save_signature(DecisionTreeClassifier(), X, pd.Series(["a", "b"]), model_dir=folder)
    described = VariantConfiguration("blue", url=stub.url, described_by=folder)
    unknown = VariantConfiguration(url=stub.url)
    birds = EndpointConfiguration("birds", (described,))
    others = EndpointConfiguration("others", (unknown,))
    settings = RuntimeSettings(tmp_path_factory.mktemp("runtime"))
    with running_runtime(loop, settings, birds, others) as running:
        yield running


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_page_fetches_nothing_from_elsewhere(shown: RunningRuntime, file: Path) -> None:
    with urlopen(f"{shown.url}/{file.name}", timeout=30) as answer:
        text, headers = answer.read().decode(), answer.headers

    assert text == file.read_text(encoding="utf-8")
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["content-type"].split(";")[0].split("/")[1] in ("html", "css", "javascript")
    addresses = set(re.findall(r"https?://[^\s\"'`<)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_a_signature_as_a_form_needs_it(shown: RunningRuntime) -> None:
    found = json.loads(read(f"{shown.url}/-/signature?endpoint=birds&variant=blue"))

    assert [(each["name"], each["kind"], each["choices"]) for each in found["columns"]] == [
        ("island", "string", None), ("sex", "string", ["f", "m"]), ("mass", "number", None),
        ("ringed", "boolean", None),
    ]  # fmt: skip
    assert found["columns"][2]["example"] in (1.5, 2.5)


@pytest.mark.parametrize(
    "query", ["endpoint=others", "endpoint=none", "", "endpoint=birds&variant=x"]
)
def test_what_nothing_is_known_of(shown: RunningRuntime, query: str) -> None:
    with pytest.raises(HTTPError) as refused:
        read(f"{shown.url}/-/signature?{query}")
    with refused.value as answer:
        assert (answer.code, "Nothing says" in answer.read().decode()) == (404, True)


def test_a_page_of_another_site_gets_no_signature(shown: RunningRuntime) -> None:
    """Under a name of its own a site could have a browser ask this machine."""
    asked = Request(f"{shown.url}/-/signature?endpoint=birds", headers={"Host": "evil.example"})
    with pytest.raises(HTTPError) as refused:
        urlopen(asked, timeout=30)
    with refused.value as answer:
        assert answer.code == 400


@pytest.fixture(scope="module")
def browser(
    loop: LoopThread, shown: RunningRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    opened = page_of(shown.url, tmp_path_factory.mktemp("browser"))
    page = loop.run(opened.__aenter__(), 90)
    try:
        yield page
    finally:
        loop.run(opened.__aexit__(None, None, None), 90)


@pytest.fixture
def page(loop: LoopThread, shown: RunningRuntime, browser: Page) -> Page:
    """The page anew, when its form has a field for each column."""
    loop.run(browser.size(1280, 900))
    loop.run(browser.tell("Page.navigate", url=shown.url), 90)
    loop.run(browser.until("document.querySelectorAll('#fields label').length === 4"), 90)
    return browser


def fill(loop: LoopThread, page: Page, values: dict[str, str]) -> None:
    """Give fields of the form values, as somebody who types them."""
    for name, value in values.items():
        script = f"""(() => {{
            const label = [...document.querySelectorAll('label')]
                .find((each) => each.firstChild.textContent.trim() === {json.dumps(name)});
            const field = label.querySelector('input, select, textarea');
            field.value = {json.dumps(value)};
            for (const kind of ['input', 'change'])
                field.dispatchEvent(new Event(kind, {{bubbles: true}}));
        }})()"""
        loop.run(page.evaluate(script))


def sent(loop: LoopThread, page: Page, stub: StubContainer) -> Any:
    """What the container gets when the form is sent, and what the page says then."""
    before = len(stub.invocations)
    loop.run(page.evaluate("document.getElementById('invocation').requestSubmit()"))
    loop.run(page.until("document.querySelector('#result h3')"), 90)
    assert len(stub.invocations) == before + 1
    return stub.invocations[-1]


class TestInABrowser:
    pytestmark = in_browser

    def test_a_row_is_sent_as_json(self, loop: LoopThread, page: Page, stub: StubContainer) -> None:
        """A number as a number, a truth as a truth, what is left empty as null."""
        fill(loop, page, {"island": 'it\'s "here"', "sex": "", "mass": "3.25", "ringed": "false"})

        got = sent(loop, page, stub)

        row = {"island": 'it\'s "here"', "sex": None, "mass": 3.25, "ringed": False}
        assert json.loads(got.body) == {"instances": [row]}
        assert got.headers["content-type"] == "application/json"
        assert loop.run(
            page.evaluate("document.querySelector('#result h3').textContent")
        ).startswith("200 OK")
        assert page.errors == []

    def test_a_row_is_sent_as_csv(self, loop: LoopThread, page: Page, stub: StubContainer) -> None:
        """As it was typed, quoted where it must be."""
        fill(loop, page, {"island": 'a,"b"', "mass": "1.10", "Content type": "text/csv",
                          "Accept": "text/csv", "sex": "m", "ringed": ""})  # fmt: skip

        got = sent(loop, page, stub)

        assert got.body == b'"a,""b""",m,1.10,\n'
        assert (got.headers["content-type"], got.headers["accept"]) == ("text/csv", "text/csv")

    def test_a_number_that_is_none_is_for_the_model_to_refuse(
        self, loop: LoopThread, page: Page, stub: StubContainer
    ) -> None:
        fill(loop, page, {"mass": "12345678901234567890"})
        assert (
            json.loads(sent(loop, page, stub).body)["instances"][0]["mass"]
            == "12345678901234567890"
        )

    def test_an_endpoint_that_nothing_is_known_of(
        self, loop: LoopThread, page: Page, stub: StubContainer
    ) -> None:
        """The body is typed, and is sent as it is."""
        fill(loop, page, {"Endpoint": "others"})
        loop.run(page.until("document.getElementById('columns').hidden"))
        fill(loop, page, {"Body": "1,2\n3,4\n", "Content type": "text/csv"})

        assert sent(loop, page, stub).body == b"1,2\n3,4\n"

    def test_the_same_request_by_curl_and_boto3(
        self, loop: LoopThread, page: Page, stub: StubContainer
    ) -> None:
        """What is shown runs as it stands, and sends the same bytes."""
        fill(loop, page, {"island": 'it\'s "Bis,coe" äö\\n', "mass": "7"})
        by_form = sent(loop, page, stub).body
        curl, boto3 = loop.run(
            page.evaluate("['curl', 'boto3'].map((id) => document.getElementById(id).textContent)")
        )
        environ = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }
        commands = [["bash", "-c", curl], [sys.executable, "-c", boto3]]

        for command in commands:
            subprocess.run(command, env=environ, check=True, timeout=60, capture_output=True)

        assert [each.body for each in stub.invocations[-2:]] == [by_form] * 2

    def test_a_refusal_is_shown(self, loop: LoopThread, page: Page) -> None:
        """With SageMaker's name of the error, and its text."""
        fill(loop, page, {"Endpoint": "others", "Variant": ""})
        script = "document.querySelector('[name=variant]').append(new Option('x', 'gone'))"
        loop.run(page.evaluate(script))
        fill(loop, page, {"Variant": "gone", "Body": "1", "Content type": "text/csv"})
        loop.run(page.evaluate("document.getElementById('invocation').requestSubmit()"))
        loop.run(page.until("document.querySelector('#result h3')"), 90)

        text = loop.run(page.evaluate("document.getElementById('result').textContent"))

        assert text.startswith("400 ValidationError in ")
        assert "Variant gone of endpoint others not found." in text
        page.errors.clear()  # the browser's own line of the 400

    def test_figures_are_live(self, loop: LoopThread, page: Page, shown: RunningRuntime) -> None:
        """They follow what others invoke, without a reload; the charts have words."""
        total = (
            "[...document.querySelectorAll('[aria-label=\"Endpoint birds\"] dt')]"
            ".find((each) => each.textContent === 'Invocations').nextSibling.textContent"
        )
        before = int(loop.run(page.evaluate(total)))
        client = shown.client()

        for _ in range(3):
            client.invoke_endpoint(EndpointName="birds", Body=b"x")

        loop.run(page.until(f"{total} === '{before + 3}'"), 90)
        loop.run(
            page.until(
                "document.querySelector('.latency svg').getAttribute('aria-label').includes('ms')"
            )
        )

    @pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1280, True)])
    def test_it_fits(
        self, loop: LoopThread, page: Page, tmp_path: Path, width: int, dark: bool
    ) -> None:
        """A phone shows it without a scroll to the side; what is pressed is large enough."""
        loop.run(page.size(width, 800, dark=dark))

        loop.run(page.picture(tmp_path / "page.png"))

        assert (tmp_path / "page.png").stat().st_size > 10_000
        assert loop.run(page.evaluate("document.documentElement.scrollWidth - innerWidth")) <= 0
        smallest = (
            "Math.min(...[...document.querySelectorAll('button, input, select')]"
            ".filter((each) => each.offsetParent).map((each) => each.offsetHeight))"
        )
        assert loop.run(page.evaluate(smallest)) >= 44

    def test_by_keyboard_alone(self, loop: LoopThread, page: Page, stub: StubContainer) -> None:
        """The first stop leads to the form; each stop shows; Enter in a field sends."""
        before = len(stub.invocations)
        loop.run(page.press("Tab"))
        assert loop.run(page.evaluate("document.activeElement.className")) == "skip"
        seen = []
        for _ in range(5):
            loop.run(page.press("Tab"))
            seen.append(loop.run(page.evaluate("document.activeElement.name")))
            outline = loop.run(
                page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            )
            assert outline != "none"
        assert seen == ["endpoint", "variant", "content-type", "accept", ""]  # then the first field

        loop.run(page.press("Enter", "\r"))

        loop.run(page.until("document.querySelector('#result h3')"), 90)
        assert len(stub.invocations) == before + 1

    def test_by_a_screen_reader(self, loop: LoopThread, page: Page) -> None:
        """All that takes input has a name, and answers are announced."""
        tree = loop.run(page.tell("Accessibility.getFullAXTree"), 90)["nodes"]

        named = {"textbox", "combobox", "button", "img", "table", "article", "region"}
        nameless = [
            node for node in tree
            if node.get("role", {}).get("value") in named and not node["ignored"]
            and not node.get("name", {}).get("value")
        ]  # fmt: skip
        assert nameless == []
        assert loop.run(page.evaluate("document.getElementById('result').ariaLive")) == "polite"
        assert loop.run(page.evaluate("document.documentElement.lang")) == "en"
