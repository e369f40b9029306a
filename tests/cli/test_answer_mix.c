/* Texts, thoughts and calls in random order, as each style writes them: whatever of an answer has
 * come, wherever it is divided, no character of its text is lost, and calls are calls. */
#include <ctype.h>

#include "answer_pieces.h"

/* --- how styles write ------------------------------------------------------------------------- */

enum {
    FIRST = 1,  /* calls begin the answer */
    BEHIND = 2, /* they do, or stand behind others */
    VALUES = 4, /* without its end, a value goes on up to that of a later one */
    HEADS = 8   /* heads of messages are none of the text */
};

/* Of a call @o stands for {"a": NUMBER, "s": "TEXT"}, @n for the number and @t for the text. */
typedef struct form {
    const char *style, *prompt;
    const char *before, *one, *between, *after; /* calls */
    const char *think, *thought;                /* around reasoning; NULL: there is none */
    const char *say, *said;                     /* what may stand around text, or NULL */
    int is;
} form;

#define JSON_CALL "{\"name\": \"f\", \"arguments\": @o}"
#define TOOL_CALL "{\"tool_name\": \"f\", \"parameters\": @o}"
#define THINKS    "<think>", "</think>"

static const form forms[] = {
    {hermes, "", "", "<tool_call>\n" JSON_CALL "\n</tool_call>", "\n", "", THINKS},
    {coder, "", "",
     "<tool_call>\n<function=f>\n<parameter=a>\n@n\n</parameter>\n<parameter=s>\n@t\n</parameter>\n"
     "</function>\n</tool_call>",
     "\n", "", THINKS, .is = VALUES},
    {glm, "", "",
     "<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>@n</arg_value>\n<arg_key>s</arg_key>\n"
     "<arg_value>@t</arg_value>\n</tool_call>",
     "", "", THINKS, .is = VALUES},
    {lfm2, "", "<|tool_call_start|>[", "f(a=@n, s='@t')", ", ", "]<|tool_call_end|>", THINKS,
     .is = VALUES},
    {granite, "", "<|tool_call|>[", JSON_CALL, ", ", "]", THINKS},
    {granite, "", "<|tool_call|>", JSON_CALL, "; ", "", THINKS},
    {phi, "", "<|tool_call|>[", JSON_CALL, ", ", "]<|/tool_call|>", THINKS},
    {phi, "", "functools[", JSON_CALL, ", ", "]", THINKS, .is = BEHIND},
    {mistral, "", "[TOOL_CALLS] [", JSON_CALL, ", ", "]", "[THINK]", "[/THINK]"},
    {mistral, "", "", "[TOOL_CALLS]f[ARGS]@o", "", "", "[THINK]", "[/THINK]"},
    {deepseek, "", "<｜tool▁calls▁begin｜>",
     "<｜tool▁call▁begin｜>f<｜tool▁sep｜>@o<｜tool▁call▁end｜>", "\n", "<｜tool▁calls▁end｜>",
     THINKS},
    {deepseek, "", "<｜tool▁calls▁begin｜>",
     "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n@o\n```<｜tool▁call▁end｜>", "\n",
     "<｜tool▁calls▁end｜>", THINKS},
    {"<|START_ACTION|>", "", "<|START_ACTION|>[", TOOL_CALL, ",\n", "]<|END_ACTION|>",
     "<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"},
    {action, "", "Action: ```json\n[", TOOL_CALL, ",\n", "]\n```", NULL, NULL},
    {"<|python_tag|>", "", "<|python_tag|>", JSON_CALL, "; ", "", THINKS},
    {"<|python_tag|>", "", "", JSON_CALL, "; ", "", THINKS, .is = FIRST},
    {"<function=", "", "", "<function=f>@o</function>", "\n", "", THINKS},
    {lines, "", "", ">>>f\n@o", "\n", "", NULL, NULL, ">>>all\n", NULL},
    {glm4, "<|assistant|>", "", "f\n@o", "\n", "", THINKS, .is = BEHIND},
    {harmony, "<|start|>assistant", "",
     "<|channel|>commentary to=functions.f <|constrain|>json<|message|>@o<|call|>",
     "<|start|>assistant", "", "<|channel|>analysis<|message|>", "<|end|>",
     "<|channel|>final<|message|>", "<|end|>", HEADS},
    {harmony, "", "", "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>@o",
     "<|call|>", "<|end|>", "<|start|>assistant<|channel|>analysis<|message|>", "<|end|>",
     "<|start|>assistant<|message|>", "<|return|>", HEADS},
};
enum { FORMS = sizeof forms / sizeof *forms };

