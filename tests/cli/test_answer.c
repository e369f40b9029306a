/* Answers of models, taken apart: every style, whole, cut at every byte, and byte by byte. */
#include "answer_pieces.h"

static const row rows[] = {
    /* Qwen3-Coder */
    {coder, "", CODER("weather", PARAMETER("city", "Rome")), "C(weather" ROME ")"},
    {coder, "",
     "Let me see.\n\n" CODER("weather", PARAMETER("city", "Rome")) "\n" CODER("time", ""),
     "T(Let me see.)C(weather" ROME ")C(time{})"},
    {coder, "", "<function=weather>\n" PARAMETER("city", "Rome") "</function> and on </tool_call>",
     "C(weather" ROME ")T(and on </tool_call>)"},
    {coder, "",
     "<tool_call><function=time></function><function=weather><parameter=city>Rome"
     "</parameter></function></tool_call>",
     "C(time{})C(weather" ROME ")"},
    {coder, "",
     CODER("weather", PARAMETER("days", "3") PARAMETER("exact", "True") PARAMETER("near", "1.5")
                          PARAMETER("unit", "C") PARAMETER("list", "[1, \"a\"]")),
     "C(weather{\"days\":3,\"exact\":true,\"near\":1.5,\"unit\":\"C\",\"list\":[1,\"a\"]})"},
    {coder, "",
     CODER("weather", PARAMETER("city", "5") PARAMETER("exact", "None") PARAMETER("near", "null")
                          PARAMETER("any", "7") PARAMETER("const", "5") PARAMETER("text", "8")),
     "C(weather{\"city\":\"5\",\"exact\":null,\"near\":null,\"any\":7,\"const\":5,\"text\":8})"},
    {coder, "",
     CODER("weather", PARAMETER("days", "three") PARAMETER("list", "[1") PARAMETER(
                          "any", "{\"a\":1}") PARAMETER("loop", "1") PARAMETER("other", "2")),
     "C(weather{\"days\":\"three\",\"list\":\"[1\",\"any\":{\"a\":1},\"loop\":1,\"other\":2})"},
    {coder, "", CODER("weather", PARAMETER("all", "5")), "C(weather{\"all\":\"5\"})"},
    {coder, "", CODER("weather", PARAMETER("all", "{\"days\": 1}")),
     "C(weather{\"all\":{\"days\":1}})"},
    {coder, "", CODER("map", PARAMETER("x", "2")) CODER("gone", PARAMETER("x", "2")),
     "C(map{\"x\":2})C(gone{\"x\":2})"},
    {coder, "",
     CODER("weather", PARAMETER("city", "\na\n</parameter> x </function>\n</tool_call> <\n")),
     "C(weather{\"city\":\"\\na\\n</parameter> x </function>\\n</tool_call> <\\n\"})"},
    {coder, "", CODER("weather", "<parameter=city>\n\n</parameter>"), "C(weather{\"city\":\"\"})"},
    {coder, "", "<tool_call>\n<function=weather>\n" PARAMETER("city", "Rome"),
     "T(<tool_call>\n<function=weather>\n" PARAMETER("city", "Rome") ")"},
    {coder, "", "<tool_call>\n<function=weather>\n", "T(<tool_call>\n<function=weather>\n)"},
    {coder, "", "<tool_call>\n<function=weather>\n" PARAMETER("city", "Rome") "</function>",
     "C(weather" ROME ")"},
    {coder, "", "<tool_call>\n{\"name\": \"weather\", \"arguments\": " ROME "}\n</tool_call>",
     "C(weather" ROME ")"},
    {coder, "<think>\n", "so\n</think>\n\n" CODER("time", ""), "R(so)C(time{})"},
    {coder, "", "a <function=weather>\n<parameter=city>\nRome",
     "T(a <function=weather>\n<parameter=city>\nRome)"},
    {coder, "", "<tool_call>x</tool_call> y", "T(<tool_call>x</tool_call> y)"},
    {coder, "", CODER("weather", PARAMETER("city", "1") PARAMETER("city", "2")),
     "C(weather{\"city\":\"1\",\"city\":\"2\"})"},
    {coder, "", CODER("time", ""), "T(" CODER("time", "") ")", .bare = true},
    {coder, "", CODER("", "") " x", "T(" CODER("", "") " x)"},
    /* GLM 4.5 and later */
    {glm, "", GLM("weather", PAIR("city", "Rome") PAIR("days", "3")),
     "C(weather{\"city\":\"Rome\",\"days\":3})"},
    {glm, "<think>",
     "hm</think>Yes.\n<tool_call>time</tool_call>\n<tool_call>weather<arg_key>city"
     "</arg_key><arg_value>Rome</arg_value></tool_call>",
     "R(hm)T(Yes.)C(time{})C(weather" ROME ")"},
    {glm, "", GLM("weather", "<arg_key>city</arg_key>"),
     "T(" GLM("weather", "<arg_key>city</arg_key>") ")"},
    {glm, "", "<tool_call>weather" PAIR("city", "Rome"),
     "T(<tool_call>weather" PAIR("city", "Rome") ")"},
    {glm, "", "<tool_call>weather", "T(<tool_call>weather)"},
    {glm, "", GLM("a<b", ""), "T(" GLM("a<b", "") ")"},
    {glm, "", "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>", "C(time{})"},
    /* GLM 4 */
    {glm4, "<|assistant|>", "\nweather\n" ROME, "C(weather" ROME ")"},
    {glm4, "<|assistant|>", "weather\n{\"city\": \"Rome\"}<|observation|>", "C(weather" ROME ")"},
    {glm4, "<|assistant|>", "\nweather is fine", "T(\nweather is fine)"},
    {glm4, "<|assistant|>", "weather\nis fine", "T(weather\nis fine)"},
    {glm4, "<|assistant|>", "weath", "T(weath)"},
    {glm4, "<|assistant|>", "", ""},
    {glm4, "<|assistant|>", "<think>a</think>\nb", "R(a)T(b)"},
    {glm4, "<|assistant|>", "time\n{}", "T(time\n{})", .bare = true},
    /* Functionary */
    {lines, ">>>", "all\nHello >>> you", "T(Hello >>> you)"},
    {lines, ">>>", "all\nHello", "T(Hello)", .bare = true},
    {lines, ">>>", "weather\n" ROME, "C(weather" ROME ")"},
    {lines, ">>>", "all\nLet me see.\n>>>weather\n" ROME ">>>time\n{}",
     "T(Let me see.)C(weather" ROME ")C(time{})"},
    {lines, "", "a >>>weather\n" ROME " >>>all\nb", "T(a)C(weather" ROME ")T(  b)"},
    {lines, ">>>", "weather\n{\"city\": \">>>time\\n\"}", "C(weather{\"city\":\">>>time\\n\"})"},
    {lines, ">>>", "python\nprint(1)", "T(python\nprint(1))"},
    {lines, ">>>", "weather\nRome >>>time\n{}", "T(weather\nRome >>>time\n{})"},
    {lines, "", "1 >>> 2 >>>", "T(1 >>> 2 >>>)"},
    {lines, "", "a >>>weather", "T(a >>>weather)"},
    {lines, ">>>", "weather\n" ROME, "T(weather\n" ROME ")", .bare = true},
    /* gpt-oss */
    {harmony, "<|start|>assistant",
     "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
     "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary "
     "to=functions.weather <|constrain|>json<|message|>" ROME "<|call|>",
     "R(Hm.)T(I look.)C(weather" ROME ")"},
    {harmony, "<|start|>assistant",
     " to=functions.weather<|channel|>commentary json<|message|>" ROME, "C(weather" ROME ")"},
    {harmony, "<|start|>assistant", "<|channel|>final<|message|>Yes.<|return|>", "T(Yes.)"},
    {harmony, "<|start|>assistant", "Yes.", "T(Yes.)"},
    {harmony, "", "Yes.", "T(Yes.)"},
    {harmony, "", "<|channel|>commentary to=functions.weather<|message|>no<|call|>",
     "T(<|channel|>commentary to=functions.weather<|message|>no<|call|>)"},
    /* those that were there */
    {hermes, "", "a\n<tool_call>\n{\"name\": \"weather\", \"arguments\": " ROME "}\n</tool_call>",
     "T(a)C(weather" ROME ")"},
    {hermes, "", "a</think>b", "T(a</think>b)"},
    {hermes, "", " </think>b", "T(b)"},
    {deepseek, "<think>\n",
     "hm\n</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather"
     "<｜tool▁sep｜>" ROME "<｜tool▁call▁end｜><｜tool▁call▁begin｜>time<｜tool▁sep｜>{}"
     "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
     "R(hm)C(weather" ROME ")C(time{})"},
    /* Command R */
    {action, "",
     "Plan: I ask.\nAction: ```json\n[\n    {\n        \"tool_name\": \"weather\",\n"
     "        \"parameters\": {\n            \"city\": \"a```b\"\n        }\n    },\n"
     "    {\"tool_name\": \"time\", \"parameters\": {}}\n]\n``` b",
     "T(Plan: I ask.)C(weather{\"city\":\"a```b\"})C(time{})T(\n b)"},
    {action, "", "Action:```json\n[{\"tool_name\": \"time\", \"parameters\": {}}]", "C(time{})"},
    {action, "", "Action: ```json\n[1]\n```", "T(Action: ```json\n[1]\n```)"},
    {action, "", "```json\n[1]\n```", "T(```json\n[1]\n```)"},
    /* Granite, Phi-4 */
    {granite, "", "<|tool_call|>[" CALLED(ROME) ", " CALLED("{}") "]", "C(f" ROME ")C(f{})"},
    {granite, "", "<think>a</think>b <|tool_call|>" CALLED(ROME), "R(a)T(b)C(f" ROME ")"},
    {phi, "", "<|tool_call|>[" CALLED(ROME) "]<|/tool_call|>b", "C(f" ROME ")T(b)"},
    {phi, "", "functools[" CALLED("{\"s\": \"<|/tool_call|>\"}") "]",
     "C(f{\"s\":\"<|/tool_call|>\"})"},
    {phi, "", "functools is a module", "T(functools is a module)"},
    {phi, "", "import functools[" CALLED(ROME) "]", "T(import functools[" CALLED(ROME) "])"},
    /* LFM2 */
    {lfm2, "", LFM("[weather(city=\"Rome\", days=3)]") "b",
     "C(weather{\"city\":\"Rome\",\"days\":3})T(b)"},
    {lfm2, "",
     "a " LFM("[time(), a.b-c(x=[1, 'y', (True, False),], z={'k': None, \"l\": -1.50e3,})]"),
     "T(a)C(time{})C(a.b-c{\"x\":[1,\"y\",[true,false]],\"z\":{\"k\":null,\"l\":-1.50e3}})"},
    {lfm2, "", LFM("[f(s='a\\'b\"c\\n\\x41\\u00e9\\U0001f600\\d é')]"),
     "C(f{\"s\":\"a'b\\\"c\\u000aA\\u00e9\\ud83d\\ude00\\\\d é\"})"},
    {lfm2, "", LFM("[f(s='<|tool_call_end|>', t=\"'\")]"),
     "C(f{\"s\":\"<|tool_call_end|>\",\"t\":\"'\"})"},
    {lfm2, "", LFM("f(a=1)"), "C(f{\"a\":1})"},
    {lfm2, "", LFM("[" CALLED("{\"s\": \"<|tool_call_end|>\"}") "]"),
     "C(f{\"s\":\"<|tool_call_end|>\"})"},
    {lfm2, "", LFM("[f(a=1, a=2)]"), "C(f{\"a\":1,\"a\":2})"},
    {lfm2, "", LFM("[f(1)]"), "T(" LFM("[f(1)]") ")"},
    {lfm2, "", LFM("[f(a=g())]"), "T(" LFM("[f(a=g())]") ")"},
    {lfm2, "", LFM("[f(a='x)]"), "T(" LFM("[f(a='x)]") ")"},
    {lfm2, "", LFM("[f(a='x\n)]") LFM("[f()]"), "T(" LFM("[f(a='x\n)]") ")C(f{})"},
    {lfm2, "", LFM("[f(a='\\ud800')]"), "T(" LFM("[f(a='\\ud800')]") ")"},
    {lfm2, "", LFM("[f(a=" DEEP PEED ")]"), "T(" LFM("[f(a=" DEEP PEED ")]") ")"},
    {lfm2, "", LFM("[]"), "T(" LFM("[]") ")"},
    /* Magistral */
    {"[THINK]", "", "[THINK]hm[/THINK]Hello", "R(hm)T(Hello)"},
    /* a marker inside of a value is of its text, in every style */
    {hermes, "", HERMES("{\"s\": \"</tool_call> <tool_call> <think> \\\" </tool_call>\"}") " b",
     "C(f{\"s\":\"</tool_call> <tool_call> <think> \\\" </tool_call>\"})T(b)"},
    {hermes, "",
     HERMES("{\"s\": \"a</tool_call></tool_call>\\\\</tool_call>\\n</tool_call>\"}") "b",
     "C(f{\"s\":\"a</tool_call></tool_call>\\\\</tool_call>\\n</tool_call>\"})T(b)"},
    {hermes, "", HERMES("{\"s\": \"</tool_call>\\") HERMES("{}"),
     "T(" HERMES("{\"s\": \"</tool_call>\\") ")C(f{})"},
    {hermes, "", HERMES("{\"s\": \"\\</tool_call></tool_call>\"}"),
     "T(" HERMES("{\"s\": \"\\</tool_call></tool_call>\"}") ")"},
    {hermes, "", HERMES("{\"s\": \"</tool_call>") " b",
     "T(" HERMES("{\"s\": \"</tool_call>") " b)"},
    {hermes, "", HERMES("{\"s\": \"a\n") HERMES("{}"), "T(" HERMES("{\"s\": \"a\n") ")C(f{})"},
    {hermes, "", HERMES("{\"s\": \"\\q\"") HERMES("{}"), "T(" HERMES("{\"s\": \"\\q\"") ")C(f{})"},
    {hermes, "", HERMES("{\"s\": \"\\u00zz\"") HERMES("{}"),
     "T(" HERMES("{\"s\": \"\\u00zz\"") ")C(f{})"},
    {hermes, "",
     "<tool_call>[" CALLED("{\"s\": \"</tool_call>\"}") ", " CALLED("{}") "]</tool_call>",
     "C(f{\"s\":\"</tool_call>\"})C(f{})"},
    {harmony, "<|start|>assistant",
     "<|channel|>commentary to=functions.f<|message|>{\"s\": "
     "\"<|call|><|end|><|start|>assistant<|channel|>\"}<|call|>",
     "C(f{\"s\":\"<|call|><|end|><|start|>assistant<|channel|>\"})"},
    {"<function=", "", "<function=f>{\"s\": \"</function>\"}</function>b",
     "C(f{\"s\":\"</function>\"})T(b)"},
    {mistral, "", "[TOOL_CALLS][" CALLED("{\"s\": \"[TOOL_CALLS]\"}") "]",
     "C(f{\"s\":\"[TOOL_CALLS]\"})"},
    {mistral, "", "[TOOL_CALLS]f[ARGS]{\"s\": \"[TOOL_CALLS]\"}[TOOL_CALLS]f[ARGS]{}",
     "C(f{\"s\":\"[TOOL_CALLS]\"})C(f{})"},
    {"<|START_ACTION|>", "",
     "<|START_ACTION|>[{\"tool_name\": \"f\", \"parameters\": {\"s\": \"<|END_ACTION|>\"}}]"
     "<|END_ACTION|>",
     "C(f{\"s\":\"<|END_ACTION|>\"})"},
    {"<|python_tag|>", "", "{\"name\": \"f\", \"parameters\": {\"s\": \"<|eom_id|>\"}}<|eom_id|>",
     "C(f{\"s\":\"<|eom_id|>\"})"},
    {deepseek, "",
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"s\": "
     "\"<｜tool▁call▁end｜>\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
     "C(f{\"s\":\"<｜tool▁call▁end｜>\"})"},
    {glm4, "<|assistant|>", "weather\n{\"s\": \"<|observation|>\"}<|observation|>",
     "C(weather{\"s\":\"<|observation|>\"})"},
    {glm, "", GLM("weather", PAIR("city", "a</tool_call><tool_call>b")) "c",
     "C(weather{\"city\":\"a</tool_call><tool_call>b\"})T(c)"},
    {coder, "", "<tool_call>\n" CALLED("{\"s\": \"</function></tool_call>\"}") "\n</tool_call>",
     "C(f{\"s\":\"</function></tool_call>\"})"},
    /* arguments are what was written, whatever types this program has */
    {hermes, "", HERMES("{\"a\": 0.1, \"b\": 19.99, \"c\": 1.10, \"d\": 1e-7, \"e\": -0.0}"),
     "C(f{\"a\":0.1,\"b\":19.99,\"c\":1.10,\"d\":1e-7,\"e\":-0.0})"},
    {hermes, "", HERMES("{\"a\": 123456789012345678901234567890, \"b\": [1E+400, -1e-400]}"),
     "C(f{\"a\":123456789012345678901234567890,\"b\":[1E+400,-1e-400]})"},
    {hermes, "", HERMES("{\"a\": \"x\\u0000y\", \"\\u0000k\": 1, \"b\": 1, \"b\": 2}"),
     "C(f{\"a\":\"x\\u0000y\",\"\\u0000k\":1,\"b\":1,\"b\":2})"},
    {hermes, "", HERMES("{\"a\": " DEEP "0" PEED "}"), "C(f{\"a\":" DEEP "0" PEED "})"},
    {hermes, "", HERMES("{\"a\": \"\\ud83d\\ude00 \\/ é 😀\"}"),
     "C(f{\"a\":\"\\ud83d\\ude00 \\/ é 😀\"})"},
    {hermes, "", HERMES("{\"a\": \"\\ud83d\"}"), "T(" HERMES("{\"a\": \"\\ud83d\"}") ")"},
    {hermes, "", HERMES("{\"a\": 01}"), "T(" HERMES("{\"a\": 01}") ")"},
    {hermes, "", HERMES("{\"a\": 1,}"), "T(" HERMES("{\"a\": 1,}") ")"},
    {hermes, "", HERMES("\"{\\\"a\\\": 1.10}\""), "C(f{\"a\":1.10})"},
    {hermes, "", HERMES("null"), "T(" HERMES("null") ")"},
    {hermes, "", HERMES("{}, \"arguments\": {}"), "T(" HERMES("{}, \"arguments\": {}") ")"},
    {hermes, "", "<tool_call>{\"n\\u0061me\": \"\\u0066\"}</tool_call>", "C(f{})"},
    {coder, "", CODER("map", PARAMETER("x", "1e400") PARAMETER("y", "0.10")),
     "C(map{\"x\":1e400,\"y\":0.10})"},
    {glm, "", GLM("weather", PAIR("days", "123456789012345678901234567890") PAIR("near", "1.10")),
     "C(weather{\"days\":123456789012345678901234567890,\"near\":1.10})"},
    /* text behind calls and before them, and calls behind text */
    {lines, ">>>", "weather\n" ROME " and more.", "C(weather" ROME ")T(and more.)"},
    {lines, ">>>", "all\nA \n>>>weather\n" ROME "\n B >>>time\n{}",
     "T(A)C(weather" ROME ")T( \n\n B)C(time{})"},
    {glm4, "<|assistant|>", "\nweather\n" ROME " and\nmore", "C(weather" ROME ")T(and\nmore)"},
    {glm4, "<|assistant|>", "weather\n" ROME "\ntime\n{} x", "C(weather" ROME ")C(time{})T(x)"},
    {glm4, "<|assistant|>", "weather\n" ROME " x <|observation|>", "C(weather" ROME ")T(x)"},
    {glm4, "<|assistant|>", "weather\n" ROME "\nweather", "C(weather" ROME ")T(weather)"},
    {mistral, "", "[TOOL_CALLS]f[ARGS]{} more", "C(f{})T(more)"},
    {mistral, "", "A [TOOL_CALLS] [" CALLED("{}") "] B [TOOL_CALLS]f{} C",
     "T(A)C(f{})T(  B)C(f{})T(  C)"},
    {mistral, "", "[TOOL_CALLS][" CALLED("{}") "] [" CALLED(ROME) "] x", "C(f{})C(f" ROME ")T(x)"},
    {mistral, "", "[TOOL_CALLS]f[CALL_ID]a1b2c3d4e[ARGS]{}", "C(f#a1b2c3d4e{})"},
    {mistral, "", "[TOOL_CALLS][{\"name\": \"f\", \"id\": \"a1\"}]", "C(f#a1{})"},
    {mistral, "", "[TOOL_CALLS]I call f[ARGS]{}", "T([TOOL_CALLS]I call f[ARGS]{})"},
    {granite, "", "<|tool_call|>[" CALLED("{}") "] and more", "C(f{})T(and more)"},
    {granite, "", "<|tool_call|>[" CALLED("{}") "]<|tool_call|>[" CALLED(ROME) "]",
     "C(f{})C(f" ROME ")"},
    {granite, "", "<|tool_call|>[" CALLED("{}") ", x]<|tool_call|>[" CALLED(ROME) "]",
     "T(<|tool_call|>[" CALLED("{}") ", x])C(f" ROME ")"},
    {granite, "", "<|tool_call|>[" CALLED("{}") "]<|/tool", "C(f{})"},
    {phi, "", "functools[" CALLED("{}") "] it's \"so", "C(f{})T(it's \"so)"},
    {phi, "", "functools[" CALLED("{}") "] functools[" CALLED(ROME) "]", "C(f{})C(f" ROME ")"},
    {"<|START_ACTION|>", "",
     "<|START_ACTION|>[{\"tool_call_id\": \"0\", \"tool_name\": \"f\"}]<|END_ACTION|> b",
     "C(f{})T(b)"},
    {"<|python_tag|>", "", "{\"name\": \"f\"}; {\"name\": \"g\"}; {\"a\": 1}",
     "C(f{})C(g{})T(; {\"a\": 1})"},
    {hermes, "", "One " HERMES("{}") " and two.\n", "T(One)C(f{})T(  and two.\n)"},
    {hermes, "", "One\n\n" HERMES("{}") "\n" HERMES("{}") "\n", "T(One)C(f{})C(f{})"},
    {hermes, "", "A " HERMES("{}") "\n" HERMES("{}") "\nB", "T(A)C(f{})C(f{})T( \nB)"},
    {hermes, "", "A <think>b\n</think>\n\nC", "T(A)R(b)T( \n\nC)"},
    {hermes, "", "<tool_call>" CALLED("{}") "} </tool_call>", "C(f{})T(})"},
    {hermes, "", "<tool_call>" CALLED("{}") "<tool_call>" CALLED(ROME), "C(f{})C(f" ROME ")"},
    {hermes, "", "<tool_call>" CALLED("{}") " \"x </tool_call> b", "C(f{})T(\"x  b)"},
    {hermes, "", "<tool_call>" CALLED("{}") "\n</tool", "C(f{})"},
    {hermes, "", HERMES("{}") "\n</tool", "C(f{})T(</tool)"},
    {hermes, "", HERMES("{}") "\n<tool", "C(f{})T(<tool)"},
    {hermes, "", "In <tool_call> tags: " HERMES("{}"), "T(In <tool_call> tags:)C(f{})"},
    {coder, "", CODER("time", "") "\n<tool", "C(time{})T(<tool)"},
    {coder, "", "<tool_call>\n<function=time>\n</function>\n</too", "C(time{})"},
    {coder, "", "A " CODER("time", "") " B", "T(A)C(time{})T(  B)"},
    /* what is left of a call that is none is as it was written */
    {harmony, "<|start|>assistant", "Before. <|channel|>commentary to=functions.f<|message|>{} x",
     "T(Before.)C(f{})T(  x)"},
    {harmony, "<|start|>assistant", " to=functions.f<|channel|>commentary<|message|>{}<|call|> x",
     "C(f{})T(x)"},
    {harmony, "", "<|channel|>analysis<|message|>a<|end|> b <|channel|>final<|message|>c",
     "R(a)T(b c)"},
    {harmony, "", "<|channel|>final<|message|>a<|end|><|start|>assistant b", "T(a b)"},
    {harmony, "", "a <|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"s\": \"x",
     "T(a <|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"s\": \"x)"},
    {harmony, "<|start|>assistant", " to=functions.f<|channel|>commentary<|message|>{\"s",
     "T(to=functions.f<|channel|>commentary<|message|>{\"s)"},
    {harmony, "", "<|channel|>commentary to=functions.f <|con",
     "T(<|channel|>commentary to=functions.f <|con)"},
    {harmony, "", "<|channel|>analysis", ""},
    {harmony, "",
     "<|channel|>commentary to=functions.f<|message|>{]<|call|><|start|>assistant"
     "<|channel|>commentary to=functions.f<|message|>{}<|call|>",
     "T(<|channel|>commentary to=functions.f<|message|>{]<|call|>)C(f{})"},
    {deepseek, "", DEEPSEEK(DEEP_CALL("{]")), "T(" DEEPSEEK(DEEP_CALL("{]")) ")"},
    {deepseek, "", DEEPSEEK(DEEP_CALL("{}") "\n" DEEP_CALL("{]")) " x",
     "C(f{})T(" DEEP_CALL("{]") " x)"},
    {deepseek, "", DEEPSEEK("\n" DEEP_CALL("{]") "\n" DEEP_CALL("{}")),
     "T(<｜tool▁calls▁begin｜>\n" DEEP_CALL("{]") ")C(f{})T(\n<｜tool▁calls▁end｜>)"},
    {deepseek, "", "a " DEEPSEEK("b " DEEP_CALL("{}") " c"),
     "T(a <｜tool▁calls▁begin｜>b)C(f{})T( c<｜tool▁calls▁end｜>)"},
    {deepseek, "", "<｜tool▁calls▁begin｜>" DEEP_CALL("{}") "<｜tool▁ca", "C(f{})"},
    {deepseek, "", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"s",
     "T(<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"s)"},
    {deepseek, "", "a <｜tool▁calls▁begin｜>", "T(a <｜tool▁calls▁begin｜>)"},
    {deepseek, "", "a " DEEPSEEK("") " b", "T(a " DEEPSEEK("") " b)"},
    /* Python's own ways to write a value */
    {lfm2, "", LFM("[f(a=.5, b=5., c=+2, d=1_000, e=-.5e-3, g=5.e3, h=0x1F, i=-0b11)]"),
     "C(f{\"a\":0.5,\"b\":5.0,\"c\":2,\"d\":1000,\"e\":-0.5e-3,\"g\":5.0e3,\"h\":31,\"i\":-3})"},
    {lfm2, "", LFM("[f(a='a' \"b\"\n'c', b=r'\\d\\'', c='''x\n'y'\n''', d='\\101\\0', e=u'é')]"),
     "C(f{\"a\":\"abc\",\"b\":\"\\\\d\\\\'\",\"c\":\"x\\u000a'y'\\u000a\",\"d\":\"A\\u0000\",\"e\":\"é\"})"},
    {lfm2, "", LFM("[f(a=(5), b=(), c=(1,), d=('a' 'b'), e=0x1, g=((1, 2), (3)), h=(1, 2,))]"),
     "C(f{\"a\":5,\"b\":[],\"c\":[1],\"d\":\"ab\",\"e\":1,\"g\":[[1,2],3],\"h\":[1,2]})"},
    {lfm2, "", LFM("[f(a=(1 2))]"), "T(" LFM("[f(a=(1 2))]") ")"},
    {lfm2, "", LFM("[f(größe=1, a-b=2)]"), "C(f{\"größe\":1,\"a-b\":2})"},
    {lfm2, "", LFM("[f(a=1__0)]"), "T(" LFM("[f(a=1__0)]") ")"},
    {lfm2, "", LFM("[f(a=007)]"), "T(" LFM("[f(a=007)]") ")"},
    {lfm2, "", LFM("[f(a=.)]"), "T(" LFM("[f(a=.)]") ")"},
    {lfm2, "", LFM("[f(a=0x)]"), "T(" LFM("[f(a=0x)]") ")"},
    {lfm2, "", LFM("[f(a=''')]"), "T(" LFM("[f(a=''')]") ")"},
    {lfm2, "",
     LFM("[f(a='''"
         "<|tool_call_end|>'\n''')]"),
     "C(f{\"a\":\"<|tool_call_end|>'\\u000a\"})"},
    {lfm2, "", LFM("[f()] it's") " so", "C(f{})T(it's so)"},
    {lfm2, "", LFM("[f()][g()]") "x", "C(f{})C(g{})T(x)"},
    {lfm2, "", LFM("f(), g() and (x"), "C(f{})C(g{})T(and (x)"},
    {lfm2, "", LFM("[f(), g(x)]"), "T(" LFM("[f(), g(x)]") ")"},
    /* what somebody has begun is not told, and its thought goes on */
    {hermes, "", " is</think>\nYes.", "R( is)T(Yes.)", .begun = "<think>\nThis"},
    {hermes, "", " It is</think>b", "R(It is)T(b)", .begun = "<think>\n"},
    {hermes, "<think>\n", " is</think>b", "R( is)T(b)", .begun = "This"},
    {hermes, "<think>\n", " is</think>b", "T( is</think>b)", .begun = "This</think>\n\nHere"},
    {hermes, "", " a</think>b", "T( a</think>b)", .begun = "<think>hm</think>So"},
    {hermes, "", " a <think>b</think>c", "T( a)R(b)T( c)", .begun = "So"},
    {hermes, "", "nk>b", "T(b)", .begun = "<think>hm</thi"},
    {hermes, "", "ng> b", "R(ng> b)", .begun = "<think>hm</thi"},
    {hermes, "", " <b", "T( <b)", .begun = "a <thi"},
    {hermes, "", "a", "T(a)", .begun = "<think>a\n</think>\n<tool_call>\n{"},
    {hermes, "", "\"x\"} <tool_call>{\"name\": \"time\"}</tool_call>", "T(\"x\"})C(time{})",
     .begun = "<tool_call>{"},
    {glm4, "<|assistant|>", "her\n{}", "T(her\n{})", .begun = "weat"},
    {lines, ">>>", " you >>>time\n{}", "T( you)C(time{})", .begun = "all\nHello"},
    {lines, ">>>", "l\nHello", "T(l\nHello)", .begun = "al"},
    {harmony, "<|start|>assistant", " is<|end|>", "T( is)", .begun = "This"},
};

