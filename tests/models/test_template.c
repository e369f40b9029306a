/* Chat templates: what they give, written by hand; what is refused, and by which words; limits,
 * failing allocations, threads, and the files of models. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "check.h"
#include "mlx/c/mlx.h"
#include "models/template/template.h"
#include "own_folder.h"

typedef struct row {
    const char *text, *wanted;
} row;

static const char variables[] =
    "{\"a\": 5, \"f\": 2.5, \"s\": \"Hello World\", \"n\": null, \"l\": [3, 1, 2],"
    " \"d\": {\"x\": 1, \"items\": 7}, \"u\": \"h\\u00e9llo\","
    " \"ms\": [{\"role\": \"user\", \"content\": \"hi\"},"
    " {\"role\": \"assistant\", \"content\": \"yo\", \"k\": 1}]}";

/* The text, for mx_free; NULL where it fails. */
static char *render_with(const char *text, const char *json, const mx_template_limits *limits) {
    size_t n;
    mx_template *t = mx_template_of("t", text, strlen(text));
    char *made = t ? mx_template_render(t, json, strlen(json), limits, &n) : NULL;
    CHECK(!made || strlen(made) == n);
    mx_template_release(t);
    return made;
}

static void gives(const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char *made = render_with(rows[i].text, variables, NULL);
        CHECK_MSG(made && !strcmp(made, rows[i].wanted), "%s gives \"%s\", not \"%s\" (%s)",
                  rows[i].text, made ? made : "nothing", rows[i].wanted, mx_error_message());
        mx_free(made);
        mx_error_clear();
    }
}

static void refuses(const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char *made = render_with(rows[i].text, variables, NULL);
        CHECK_MSG(!made && strstr(mx_error_message(), rows[i].wanted), "%s: \"%s\" lacks \"%s\"",
                  rows[i].text, made ? made : mx_error_message(), rows[i].wanted);
        mx_free(made);
        mx_error_clear();
    }
}

#define ROWS(rows) rows, sizeof rows / sizeof *rows

/* --- the language ----------------------------------------------------------------------------- */

static void expressions(void) {
    static const row rows[] = {
        {"{{ a }} {{ f }} {{ s }} {{ n }} {{ l }}", "5 2.5 Hello World None [3, 1, 2]"},
        {"{{ d }}{{ [\"it's\", 'q\"', '\\n'] }}", "{'x': 1, 'items': 7}[\"it's\", 'q\"', '\\n']"},
        {"{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 }}",
         "7 3 -4 2 3.5 8"},
        {"{{ 1.0 }} {{ 1e16 }} {{ 0.1 + 0.2 }} {{ 1e-5 }}", "1.0 1e+16 0.30000000000000004 1e-05"},
        {"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 in l }} {{ 9 not in l }} {{ 'ell' in s }}",
         "True False True True True"},
        {"{{ a and n }} {{ n or 'z' }} {{ not a }} {{ 'y' if a > 3 else 'n' }}", "None z False y"},
        {"{{ 'a' ~ 1 ~ none }}{{ 'x' * 3 }}{{ [1] + [2] }}", "a1Nonexxx[1, 2]"},
        {"{{ s[0] }}{{ s[-1] }}{{ s[1:3] }}{{ s[::-1] }}{{ l[1:] }}{{ u[1] }}",
         "HdeldlroW olleH[1, 2]\xC3\xA9"},
        {"{{ nope }}|{{ d.nope }}|{{ l[10] }}|{{ nope|default('D') }}", "|||D"},
        {"{{ d['items'] }}{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}",
         "7x=1,items=7,"},
        {"{{ 'a\\n\\x41\\u00e9' 'b' }}", "a\nA\xC3\xA9"
                                         "b"},
        {"{{ {'a': {'b': 1}}.a['b'] }}{{ ms.0.role }}{{ (1,) }}{{ () }}", "1user(1,)()"},
        {"{{ tools is none }}{{ add_generation_prompt }}", "TrueFalse"},
    };
    gives(ROWS(rows));
}