static const char mixed_tools[] =
    "[{'function': {'name': 'f', 'parameters': {'type': 'object', 'properties':"
    " {'a': {'type': 'integer'}, 's': {'type': 'string'}}}}}]";

/* --- an answer -------------------------------------------------------------------------------- */

enum { ROOM = 2048, MOST_ITEMS = 16, MOST_CALLS = 24 };

typedef enum what { TEXT, THOUGHT, CALLS, MARKER } what;

typedef struct item {
    what kind;
    char raw[ROOM];
    int first, count; /* of its calls */
} item;

typedef struct answer {
    const form *form;
    item items[MOST_ITEMS];
    int count, calls;
    bool broken; /* calls may be none */
    char called[MOST_CALLS][64];
    char raw[ROOM * 2];
} answer;

static uint64_t dice;

static unsigned roll(unsigned sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice >> 33) % sides;
}

static item *add_item(answer *a, what kind, const char *raw) {
    item *it = &a->items[a->count++];
    *it = (item){.kind = kind, .first = a->calls};
    strcpy(it->raw, raw);
    strcat(a->raw, raw);
    return it;
}

static bool only_spaces(const char *text) {
    return strspn(text, " \n\t") == strlen(text);
}

static const char *words(const form *f) {
    static const char *const parts[] = {"Hello", " ",  "\n", "it's", "\"",      "a<b", "x}",
                                        "x]",    "é",  "😀", "[1]",  "x|y",     ":",   "{}",
                                        "\n\n",  "  ", ".",  "f(x)", "{\"k\":", ",",   ";"};
    static char text[256];
    *text = 0;
    for (unsigned i = roll(5); i; i--)
        strcat(text, parts[roll(sizeof parts / sizeof *parts)]);
    bool held = strcmp(f->style, "<|python_tag|>") == 0 && text[strspn(text, " \n")] == '{';
    return held ? "" : text; // it may be a call there
}

static void write_call(answer *a, char *to) {
    static const char *const texts[] = {"", "x", "</tool_call>", "<|call|>", " é😀 ", "]", ">>>f"};
    const char *text = texts[roll(sizeof texts / sizeof *texts)], *at = a->form->one;
    to += strlen(to);
    for (; *at; at++) {
        char c = *at == '@' ? *++at : 0;
        to += c == 'o'   ? sprintf(to, "{\"a\": %d, \"s\": \"%s\"}", a->calls, text)
              : c == 'n' ? sprintf(to, "%d", a->calls)
              : c == 't' ? sprintf(to, "%s", text)
                         : sprintf(to, "%c", *at);
    }
    sprintf(a->called[a->calls], "f{\"a\":%d,\"s\":\"%s\"}", a->calls, text);
    a->calls++;
}

static void add_calls(answer *a) {
    const form *f = a->form;
    char raw[ROOM] = "";
    int first = a->calls;
    strcat(raw, f->before);
    for (unsigned i = 0, n = 1 + roll(3); i < n; i++) {
        strcat(raw, i ? f->between : "");
        write_call(a, raw);
    }
    strcat(raw, f->after);
    item *it = add_item(a, CALLS, raw);
    it->first = first;
    it->count = a->calls - first;
}

static void add_wrapped(answer *a, what kind, const char *before, const char *after) {
    if (before)
        add_item(a, MARKER, before);
    add_item(a, kind, words(a->form));
    if (after)
        add_item(a, MARKER, after);
}

/* May calls stand here? */
static bool may_call(const answer *a) {
    int last = a->count - 1;
    while (last >= 0 && a->items[last].kind == TEXT && only_spaces(a->items[last].raw))
        last--;
    return !(a->form->is & (FIRST | BEHIND)) || last < 0 ||
           (a->form->is & BEHIND && a->items[last].kind == CALLS);
}

static void make_answer(answer *a, const form *f) {
    *a = (answer){.form = f};
    for (unsigned n = 1 + roll(5); n; n--) {
        unsigned next = roll(6);
        if (next < 3 && may_call(a))
            add_calls(a);
        else if (next == 3 && f->think)
            add_wrapped(a, THOUGHT, f->think, f->thought);
        else if (next == 4 && f->say)
            add_wrapped(a, TEXT, f->say, f->said);
        else
            add_wrapped(a, TEXT, NULL, NULL);
    }
}

/* --- what is told of it ----------------------------------------------------------------------- */