static void every_cut(void) {
    check_rows(rows, sizeof rows / sizeof *rows);
}

/* A forced call is fed with its opening, of which the prompt has a part. */
static void opened(void) {
    const cli_answer_style *style = cli_answer_style_of(lines);
    json_t *one = json_pack("[{s:s}]", "name", "time"), *schema = NULL;
    char *opening = NULL;
    if (CHECK(cli_answer_force(style, one, &opening, &schema))) {
        CHECK_STR(opening, ">>>time\n");
        CHECK_EQ_INT(cli_answer_opened(style, opening, "a\n\n>>>", 6), 3);
        CHECK_EQ_INT(cli_answer_opened(style, opening, "a\n\n>>", 5), 0);
    }
    free(opening);
    json_decref(schema);
    json_decref(one);
    one = json_pack("[{s:s}]", "name", "all"); // which says that text follows
    CHECK(!cli_answer_force(style, one, &opening, &schema));
    json_decref(one);
}

/* With `halts` an answer stops where the call of a named tool begins. */
static void halting(void) {
    shown s = {.kind = -1};
    size_t rest = 0, n = 0;
    const char *name = "";
    cli_answer *a = cli_answer_new(&(cli_answer_options){.style = cli_answer_style_of(lines),
                                                         .tools = tools,
                                                         .halts = true,
                                                         .prompt = ">>>",
                                                         .prompt_num = 3,
                                                         .sink = take,
                                                         .data = &s});
    CHECK(cli_answer_feed(a, "weather\n{\"c", 11) && cli_answer_begun(a, &rest, &name, &n));
    CHECK(rest == 3 && n == 7 && strncmp(name, "weather", n) == 0);
    CHECK(cli_answer_feed(a, ROME, strlen(ROME)) && cli_answer_end(a));
    cli_answer_free(a);
    close_part(&s);
    CHECK_STR(s.text, "C(weather" ROME ")");
}