static void statements(void) {
    static const row rows[] = {
        {"{% if a == 5 %}x{% elif a %}y{% else %}z{% endif %}", "x"},
        {"{% for m in ms %}{{ loop.index }}{{ m.role }}{{ loop.last }}{% endfor %}",
         "1userFalse2assistantTrue"},
        {"{% for i in range(9) if i is odd %}{{ i }}{% else %}-{% endfor %}", "1357"},
        {"{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}"
         "{% endif %}{{ i }}{% endfor %}",
         "0134"},
        {"{% for i in [1, [2, [3]]] recursive %}{% if i is iterable %}[{{ loop(i) }}]{% else %}"
         "{{ i }}{% endif %}{% endfor %}",
         "1[2[3]]"},
        {"{% set x = 0 %}{% for i in l %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "1110"},
        {"{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}"
         "{{ ns.x }}",
         "6"},
        {"{% macro m(a, b='B') %}{{ a }}{{ b }}{{ varargs }}{% endmacro %}{{ m(1) }}{{ m(1, 2, 3) }}",
         "1B()12(3,)"},
        {"{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}{{ x }}{% endcall %}",
         "<1>"},
        {"{% set v %}a{{ a }}{% endset %}{{ v }}{% filter upper %}x{% endfilter %}", "a5X"},
        {"{% set p, q = 1, 2 %}{{ p }}{{ q }}{% with z = 3 %}{{ z }}{% endwith %}{{ z }}", "123"},
        {"{% generation %}g{% endgeneration %}{% raw %}{{ a }}{% endraw %}{# no #}", "g{{ a }}"},
    };
    gives(ROWS(rows));
}

static void blanks(void) {
    static const row rows[] = {
        {"{% if 1 %}\n  x\n  {% endif %}\ny", "  x\ny"},
        {"a  {{- a -}}  b", "a5b"},
        {"a\n  {%+ if 1 %}x{% endif %}", "a\n  x"},
        {"{% if 1 +%}\nx{% endif %}", "\nx"},
        {"a\r\nb\n", "a\nb"},
        {"  {{ a }}\n  {# c #}\n|", "  5\n|"},
    };
    gives(ROWS(rows));
}

static void filters(void) {
    static const row rows[] = {
        {"{{ d|tojson }}{{ d|tojson(indent=2) }}",
         "{\"x\": 1, \"items\": 7}{\n  \"x\": 1,\n  \"items\": 7\n}"},
        {"{{ ms|map(attribute='role')|join(', ') }}", "user, assistant"},
        {"{{ ms|selectattr('role', 'equalto', 'user')|list|length }}", "1"},
        {"{{ l|sort }}{{ l|max }}{{ l|sum }}{{ l|first }}{{ l|last }}", "[1, 2, 3]3632"},
        {"{{ ' x '|trim }}{{ s|upper }}{{ s|replace('l', 'L') }}", "xHELLO WORLDHeLLo WorLd"},
        {"{{ 'a\\nb'|indent(2) }}{{ '12'|int + 1 }}{{ 2.5|round }}", "a\n  b132.0"},
        {"{{ [1, 2, 3]|batch(2)|list }}{{ {'b': 1, 'a': 2}|dictsort }}",
         "[[1, 2], [3]][('a', 2), ('b', 1)]"},
        {"{{ s.split(' ')[-1].lower() }}{{ ' a '.strip() }}{{ 'ab'.startswith('a') }}",
         "worldaTrue"},
        {"{{ '{} {:>3}'.format(1, 'x') }}{{ '%s-%03d' % ('a', 7) }}", "1   xa-007"},
    };
    gives(ROWS(rows));
}

/* --- what is refused -------------------------------------------------------------------------- */

static void errors(void) {
    static const row rows[] = {
        {"\n{{ nope.x }}", "[template] t line 2: 'nope' is undefined"},
        {"{{ d.nope.x }}", "'dict object' has no attribute 'nope'"},
        {"{{ raise_exception('No ' ~ a) }}", "[template] t line 1: No 5"},
        {"{{ 'a' + 1 }}", "can only concatenate str (not \"int\") to str"},
        {"{{ 1 < 'a' }}", "'<' not supported between instances of 'int' and 'str'"},
        {"{{ 1 // 0 }}", "division by zero"},
        {"{{ 9223372036854775807 + 1 }}", "more than 64 bits"},
        {"{{ 99999999999999999999 }}", "more than 64 bits"},
        {"{{ l.append(1) }}", "access to attribute 'append' of 'list' object is unsafe"},
        {"{{ s.__class__.x }}", "unsafe"},
        {"{{ foo() }}", "'foo' is undefined"},
        {"{{ a|nope }}", "there is no filter 'nope'"},
        {"{{ a is nope }}", "there is no test 'nope'"},
        {"{{ a|random }}", "the filter 'random' is not supported"},
        {"{{ lipsum() }}", "'lipsum' is not supported"},
        {"{{ s.encode() }}", "'encode' of 'str' is not supported"},
        {"{% include 'x' %}", "the tag 'include' is not supported"},
        {"{% import 'x' as y %}", "the tag 'import' is not supported"},
        {"{% nope %}", "the tag 'nope' is not expected"},
        {"{% if a %}", "the template ends where 'elif' is expected"},
        {"{% for i in l %}{% endif %}", "'endif' is not expected"},
        {"{{ a", "the tag '{{' has no end"},
        {"{# a", "the comment has no end"},
        {"{{ 'a }}", "string has no end"},
        {"{{ a b }}", "'b' stands where '}}' is expected"},
        {"{{ (1 }}", "'}' stands where ')' is expected"},
        {"{{ $ }}", "the character '$' is not understood"},
        {"{% break %}", "'break' stands outside of a loop"},
        {"{% set d.x = 1 %}", "cannot assign attribute on non-namespace object"},
        {"{% for a, b in [[1]] %}{% endfor %}", "1 values to unpack, 2 expected"},
        {"{{ ms|map('upper') }}", "a generator cannot be printed"},
        {"{{ range(1000000) }}", "Range too big"},
        {"{{ '\\ud800' }}", "is no character"},
    };
    refuses(ROWS(rows));
}

/* n times a text, between two others. */
static char *repeated(const char *before, const char *text, const char *behind, int n) {
    mx_text t = {0};
    mx_text_str(&t, before);
    for (int i = 0; i < n; i++)
        mx_text_str(&t, text);
    mx_text_str(&t, behind);
    return mx_text_take(&t);
}

static void json(void) {
    static const row rows[] = {
        {" { } ", ""},
        {"{\"a\": [ ], \"b\":{}}", "[]"},
        {"{\"a\": [1, -0, -7, 9223372036854775807]}", "[1, 0, -7, 9223372036854775807]"},
        {"{\"a\": [1.0, 1e3, -2.5E-1, 0.1]}", "[1.0, 1000.0, -0.25, 0.1]"},
        {"{\"a\": [true, false, null]}", "[True, False, None]"},
        {"{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\"}",
         "\"\\/\b\f\n\r\tA\xF0\x9F\x98\x80"},
        {"{\"a\": {\"k\\u0000\": \"\xC3\xA9\"}}", "{'k\\x00': '\xC3\xA9'}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *made = render_with("{{ a }}", rows[i].text, NULL);
        CHECK_STR(made, rows[i].wanted);
        mx_free(made);
        mx_error_clear();
    }
}

static void bad_variables(void) {
    static const char *const texts[] = {
        "",
        "[1]",
        "{\"a\": 1",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": 01}",
        "{\"a\": .5}",
        "{\"a\": 1.}",
        "{\"a\": 1e}",
        "{\"a\": -}",
        "{\"a\": +1}",
        "{\"a\": x}",
        "{\"a\": truE}",
        "{\"a\" 1}",
        "{a: 1}",
        "{\"a\": 1,}",
        "{\"a\": [1,]}",
        "{} {}",
        "{\"a\": \"\\x\"}",
        "{\"a\": \"\\u12\"}",
        "{\"a\": \"\n\"}",
        "{\"a\": \"",
        "{\"a\": NaN}",
        "{\"a\": \"\xFF\"}",
        "{\"a\": 99999999999999999999}",
        "{\"a\": \"\\ud800\"}",
        "{\"a\": \"\\udc00\\ud800\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *made = render_with("{{ a }}", texts[i], NULL);
        CHECK_MSG(!made && strstr(mx_error_message(), "[template]"), "%s: %s", texts[i],
                  made ? made : mx_error_message());
        mx_free(made);
        mx_error_clear();
    }
    char *deep = repeated("{\"a\": ", "[", "", 100000), *made = render_with("", deep, NULL);
    CHECK(!made);
    CHECK_HAS(mx_error_message(), "nested too deeply");
    mx_free(made);
    mx_free(deep);
    mx_error_clear();
    CHECK(!mx_template_of("t", "\xFF", 1));
    CHECK_HAS(mx_error_message(), "no UTF-8");
    mx_error_clear();
}

/* --- limits ----------------------------------------------------------------------------------- */

static void limited(const char *text, mx_template_limits l, const char *word) {
    char *made = render_with(text, variables, &l);
    CHECK_MSG(!made && strstr(mx_error_message(), word), "%.60s: \"%s\" lacks \"%s\"", text,
              made ? "a text" : mx_error_message(), word);
    mx_free(made);
    mx_error_clear();
}

static void limits(void) {
    const mx_template_limits none = {0};
    static const char twice[] = "{% set x = ['x'] %}{% for i in range(60) %}{% set x = [x, x] %}"
                                "{% endfor %}";
    limited("{% set l = range(9999) %}{% for i in l %}{% for j in l %}{% endfor %}{% endfor %}",
            none, "more than 10000000 steps");
    limited("{% for i in l %}{% endfor %}", (mx_template_limits){.steps = 5}, "more than 5 steps");
    limited("{{ 'x' * 1000 }}", (mx_template_limits){.output = 100}, "more than 100 bytes of text");
    limited("{{ ('x' * 100000)|list|length }}", (mx_template_limits){.memory = 100000},
            "more than 100000 bytes of memory");
    limited("{{ [0] * 1000000000000 }}", none, "steps");
    limited("{{ 'x' * 1000000000000 }}", none, "bytes of text");
    limited("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", none, "in each other");
    limited("{% set ns = namespace(x=[]) %}{% for i in range(300) %}{% set ns.x = [ns.x] %}"
            "{% endfor %}",
            none, "deep in each other");
    limited("{{ '%99999999d' % 1 }}", none, "too large");
    char *made = render_with(twice, variables, NULL); // made, but never looked at
    CHECK(made);
    mx_free(made);
}

static void nesting(void) {
    static const struct {
        const char *before, *text, *behind, *word;
        int n;
    } rows[] = {
        {"{{ ", "(", "", "in each other", 10000},
        {"{{ ", "[", "", "in each other", 10000},
        {"{{ ", "not ", "a }}", "in each other", 10000},
        {"{{ ", "-", "a }}", "in each other", 10000},
        {"{{ a", "+a", " }}", "levels", 10000},
        {"{{ a", "|abs", " }}", "levels", 10000},
        {"{{ a", ".a", " }}", "levels", 10000},
        {"{{ a", " if a else a", " }}", "in each other", 10000},
        {"", "{% if a %}", "", "in each other", 10000},
        {"", "{% for a in a %}", "", "in each other", 10000},
        {"", "{% filter upper %}", "", "in each other", 10000},
        {"{{ a", "[a", "", "in each other", 10000},
        {"{{ a", "(a", "", "in each other", 10000},
        {"{{ ", "{1:", "", "in each other", 10000},
        {"{{ a", " is eq a", " }}", "levels", 10000},
        {"{{ a if ", "a if ", "a }}", "", 10000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = repeated(rows[i].before, rows[i].text, rows[i].behind, rows[i].n);
        mx_template *t = text ? mx_template_of("t", text, strlen(text)) : NULL;
        CHECK_MSG(!t && strstr(mx_error_message(), rows[i].word), "%s: \"%s\" lacks \"%s\"",
                  rows[i].text, mx_error_message(), rows[i].word);
        mx_template_release(t);
        mx_free(text);
        mx_error_clear();
    }
}

/* Growing texts and many pieces take a time that grows with them: this ends. */
static void long_texts(void) {
    static const char *const texts[] = {
        "{% set ns = namespace(x='') %}{% for i in range(50000) %}{% set ns.x = ns.x + 'abcdefgh' %}"
        "{% endfor %}{{ ns.x|length }}",
        "{% set ns = namespace(x='') %}{% for i in range(50000) %}{% set ns.x = ns.x ~ i %}"
        "{% endfor %}{{ ns.x|length }}",
        "{{ ('a,' * 100000).split(',')|length }}",
        "{{ ('a' * 1000000).replace('a', 'b')|length }}",
        "{{ ('a' * 4000000).rfind('a' * 2000000 + 'b') }}",
        "{{ ('ab' * 40 ~ 'c').rfind('ab' * 20) }}{{ 'abcabc'.rfind('') }}",
    };
    static const char *const wanted[] = {"400000", "238890", "100001", "1000000", "-1", "406"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *made = render_with(texts[i], "{}", NULL);
        CHECK_STR(made, wanted[i]);
        mx_free(made);
        mx_error_clear();
    }
}

/* --- failing allocations ---------------------------------------------------------------------- */

static const char much[] =
    "{% macro m(a, b=[1]) %}{{ a ~ b }}{{ caller() if caller }}{% endmacro %}"
    "{% set ns = namespace(x='') %}{% for m in ms if m.content %}{% set ns.x = ns.x + m.role %}"
    "{{ loop.last }}{{ m|tojson(indent=1) }}{% endfor %}{% call m(1) %}c{% endcall %}{{ ns.x }}"
    "{{ l|sort|map('string')|join('-') }}{{ '%s {}' % 'a' }}{{ '{:>9}'.format(s.upper()) }}"
    "{{ {1: 2, 3: [4]} }}{{ d.nope }}{{ ms|groupby('role')|length }}{% set q %}z{% endset %}{{ q }}";

static void allocations(void) {
    char *wanted = render_with(much, variables, NULL), *made = NULL;
    int64_t before = mx_alloc_live();
    int failed = 0;
    CHECK_MSG(wanted, "%s", mx_error_message());
    for (uint64_t n = 1; n < 2000 && !made; n++) {
        mx_alloc_fail_at(n);
        made = render_with(much, variables, NULL);
        mx_alloc_fail_at(0);
        failed += !made;
        CHECK_MSG(made || mx_failed(), "allocation %d: no error", (int)n);
        mx_error_clear();
        CHECK_EQ_INT(mx_alloc_live() - (made != NULL), before);
    }
    CHECK(failed > 10);
    CHECK_STR(made, wanted);
    mx_free(made);
    mx_free(wanted);
}

/* --- threads ---------------------------------------------------------------------------------- */

static mx_template *shared;

static void *render_often(void *wrong) {
    for (int i = 0; i < 200; i++) {
        size_t n;
        char *made = mx_template_render(shared, variables, strlen(variables), NULL, &n);
        if (!made || strcmp(made, "user: hi|assistant: yo|") != 0)
            *(int *)wrong += 1;
        mx_free(made);
    }
    return NULL;
}

static void threads(void) {
    static const char text[] = "{% for m in ms %}{{ m.role ~ ': ' + m.content }}|{% endfor %}";
    pthread_t thread[4];
    int wrong[4] = {0};
    shared = mx_template_of("t", text, strlen(text));
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&thread[i], NULL, render_often, &wrong[i]) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ_INT(wrong[i], 0);
    }
    mx_template_release(shared);
}

/* Calls as deep as they may be, on a thread with the stack that docs/templates.md asks for. */
static void *render_deep(void *unused) {
    static const char *const texts[] = {
        "{% macro m(n) %}{% for i in [1] %}{{ [m(n)]|join|upper ~ '' }}{% endfor %}{% endmacro %}"
        "{{ m(1) }}",
        "{% macro m(n) %}{% filter upper %}{% set x %}{{ [n]|map('default', m(n))|list }}"
        "{% endset %}{% endfilter %}{% endmacro %}{{ m(1) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(!render_with(texts[i], "{}", NULL));
        CHECK_HAS(mx_error_message(), "more than 900 parts of the template in each other");
        mx_error_clear();
    }
    return unused;
}

static void stack(void) {
    pthread_attr_t attributes;
    pthread_t thread;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const size_t room = 8 << 20; // frames are larger there
#else
    const size_t room = 1 << 20;
#endif
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, room) == 0);
    // what the thread checks is counted without a lock: nothing is checked meanwhile
    int failed = pthread_create(&thread, &attributes, render_deep, NULL);
    CHECK(!failed && pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

/* --- files ------------------------------------------------------------------------------------ */

static char folder[128];

static const char *in_folder(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static void opens(const char *file, const char *name, const char *wanted) {
    size_t n;
    mx_template *t = mx_template_open(in_folder(file), name);
    char *made = t ? mx_template_render(t, "{}", 2, NULL, &n) : NULL;
    CHECK_MSG(made, "%s: %s", file, mx_error_message());
    if (made)
        CHECK_STR(made, wanted);
    mx_free(made);
    mx_template_release(t);
    mx_error_clear();
}

static void fails(const char *file, const char *name, const char *word) {
    mx_template *t = mx_template_open(in_folder(file), name);
    CHECK(!t);
    CHECK_HAS(mx_error_message(), word);
    mx_template_release(t);
    mx_error_clear();
}

static void folders(void) {
    own_folder(folder, sizeof folder, "test-template");
    fails("", NULL, "has no chat template");
    write_file(
        "tokenizer_config.json",
        "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\"}, \"chat_template\": "
        "[{\"name\": \"default\", \"template\": \"D{{ bos_token }}{{ eos_token }}\"},"
        " {\"name\": \"tool_use\", \"template\": \"T\"}]}");
    opens("", NULL, "D<s></s>");
    opens("", "tool_use", "T");
    opens("tokenizer_config.json", "tool_use", "T");
    fails("", "rag", "has no chat template 'rag', but default, tool_use");
    write_file("chat_template.jinja", "J{{ eos_token }}\n");
    opens("", NULL, "J</s>");
    opens("chat_template.jinja", NULL, "J");
    size_t n;
    char **names = mx_template_names(in_folder(""), &n);
    if (CHECK(names && n == 2)) {
        CHECK_STR(names[0], "default");
        CHECK_STR(names[1], "tool_use");
    }
    for (size_t i = 0; names && i < n; i++)
        mx_free(names[i]);
    mx_free(names);
    unlink(in_folder("chat_template.jinja"));
    write_file("tokenizer_config.json", "{\"chat_template\": 3}");
    fails("", NULL, "is no text");
    write_file("tokenizer_config.json", "{\"chat_template\": \"{{\"}");
    fails("", NULL, "[template] chat_template of 'tokenizer_config.json' line 1");
    unlink(in_folder("tokenizer_config.json"));
    write_file("chat_template.json", "{\"chat_template\": \"P\"}");
    opens("", NULL, "P");
    unlink(in_folder("chat_template.json"));
    rmdir(folder);
}

static void gguf(void) {
    char path[300];
    const char *models = getenv("MLX_MODELS");
    snprintf(path, sizeof path, "%s/SmolLM2-135M-Instruct.Q4_1.gguf", models ? models : "");
    if (!models || access(path, R_OK) != 0) {
        SKIP("no model (MLX_MODELS)");
        return;
    }
    size_t n;
    static const char json[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}],"
                               " \"add_generation_prompt\": true}";
    mx_template *t = mx_template_open(path, NULL);
    char *made = t ? mx_template_render(t, json, strlen(json), NULL, &n) : NULL;
    CHECK_HAS(made, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    mx_free(made);
    mx_template_release(t);
    mx_error_clear();
}

/* --- the public face -------------------------------------------------------------------------- */

static void quiet(const char *message, void *data) {
    (void)message;
    (void)data;
}

static void handles(void) {
    static const char text[] = "{{ strftime_now('%Y') }}{{ x }}";
    mlx_set_error_handler(quiet, NULL, NULL);
    mlx_template t = mlx_template_new();
    mlx_string made = mlx_string_new();
    mlx_template_options o = {.now = 86400 * 365};
    size_t n;
    const char *shown;
    CHECK(mlx_template_open_bytes(&t, "t", text, strlen(text)) == 0);
    CHECK(mlx_template_text(&shown, &n, t) == 0);
    CHECK_STR(shown, text);
    CHECK(mlx_template_render(&made, &n, t, "{\"x\": 1}", 8, &o) == 0);
    CHECK_STR(mlx_string_data(made), "19711");
    CHECK(mlx_template_render(&made, &n, t, "{}", 1, NULL) == 1);
    CHECK_HAS(mlx_last_error_message(), "[template] variables at byte 1");
    CHECK(mlx_template_open(&t, "/nowhere", NULL) == 1);
    mlx_vector_string names = mlx_vector_string_new();
    CHECK(mlx_template_names(&names, "/nowhere") == 1);
    mlx_vector_string_free(names);
    mlx_string_free(made);
    CHECK(mlx_template_free(t) == 0);
}

int main(void) {
    RUN(expressions);
    RUN(statements);
    RUN(blanks);
    RUN(filters);
    RUN(errors);
    RUN(json);
    RUN(bad_variables);
    RUN(limits);
    RUN(nesting);
    RUN(long_texts);
    RUN(allocations);
    RUN(threads);
    RUN(stack);
    RUN(folders);
    RUN(gguf);
    RUN(handles);
    return check_done();
}