typedef struct told {
    char kinds[2][ROOM * 2]; /* text, reasoning */
    char order[ROOM * 2];    /* both, without spaces; \1 for a call */
    char called[MOST_CALLS][64];
    int calls;
} told;

static void add_order(char *order, const char *text) {
    size_t n = strlen(order);
    for (; *text; text++)
        if (!isspace((unsigned char)*text))
            order[n++] = *text;
    order[n] = 0;
}

static bool hear(const cli_piece *p, void *data) {
    told *t = data;
    if (p->kind != CLI_PIECE_CALL) {
        strcat(t->kinds[p->kind], p->text);
        add_order(t->order, p->text);
    } else if (t->calls < MOST_CALLS) {
        snprintf(t->called[t->calls++], 64, "%s%s", p->name, p->text);
        strcat(t->order, "\1");
    }
    return true;
}

/* The first n bytes of an answer, in parts of `most` bytes at most. */
static const told *tell(const answer *a, size_t n, unsigned most) {
    static told both[2];
    static int which;
    told *t = &both[which ^= 1];
    *t = (told){0};
    const char *prompt = a->form->prompt;
    cli_answer *reader =
        cli_answer_new(&(cli_answer_options){.style = cli_answer_style_of(a->form->style),
                                             .tools = tools,
                                             .reasoning = true,
                                             .prompt = prompt,
                                             .prompt_num = strlen(prompt),
                                             .sink = hear,
                                             .data = t});
    bool ok = reader;
    for (size_t at = 0, part; ok && at < n; at += part) {
        part = most ? 1 + roll(most) : n;
        part = part < n - at ? part : n - at;
        ok = cli_answer_feed(reader, a->raw + at, part);
    }
    CHECK(ok && cli_answer_end(reader));
    cli_answer_free(reader);
    return t;
}

static bool same(const told *a, const told *b) {
    return memcmp(a->kinds, b->kinds, sizeof a->kinds) == 0 && strcmp(a->order, b->order) == 0 &&
           memcmp(a->called, b->called, sizeof a->called) == 0;
}

/* --- the whole answer ------------------------------------------------------------------------- */

/* Texts one behind the other, without spaces that only stand between calls (those of thoughts
   stay), or at an end where something marked is. */
static void text_of(const answer *a, what kind, char *out) {
    bool marked = kind == THOUGHT || (*a->form->prompt && a->form->is != BEHIND), loose = false;
    size_t kept = ROOM; // up to the last call, if nothing came since
    *out = 0;
    for (int i = 0; i < a->count; i++) {
        const item *it = &a->items[i];
        bool empty = only_spaces(it->raw), mark = it->kind >= CALLS;
        if (it->kind == kind)
            strcat(out, it->raw + (marked && only_spaces(out) ? strspn(it->raw, " \n") : 0));
        if (mark && only_spaces(out))
            *out = 0;
        marked = marked || mark;
        loose = mark || (loose && (it->kind != kind || empty));
        kept = mark || empty ? kept : ROOM;
        if (it->kind == CALLS && kind == TEXT) {
            out[kept < strlen(out) ? kept : strlen(out)] = 0;
            kept = strlen(out);
        }
    }
    for (size_t n = strlen(out); n && (loose || kind == THOUGHT) && isspace(out[n - 1]); n--)
        out[n - 1] = 0;
}

/* Is it the same however it is divided? */
static void check_divided(const answer *a, size_t n) {
    if (!CHECK(same(tell(a, n, 5), tell(a, n, 0))))
        fprintf(stderr, "%s: '%.*s'\n", a->form->style, (int)n, a->raw);
}

static void check_whole(const answer *a) {
    char text[ROOM * 2], order[ROOM * 2] = "";
    const told *t = tell(a, strlen(a->raw), 0);
    CHECK_EQ_INT(t->calls, a->calls);
    for (int i = 0; i < a->calls; i++)
        CHECK_STR(t->called[i], a->called[i]);
    for (what kind = TEXT; kind <= THOUGHT; kind++) {
        text_of(a, kind, text);
        if (!CHECK_STR(t->kinds[kind], text))
            fprintf(stderr, "%s: '%s'\n", a->form->style, a->raw);
    }
    for (int i = 0; i < a->count; i++) {
        for (int k = 0; k < a->items[i].count; k++)
            strcat(order, "\1");
        if (a->items[i].kind <= THOUGHT)
            add_order(order, a->items[i].raw);
    }
    CHECK_STR(t->order, order);
    check_divided(a, strlen(a->raw));
}