/* Zeros are characters as others are. */
static void zeros(void) {
    static const char text[] = "a\0 " HERMES("{}") "\0b <tool_call>\0";
    static const char wanted[] = "T(a\0)C(f{})T( \0b <tool_call>\0)";
    for (size_t each = 1; each < sizeof text; each++) {
        shown s = {.kind = -1};
        cli_answer *a = cli_answer_new(&(cli_answer_options){
            .style = cli_answer_style_of(hermes), .tools = tools, .sink = take, .data = &s});
        for (size_t at = 0, n = sizeof text - 1; at < n; at += each)
            CHECK(cli_answer_feed(a, text + at, n - at < each ? n - at : each));
        CHECK(cli_answer_end(a));
        cli_answer_free(a);
        close_part(&s);
        CHECK(s.n == sizeof wanted - 1 && memcmp(s.text, wanted, s.n) == 0);
    }
}

/* --- whatever a structure allows is a call ---------------------------------------------------- */

static const char *const every_style[] = {coder,
                                          glm,
                                          lines,
                                          glm4,
                                          harmony,
                                          hermes,
                                          deepseek,
                                          action,
                                          granite,
                                          lfm2,
                                          "<|python_tag|>",
                                          "[TOOL_CALLS]",
                                          "<|START_ACTION|>",
                                          "<function=",
                                          "<|/tool|>"};

