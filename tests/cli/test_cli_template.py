"""mlx template on a folder of its own."""

import json

import pytest

from program import document, run

TEXT = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
TEXT += "{% if add_generation_prompt %}>{% endif %}"
MESSAGES = [{"role": "user", "content": "Hi é"}]


@pytest.fixture
def model(tmp_path):
    named = [{"name": "default", "template": TEXT}, {"name": "tool_use", "template": "{{ tools }}"}]
    config = {"eos_token": "</s>", "chat_template": named}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "messages.json").write_text(json.dumps(MESSAGES))
    return tmp_path


def test_a_conversation(model):
    file = model / "messages.json"
    assert run("template", model, file).stdout == "user: Hi é</s>\n>\n"
    assert document("template", model, file, "--done") == {"text": "user: Hi é</s>\n"}
    given = json.dumps({"messages": MESSAGES, "tools": [1]})
    assert run("template", model, "-", input=given).stdout == "user: Hi é</s>\n\n"
    zeros = json.dumps([{"role": "user", "content": "a\0b"}])
    assert run("template", model, "-", input=zeros).stdout == "user: a\0b</s>\n>\n"
    assert run("template", model, "--name", "tool_use", "-", input=given).stdout == "[1]\n"


def test_tokens(model):
    special = [{"id": 200, "content": "</s>", "special": True}]
    words = {"type": "BPE", "merges": [], "vocab": {chr(c): c for c in range(10, 127)}}
    tokenizer = {"added_tokens": special, "model": words}
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    talk = [{"role": "user", "content": "</s>"}, {"role": "assistant", "content": "b"}]
    rows = document("template", model, "-", "--tokens", "--done", input=json.dumps(talk))["tokens"]
    assert "".join(row["piece"] for row in rows) == "user: </s></s>\nassistant: b</s>\n"
    assert [row["token"] for row in rows].count(200) == 2
    assert "".join(row["piece"] for row in rows if row["answer"]) == "assistant: b</s>\n"
    lines = run("template", model, "-", "--tokens", "--done", input=json.dumps(talk)).stdout
    assert "    200   </s>\n" in lines and "     98 * b\n" in lines


def test_the_template(model):
    assert document("template", model) == {"text": TEXT}
    assert document("template", model, "--names") == {"names": ["default", "tool_use"]}
    assert run("template", model, "--names").stdout == "default\ntool_use\n"


def test_what_fails(model):
    assert "no chat template 'x'" in run("template", model, "--name", "x", status=1).stderr
    assert "at line 1" in run("template", model, "-", input="[", status=1).stderr
    error = run("template", model, "-", input='{"messages": 3}', status=1).stderr
    assert "of 'tokenizer_config.json' line 1: 'int' object is not iterable" in error