/* --- what has come of it ---------------------------------------------------------------------- */

/* Places in what was told that may have been reached. */
typedef struct reached {
    const char *told;
    size_t n;
    bool at[ROOM * 2 + 1];
} reached;

/* On over these characters, which may not be there or have to. */
static void reach(reached *r, const char *text, bool may) {
    for (; *text; text++)
        for (size_t i = r->n + 1; i-- > 0;)
            r->at[i] = (may && r->at[i]) || (i && r->at[i - 1] && r->told[i - 1] == *text);
}

/* Of an item that is no text, does all have to be told? What ends in the beginning of a marker may
   be the end of a call before. */
static bool must_show(const answer *a, const item *it, const char *raw, int read) {
    bool last = it == &a->items[a->count - 1] && it != a->items;
    return it->kind == CALLS && read <= 0 && !a->broken && !(a->form->is & HEADS) &&
           !(last && strlen(raw) <= 2);
}

/* Is what was told all texts of an answer? What is no text may not be there, but of calls that were
   not read all is. `calls` were, for which \1 stands. */
static bool is_all(const answer *a, int calls, const char *order) {
    static reached r;
    memset(&r, 0, sizeof r);
    r.told = order;
    r.n = strlen(order);
    r.at[0] = true;
    for (int i = 0; i < a->count; i++) {
        const item *it = &a->items[i];
        char raw[ROOM] = "";
        int read = calls - it->first < it->count ? calls - it->first : it->count;
        add_order(raw, it->raw);
        for (int k = 0; k < read; k++)
            reach(&r, "\1", false);
        reach(&r, raw, it->kind >= CALLS && !must_show(a, it, raw, read));
    }
    return r.at[r.n];
}

/* The first n bytes of the answer, as one of its own. */
static void cut_answer(answer *cut, const answer *a, size_t n) {
    *cut = *a;
    cut->raw[n] = 0;
    for (cut->count = 0; cut->count < a->count; cut->count++) {
        item *it = &cut->items[cut->count];
        size_t length = strlen(it->raw);
        if (n <= length) {
            it->raw[n] = 0;
            cut->count++;
            return;
        }
        n -= length;
    }
}

static void check_cut(const answer *a) {
    static answer cut;
    size_t n = roll((unsigned)strlen(a->raw) + 1);
    cut_answer(&cut, a, n);
    const told *t = tell(&cut, n, 0);
    CHECK(t->calls <= a->calls && t->calls >= cut.items[cut.count - 1].first);
    for (int i = 0; i < t->calls; i++)
        CHECK_STR(t->called[i], a->called[i]);
    if (!CHECK(is_all(&cut, t->calls, t->order)))
        fprintf(stderr, "%s: '%s' gave '%s'\n", a->form->style, cut.raw, t->order);
    check_divided(&cut, n);
}

/* A byte of a call is another one, or gone: whatever is made of that, texts are told. */
static void check_broken(const answer *a) {
    static answer broken;
    broken = *a;
    broken.broken = true;
    *broken.raw = 0;
    for (int i = 0; i < a->count; i++) {
        char *raw = broken.items[i].raw;
        size_t at = roll((unsigned)strlen(raw) + 1);
        if (a->items[i].kind == CALLS && roll(2) && raw[at])
            memmove(raw + at, raw + at + 1, strlen(raw + at));
        else if (a->items[i].kind == CALLS && raw[at])
            raw[at] = "x}{ <\n"[roll(6)];
        strcat(broken.raw, raw);
    }
    size_t n = strlen(broken.raw);
    char order[ROOM * 2] = "", *out = order;
    const told *t = tell(&broken, n, 0);
    for (const char *at = t->order; *at; at++)
        if (*at != '\1')
            *out++ = *at;
    *out = 0;
    if (!CHECK(is_all(&broken, 0, order)))
        fprintf(stderr, "%s: '%s' gave '%s'\n", a->form->style, broken.raw, t->order);
    check_divided(&broken, n);
}

static void mixed(void) {
    static answer a;
    dice = check_seed(1);
    for (int i = 0; i < 60 * FORMS; i++) {
        make_answer(&a, &forms[i % FORMS]);
        check_whole(&a);
        for (int k = 0; k < 6; k++)
            check_cut(&a);
        if (!(a.form->is & VALUES))
            check_broken(&a);
        if (check_failed > 20)
            return;
    }
}

int main(void) {
    tools = parsed(mixed_tools);
    CHECK(tools);
    RUN(mixed);
    json_decref(tools);
    return check_done();
}