static unsigned long long dice = 1;

static unsigned roll(unsigned sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice >> 40) % sides;
}

static size_t add(char *out, size_t n, const char *text) {
    strcpy(out + n, text);
    return n + strlen(text);
}

/* A text with what means something outside of it. */
static size_t add_text(char *out, size_t n) {
    static const char *const parts[] = {"</tool_call>",
                                        "<tool_call>",
                                        "<think>",
                                        "</think>",
                                        "[TOOL_CALLS]",
                                        "<|call|>",
                                        "<|end|>",
                                        "<|start|>assistant",
                                        "<|channel|>",
                                        "<|message|>",
                                        "</function>",
                                        "<function=",
                                        ">>>time",
                                        "<|END_ACTION|>",
                                        "<|START_RESPONSE|>",
                                        "<|eom_id|>",
                                        "<|observation|>",
                                        "```",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        "\\\"",
                                        "\\\\",
                                        "\\n",
                                        "\\u0000",
                                        "\\ud83d\\ude00",
                                        "é",
                                        "😀",
                                        "'",
                                        "<",
                                        "|",
                                        "<｜tool▁call▁end｜>",
                                        "<｜tool▁calls▁end｜>",
                                        "<|tool_call_end|>",
                                        "<|/tool_call|>",
                                        "a",
                                        "</parameter>",
                                        "<arg_value>",
                                        "</arg_value>",
                                        ",",
                                        ":",
                                        ";",
                                        "functools",
                                        "[ARGS]",
                                        " "};
    n = add(out, n, "\"");
    for (unsigned i = roll(6); i; i--)
        n = add(out, n, parts[roll(sizeof parts / sizeof *parts)]);
    return add(out, n, "\"");
}

