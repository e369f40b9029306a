"""The chat page of mlx serve, in a real browser."""

import re
from pathlib import Path

import pytest

from browser import CHROMIUM, opened
from server import server, serving  # noqa: F401

PAGE = Path(__file__).parents[2] / "cli" / "serve" / "page.html"
browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")


@pytest.fixture
def page(server, tmp_path):  # noqa: F811
    with opened(server.url + "/", tmp_path) as found:
        yield found
        outside = [url for url in found.requests if not url.startswith((server.url, "data:"))]
        assert outside == [] and found.errors == []


def ask(page, text, model="echo", wait=True):
    page.run(f"document.getElementById('model').value = '{model}'")
    page.run("document.getElementById('text').focus()")
    page.type(text)
    page.key("Enter", 13, "\r")
    if wait:
        page.wait("!running")


LAST = "[...document.querySelectorAll('article')].at(-1)"


def test_the_page_needs_nothing_else(server):  # noqa: F811
    status, headers, text = server.ask("/")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-(\w{24})';", policy)[1]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert text.count(f'nonce="{nonce}"') == 2 and "@NONCE@" not in text
    assert nonce not in server.ask("/")[2]
    source = PAGE.read_text()
    assert not re.search(
        r"https?://|\bsrc\s*=|@import|url\(|innerHTML|insertAdjacent|eval\(", source
    )
    assert not re.search(r"\son\w+=|\sstyle=", source)


def test_without_a_page():
    with serving("--no-page") as bare:
        assert bare.ask("/")[0] == 404


@browser
def test_a_conversation(page):
    ask(page, "hello **there**")
    assert page.run("document.querySelectorAll('article').length") == 2
    assert page.run(f"{LAST}.querySelector('strong').textContent") == "there"
    assert page.run("messages") == [
        {"role": "user", "content": "hello **there**"},
        {"role": "assistant", "content": "hello **there**"},
    ]
    assert re.match(r"15 tokens, [\d.]+ a second", page.run("$('status').textContent"))
    page.run("document.getElementById('fresh').click()")
    assert page.run("messages.length + document.querySelectorAll('article').length") == 0


@browser
def test_lines_and_keys(page):
    page.run("document.getElementById('text').focus()")
    page.type("one")
    page.key("Enter", 13, "\r", modifiers=8)  # Shift
    page.type("two")
    page.key("Enter", 13, "\r")
    page.wait("!running")
    assert page.run("messages[0].content") == "one\ntwo"
    # everything is reached with Tab, and shows that it is
    found = set()
    for _ in range(14):
        page.key("Tab", 9)
        found.add(page.run("document.activeElement.id || document.activeElement.textContent"))
    assert {"model", "fresh", "theme", "set", "text", "send", "Copy"} <= found
    assert page.run("document.activeElement") is not None


@browser
def test_stopping(page):
    ask(page, "x" * 3000, "slow", wait=False)
    page.wait(f"{LAST}.className == 'assistant' && {LAST}.textContent.includes('xxx')")
    assert page.run("!$('stop').hidden && $('send').hidden && $('log').ariaBusy == 'true'")
    page.key("Escape", 27)
    page.wait("!running")
    assert page.run("$('status').textContent") == "Stopped" and page.run("$('stop').hidden")
    kept = page.run("messages.at(-1)")
    assert kept["role"] == "assistant" and 3 <= len(kept["content"]) < 3000
    page.run("fresh()")
    ask(page, "y" * 3000, "slow", wait=False)
    page.wait("!!running")
    page.run("$('stop').click()")
    page.wait("!running")


@browser
def test_what_models_say_is_text(page):
    bad = "<img src=x onerror=alert(1)> <script>alert(2)</script> [a](javascript:alert(3)) `<b>`"
    ask(page, bad)
    made = "img, article script, article a, article b"
    assert page.run(f"document.querySelectorAll('{made}').length") == 0
    assert "<img src=x onerror=alert(1)>" in page.run(f"{LAST}.textContent")
    assert page.run(f"{LAST}.querySelector('code').textContent") == "<b>"


