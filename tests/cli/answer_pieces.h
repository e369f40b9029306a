/* Answers of models as tests have them: rows of texts and what is told of them, in one text. */
#ifndef TESTS_CLI_ANSWER_PIECES_H
#define TESTS_CLI_ANSWER_PIECES_H

#include "answer/answer.h"
#include "check.h"

typedef struct row {
    const char *style; /* words of its template */
    const char *prompt, *text;
    const char *wanted; /* pieces: T(text) R(reasoning) C(name{arguments}), or C(name#id{... */
    bool bare;          /* without tools */
    const char *begun;  /* what somebody wrote of the answer */
} row;

static const char tools_text[] =
    "[{'function': {'name': 'weather', 'parameters': {'$defs': {'unit': {'enum': ['C', 'F']}},"
    " 'type': 'object', 'properties': {'city': {'type': 'string'}, 'days': {'type': 'integer'},"
    " 'exact': {'type': ['boolean', 'null']}, 'unit': {'$ref': '#/$defs/unit'},"
    " 'near': {'anyOf': [{'type': 'number'}, {'type': 'null'}]}, 'any': {}, 'all': {'$ref': '#'},"
    " 'loop': {'$ref': '#/properties/loop'}, 'list': {'type': 'array'},"
    " 'const': {'const': 5}, 'text': {'type': ['string', 'integer']}}}}},"
    " {'function': {'name': 'time'}},"
    " {'function': {'name': 'map', 'parameters': {'additionalProperties': {'type': 'number'}}}}]";
static json_t *tools;

#define PARAMETER(key, value) "<parameter=" key ">\n" value "\n</parameter>\n"
#define CODER(name, inner)    "<tool_call>\n<function=" name ">\n" inner "</function>\n</tool_call>"
#define PAIR(key, value)      "<arg_key>" key "</arg_key>\n<arg_value>" value "</arg_value>\n"
#define GLM(name, inner)      "<tool_call>" name "\n" inner "</tool_call>"
#define ROME                  "{\"city\":\"Rome\"}"

#define CALLED(arguments)    "{\"name\": \"f\", \"arguments\": " arguments "}"
#define HERMES(arguments)    "<tool_call>\n" CALLED(arguments) "\n</tool_call>"
#define LFM(calls)           "<|tool_call_start|>" calls "<|tool_call_end|>"
#define DEEPSEEK(calls)      "<｜tool▁calls▁begin｜>" calls "<｜tool▁calls▁end｜>"
#define DEEP_CALL(arguments) "<｜tool▁call▁begin｜>f<｜tool▁sep｜>" arguments "<｜tool▁call▁end｜>"
#define TEN_OPEN             "[[[[[[[[[["
#define TEN_CLOSED           "]]]]]]]]]]"
#define FIFTY_OPEN           TEN_OPEN TEN_OPEN TEN_OPEN TEN_OPEN TEN_OPEN
#define FIFTY_CLOSED         TEN_CLOSED TEN_CLOSED TEN_CLOSED TEN_CLOSED TEN_CLOSED
#define DEEP                 FIFTY_OPEN FIFTY_OPEN
#define PEED                 FIFTY_CLOSED FIFTY_CLOSED

__attribute__((unused)) static const char coder[] = "<tool_call> <function=x> <parameter=y>",
                                          glm[] = "<tool_call> <arg_key>",
                                          lines[] = "'>>>all\\n' + text",
                                          glm4[] = "<|assistant|> <|observation|>",
                                          harmony[] = "<|channel|>", hermes[] = "<tool_call>",
                                          deepseek[] = "<｜tool▁calls▁begin｜>",
                                          action[] = "Action: ```json \"parameters\":",
                                          granite[] = "<|start_of_role|>",
                                          lfm2[] = "<|tool_list_start|>",
                                          mistral[] = "[TOOL_CALLS]", phi[] = "<|tool|> <|/tool|>";

/* --- pieces as text --------------------------------------------------------------------------- */

typedef struct shown {
    char text[2048];
    size_t n;
    int kind;
} shown;

static void say(shown *s, const char *text, size_t n) {
    if (s->n + n < sizeof s->text)
        memcpy(s->text + s->n, text, n);
    s->n += n;
}

static void close_part(shown *s) {
    if (s->kind >= 0)
        say(s, ")", 1);
    s->kind = -1;
}

static bool take(const cli_piece *p, void *data) {
    static const char *const openings[] = {
        [CLI_PIECE_TEXT] = "T(", [CLI_PIECE_REASONING] = "R(", [CLI_PIECE_CALL] = "C("};
    shown *s = data;
    if (s->kind != (int)p->kind || p->kind == CLI_PIECE_CALL) {
        close_part(s);
        say(s, openings[p->kind], 2);
    }
    s->kind = p->kind;
    if (p->name)
        say(s, p->name, strlen(p->name));
    if (p->id) {
        say(s, "#", 1);
        say(s, p->id, strlen(p->id));
    }
    say(s, p->text, p->n);
    return true;
}

/* The pieces of a row's text, which comes in parts: the first ends at `cut`, the others have `each`
   bytes. */
static const char *pieces(const row *r, size_t cut, size_t each) {
    static shown s;
    size_t n = strlen(r->text);
    s = (shown){.kind = -1};
    cli_answer *a =
        cli_answer_new(&(cli_answer_options){.style = cli_answer_style_of(r->style),
                                             .tools = r->bare ? NULL : tools,
                                             .reasoning = true,
                                             .prompt = r->prompt,
                                             .prompt_num = strlen(r->prompt),
                                             .begun = r->begun,
                                             .begun_num = strlen(r->begun ? r->begun : ""),
                                             .sink = take,
                                             .data = &s});
    bool ok = a && cli_answer_feed(a, r->text, cut);
    for (size_t at = cut; ok && at < n; at += each)
        ok = cli_answer_feed(a, r->text + at, n - at < each ? n - at : each);
    CHECK(ok && cli_answer_end(a));
    cli_answer_free(a);
    close_part(&s);
    s.text[s.n < sizeof s.text ? s.n : 0] = 0;
    return s.text;
}

/* Every row whole, cut at every byte, and byte by byte. */
__attribute__((unused)) static void check_rows(const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(rows[i].text);
        CHECK_STR(pieces(&rows[i], n, 1), rows[i].wanted);
        CHECK_STR(pieces(&rows[i], 0, 1), rows[i].wanted);
        for (size_t cut = 1; cut < n; cut++)
            CHECK_STR(pieces(&rows[i], cut, n), rows[i].wanted);
    }
}

/* JSON with single quotes. */
static json_t *parsed(const char *written) {
    char *text = strdup(written);
    for (char *at = text; at && *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return value;
}

#endif