static size_t add_value(char *out, size_t n, int depth) {
    static const char *const plain[] = {"true", "null", "0.10",  "-1e400",
                                        "-0",   "1E+2", "19.99", "123456789012345678901234567890"};
    unsigned kind = roll(depth ? 4 : 2), count = roll(4);
    if (kind == 0)
        return add(out, n, plain[roll(sizeof plain / sizeof *plain)]);
    if (kind == 1)
        return add_text(out, n);
    n = add(out, n, kind == 2 ? "{" : "[");
    for (unsigned i = 0; i < count; i++) {
        n = add(out, n, i ? "," : "");
        if (kind == 2)
            n = add(out, add_text(out, n), ":");
        n = add_value(out, n, depth - 1);
    }
    return add(out, n, kind == 2 ? "}" : "]");
}

/* The call of a style that has these arguments. */
static void write_call(char *out, const char *opening, const json_t *schema,
                       const char *arguments) {
    const json_t *items = json_object_get(schema, "items");
    const json_t *names = json_object_get(items ? items : schema, "required");
    size_t n = add(out, 0, opening);
    n = add(out, n, items ? "[" : "");
    if (names)
        n += (size_t)sprintf(out + n, "{\"%s\":\"weather\",\"%s\":",
                             json_string_value(json_array_get(names, 0)),
                             json_string_value(json_array_get(names, 1)));
    n = add(out, n, arguments);
    n = add(out, n, names ? "}" : "");
    add(out, n, items ? "]" : "");
}

