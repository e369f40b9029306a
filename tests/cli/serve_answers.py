"""What tests of mlx serve ask, and how styles of chat templates mark a call."""

import json

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": parameters}}
    for name, parameters in [
        ("weather", {"type": "object", "properties": {"city": {"type": "string"}}}),
        ("time", {"type": "object", "properties": {}}),
    ]
]

CALL = {"city": "Köln"}
ARGUMENTS = json.dumps(CALL, ensure_ascii=False)
MARKED = {
    "hermes": f'<tool_call>\n{{"name": "weather", "arguments": {ARGUMENTS}}}\n</tool_call>',
    "llama3": f'{{"name": "weather", "parameters": {ARGUMENTS}}}',
    "mistral": f'[TOOL_CALLS][{{"name": "weather", "arguments": {ARGUMENTS}, "id": "abc123XYZ"}}]',
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n"
    f"```json\n{ARGUMENTS}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "gpt-oss": "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>"
    f"{ARGUMENTS}<|call|>",
    "command-r": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "weather", "parameters": '
    f"{ARGUMENTS}}}]<|END_ACTION|>",
    "functionary-v3.2": f">>>weather\n{ARGUMENTS}",
    "qwen3-coder": "<tool_call>\n<function=weather>\n<parameter=city>\nKöln\n</parameter>\n"
    "</function>\n</tool_call>",
    "glm-4.5": "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Köln</arg_value>\n</tool_call>",
    "glm-4": f"weather\n{ARGUMENTS}",
    "command-r-action": f'Action: ```json\n[{{"tool_name": "weather", "parameters": {ARGUMENTS}}}]\n```',
    "granite": f'<|tool_call|>[{{"name": "weather", "arguments": {ARGUMENTS}}}]',
    "phi-4": f'<|tool_call|>[{{"name": "weather", "arguments": {ARGUMENTS}}}]<|/tool_call|>',
    "lfm2": "<|tool_call_start|>[weather(city='Köln')]<|tool_call_end|>",
    "functionary": f"<function=weather>{ARGUMENTS}</function>",
}