@browser
def test_markdown(page):
    text = (
        "# Title\n\n1. one\n2. *two*\n\n- a\n- b\n\n> said\n\n```py\nx = '<i>'\n  y\n```\nend `c`"
    )
    page.run(f"render(document.body.appendChild(document.createElement('article')), {text!r})")
    found = page.run(f"[...{LAST}.children].map(e => e.tagName)")
    assert found == ["H3", "OL", "UL", "BLOCKQUOTE", "PRE", "BUTTON", "P"]
    assert page.run(f"{LAST}.querySelector('pre').textContent") == "x = '<i>'\n  y"
    assert page.run(f"{LAST}.querySelector('ol').children.length") == 2
    # what has not ended, as while it streams
    page.run(f"render({LAST}, '```\\nopen')")
    assert page.run(f"{LAST}.querySelector('pre').textContent") == "open"


@browser
def test_reasoning_and_errors(page):
    ask(page, "<think>why</think>so", "echo-hermes")
    assert page.run(f"!{LAST}.querySelector('details').hidden")
    assert page.run(f"{LAST}.querySelector('details').textContent") == "Reasoningwhy"
    ask(page, "hello", "fails")
    assert "has failed" in page.run(f"{LAST}.textContent")
    assert page.run("$('status').className").endswith("bad")
    ask(page, "hello", "vectors")
    assert "makes vectors" in page.run("$('status').textContent")
    page.errors.clear()  # the browser, too, says that a request was answered with 400


@browser
def test_settings(page, server):  # noqa: F811
    page.run("$('set').click()")
    assert page.run("$('settings').open")
    page.run(
        "$('system').value = 'sys'; $('temperature').value = '0.5'; $('max_tokens').value = '3'"
    )
    page.key("Escape", 27)
    page.wait("!$('settings').open")
    page.wait("$('model').length > 5")
    ask(page, "abcdef")
    assert page.run("messages.at(-1).content") == "abc" and "cut" in page.run(f"{LAST}.textContent")
    page.run("$('max_tokens').value = '3000'")
    ask(page, "x", "params")
    said = page.run("messages.at(-1).content")
    assert '"temperature":0.5' in said and "\\u0002system\\u0003sys" in said
    page.call("Page.reload")
    page.wait("document.documentElement?.dataset.ready && $('temperature').value == '0.5'")
    page.run("$('defaults').click()")
    assert page.run("$('temperature').value") == ""


@browser
def test_light_and_dark(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(251, 251, 250)", "rgb(20, 23, 27)"
    for scheme, colour in ("light", light), ("dark", dark):
        page.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])  # fmt: skip
        assert page.run(ground) == colour
    page.run("$('theme').click()")
    assert page.run(ground) == light
    page.run("$('theme').click()")
    assert page.run(ground) == dark


@browser
def test_what_screen_readers_see(page):
    ask(page, "First sentence. Second one.")
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    names = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
             if not node.get("ignored")}  # fmt: skip
    assert ("log", "Conversation") in names and ("textbox", "Message") in names
    assert ("button", "Send") in names and ("button", "Light or dark") in names
    assert ("button", "Copy") in names and any(role == "combobox" for role, _ in names)
    assert any(role == "heading" and name == "You" for role, name in names)
    # sentences are said as they are complete
    assert "Second one." in page.run("$('spoken').textContent")
    # text is readable: 4.5 to 1 (WCAG 2.2, 1.4.3)
    ratio = """(() => {
        const light = c => { const [r, g, b] = c.match(/\\d+/g).map(v => v / 255)
            .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b; };
        const a = light(getComputedStyle($('status')).color);
        const b = light(getComputedStyle(document.body).backgroundColor);
        return (Math.max(a, b) + .05) / (Math.min(a, b) + .05); })()"""
    assert page.run(ratio) >= 4.5
    page.run("$('theme').click()")
    assert page.run(ratio) >= 4.5


@browser
def test_a_key_is_asked_for(tmp_path):
    with serving("--api-key", "secret") as closed, opened(closed.url + "/", tmp_path) as page:
        assert "key is needed" in page.run("$('status').textContent")
        page.run("$('set').click(); $('key').value = 'secret'")
        page.run("$('settings').close()")
        page.wait("$('model').length > 5")
        ask(page, "hello")
        assert page.run("messages.at(-1).content") == "hello"
        assert page.run(
            "localStorage.length > 0 && !Object.values(localStorage).includes('secret')"
        )