static void one_call(const char *words) {
    static char arguments[1 << 16], text[1 << 17], wanted[1 << 17];
    const cli_answer_style *style = cli_answer_style_of(words);
    json_t *one = json_pack("[{s:s}]", "name", "weather"), *schema = NULL;
    char *opening = NULL;
    size_t n = add(arguments, 0, "{\"k\":");
    n = add(arguments, add_value(arguments, n, 3), "}");
    CHECK(cli_answer_force(style, one, &opening, &schema));
    write_call(text, opening, schema, arguments);
    row r = {.style = words, .prompt = "", .text = text};
    sprintf(wanted, "C(weather%s)", arguments);
    if (strlen(wanted) < sizeof((shown *)0)->text) {
        CHECK_STR(pieces(&r, 0, 1 + roll(8)), wanted);
        CHECK_STR(pieces(&r, roll((unsigned)strlen(text)), strlen(text)), wanted);
    }
    free(opening);
    json_decref(schema);
    json_decref(one);
}

static void forced(void) {
    for (int i = 0; i < 200; i++)
        for (size_t k = 0; k < sizeof every_style / sizeof *every_style; k++)
            one_call(every_style[k]);
}

int main(void) {
    tools = parsed(tools_text);
    CHECK(tools);
    RUN(every_cut);
    RUN(opened);
    RUN(halting);
    RUN(zeros);
    RUN(forced);
    json_decref(tools);
    return check_done();
}
