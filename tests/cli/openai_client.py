"""What the `openai` package makes of the server at argv[1], whose models are those of
fake_engine.c."""

import asyncio
import json
import sys

import openai
from pydantic import BaseModel

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
CALL = '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}


def user(text):
    return [{"role": "user", "content": text}]


def chat():
    answer = client.chat.completions.create(model="echo", messages=user("héllo"), user="me", seed=1,
                                            logprobs=True, top_logprobs=2, n=2)  # fmt: skip
    assert [c.message.content for c in answer.choices] == ["héllo"] * 2
    assert answer.usage.completion_tokens == 10 and answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].logprobs.content[1].token == "é"
    assert answer.usage.prompt_tokens_details.cached_tokens > 0


def chat_stream():
    found = list(client.chat.completions.create(model="echo", messages=user("abc"), stream=True,
                                                stream_options={"include_usage": True}))  # fmt: skip
    assert "".join(c.choices[0].delta.content or "" for c in found if c.choices) == "abc"
    assert found[-1].usage.completion_tokens == 3
    with client.chat.completions.stream(model="echo", messages=user("abc")) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == "abc"


def tools():
    answer = client.chat.completions.create(model="echo-hermes", messages=user(CALL), tools=[TOOL])
    message = answer.choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Rome"}
    again = [*user("x"), message, {"role": "tool", "tool_call_id": message.tool_calls[0].id,
                                   "content": "sun"}]  # fmt: skip
    assert client.chat.completions.create(model="echo-hermes", messages=again, tools=[TOOL]).choices
    with client.chat.completions.stream(model="echo-hermes", messages=user(CALL),
                                        tools=[TOOL]) as stream:  # fmt: skip
        stream.until_done()
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and json.loads(call.function.arguments)


class City(BaseModel):
    name: str
    people: int


def parsed():
    text = '{"name": "Rome", "people": 3}'
    answer = client.chat.completions.parse(model="echo", messages=user(text), response_format=City)
    assert answer.choices[0].message.parsed == City(name="Rome", people=3)
    answer = client.responses.parse(model="echo", input=text, text_format=City)
    assert answer.output_parsed == City(name="Rome", people=3)


def completions():
    answer = client.completions.create(model="echo", prompt=["ab", "c"], echo=True, logprobs=1)
    assert [c.text for c in answer.choices] == ["abab", "cc"]
    assert answer.choices[0].logprobs.text_offset == [0, 1, 2, 3]
    found = client.completions.create(model="echo", prompt="abc", stream=True)
    assert "".join(c.choices[0].text for c in found) == "abc"


def embeddings():
    answer = client.embeddings.create(model="vectors", input=["ab", "c"])  # base64 by itself
    assert len(answer.data[0].embedding) == 26 and answer.data[1].embedding[2] == 1
    plain = client.embeddings.create(model="vectors", input="c", encoding_format="float")
    assert plain.data[0].embedding == answer.data[1].embedding


def responses():
    answer = client.responses.create(model="echo", input="hello", instructions="be brief")
    assert answer.output_text == "hello" and answer.status == "completed"
    answer = client.responses.create(model="echo", input="héllo", top_logprobs=2,
                                     include=["message.output_text.logprobs"])  # fmt: skip
    logs = answer.output[0].content[0].logprobs
    assert [row.token for row in logs] == list("héllo") and len(logs[1].top_logprobs) == 2
    assert answer.top_logprobs == 2 and bytes(logs[1].bytes) == "é".encode()
    with client.responses.stream(model="echo", input="héllo",
                                 include=["message.output_text.logprobs"]) as stream:  # fmt: skip
        said = [e.logprobs for e in stream if e.type == "response.output_text.delta"]
        assert [row.token for part in said for row in part] == list("héllo")
        assert len(stream.get_final_response().output[0].content[0].logprobs) == 5
    again = [*user("x"), answer.output[0], *user("hello")]
    assert client.responses.create(model="echo", input=again).output_text == "hello"
    kinds, text = [], ""
    for event in client.responses.create(model="echo", input="hello", stream=True):
        kinds.append(event.type)
        text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == "hello" and kinds[0] == "response.created" and kinds[-1] == "response.completed"
    tool = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}
    with client.responses.stream(model="echo-hermes", input=CALL, tools=[tool]) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    call = next(item for item in final.output if item.type == "function_call")
    again = [*user("x"), call, {"type": "function_call_output", "call_id": call.call_id,
                                "output": "sun"}]  # fmt: skip
    assert (
        client.responses.create(model="echo-hermes", input=again, tools=[tool]).output_text == "sun"
    )


def models():
    assert "echo" in [m.id for m in client.models.list()]
    assert client.models.retrieve("echo").id == "echo"


def errors():
    for error, call in [
        (openai.BadRequestError, lambda: client.chat.completions.create(
            model="echo", messages=user("a"), extra_body={"nonsense": 1})),
        (openai.NotFoundError, lambda: client.chat.completions.create(
            model="none", messages=user("a"))),
        (openai.InternalServerError, lambda: client.chat.completions.create(
            model="fails", messages=user("hello"))),
        (openai.APIError, lambda: list(client.chat.completions.create(
            model="fails", messages=user("hello"), stream=True))),
    ]:  # fmt: skip
        try:
            call()
        except error as found:
            assert found.message
        else:
            raise AssertionError(error)


async def at_once():
    many = openai.AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
    answers = await asyncio.gather(*(
        many.chat.completions.create(model="slow", messages=user(f"number {i}")) for i in range(16)
    ))  # fmt: skip
    assert [a.choices[0].message.content for a in answers] == [f"number {i}" for i in range(16)]


for part in (chat, chat_stream, tools, parsed, completions, embeddings, responses, models, errors):
    part()
asyncio.run(at_once())
print("good")
