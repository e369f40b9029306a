/* Grammars in GBNF: what they match, what is refused and where, and failing allocations. */
#include "base/mem.h"
#include "check.h"
#include "models/structure/structure.h"

static sg_vocabulary *of_bytes(void) {
    static char byte[256];
    const char *text[256];
    size_t size[256];
    for (int i = 0; i < 256; i++) {
        byte[i] = (char)i;
        text[i] = &byte[i];
        size[i] = 1;
    }
    return sg_vocabulary_new(text, size, 256, NULL, 0);
}

static bool accepts(sg_grammar *g, sg_vocabulary *v, const char *text) {
    bool fits = true;
    mx_matcher *m = mx_matcher_new(g, v);
    CHECK(m && mx_matcher_accept_bytes(m, text, strlen(text), &fits));
    fits = fits && mx_matcher_complete(m);
    mx_matcher_free(m);
    return fits;
}

static const char json[] =
    "# JSON, as far as a test needs it\n"
    "root   ::= value\n"
    "value  ::= object | array |\n"
    "           string | number | \"true\" | \"null\"\n"
    "object ::= \"{\" (member (\",\" member)*)? \"}\"\n"
    "member ::= string \":\" value # a pair\n"
    "array  ::= \"[\" (\n value (\",\" value)*\n)? \"]\"\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"nrt\\\\])* \"\\\"\"\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,3})\n";

static const struct {
    const char *grammar, *yes[4], *no[5];
} samples[] = {
    {json,
     {"{\"a\":[1,-20,{}],\"b\\n\":null}", "[[[\"\xe2\x82\xac\"]]]", "0", "\"\\\\\""},
     {"", "[1,]", "{\"a\"}", "01", "\"\n\""}},
    {"root ::= \"a\" root | \"b\"", {"b", "aaab"}, {"", "a", "ba"}},
    {"root ::= x{2,} y?\nx ::= [x\\u00e9]\ny ::= \"\\U0001F600\"",
     {"xx", "x\xc3\xa9x\xf0\x9f\x98\x80"},
     {"x", "\xf0\x9f\x98\x80"}},
    {"root ::= . [^a-]", {"\nb", "ab"}, {"aa", "a-"}},
    {"root ::=\n  \"a\"\nunused ::= \"b\"", {"a"}, {"b"}},
};

static void whole_texts(void) {
    sg_vocabulary *v = of_bytes();
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        sg_grammar *g = mx_structure_gbnf(samples[i].grammar);
        if (!CHECK_MSG(g, "%s", mx_error_message()))
            continue;
        for (int j = 0; j < 4 && samples[i].yes[j]; j++)
            CHECK_MSG(accepts(g, v, samples[i].yes[j]), "%s", samples[i].yes[j]);
        for (int j = 0; j < 5 && samples[i].no[j]; j++)
            CHECK_MSG(!accepts(g, v, samples[i].no[j]), "not %s", samples[i].no[j]);
        sg_grammar_release(g);
    }
    sg_vocabulary_release(v);
}

static const struct {
    const char *grammar, *says;
} refusals[] = {
    {"", "no rule 'root'"},
    {"root ::= \"a\" |\n  x", "line 2: the rule 'x' is not defined"},
    {"root ::= root \"a\" | \"b\"", "line 1: the rule 'root' begins with itself (left recursion)"},
    {"root ::= root \"a\"", "line 1: the rule 'root' begins with itself (left recursion)"},
    {"root ::= \"a\" x\n\nx ::= \"b\"? y\ny ::= x \"c\" | y y",
     "line 3: the rule 'x' begins with itself (left recursion)"},
    {"root ::= \"a\" (\"b\" x)+\nx ::= [a-z] x | \"c\" root",
     "line 2: nothing matches the rule 'x': it needs itself again without end"},
    {"root ::= \"a\" x\nx ::= []", "line 2: nothing matches the rule 'x'"},
    {"root ::= x \"a\" | \"b\"\nx ::= \"c\"? root", "left recursion"},
    {"root ::= \"a\" root", "nothing matches"},
    {"root ::= \"a\"\nroot ::= \"b\"", "line 2: the rule 'root' is defined twice, first in line 1"},
    {"root \"a\"", "::= is missing"},
    {"root ::= (\"a\"", ") is missing"},
    {"root ::= \"a\")", ") has no ("},
    {"root ::= \"a", "\" is missing"},
    {"root ::= [a", "] is missing"},
    {"root ::= [b-a]", "ends before"},
    {"root ::= \"\\q\"", "escape is not known"},
    {"root ::= <think>", "tokens in a grammar"},
    {"root ::= \"a\"{2,1}", "{least,most}"},
    {"root ::= \"\xff\"", "no UTF-8"},
};

static void what_is_refused(void) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        CHECK_MSG(!mx_structure_gbnf(refusals[i].grammar), "%s", refusals[i].grammar);
        CHECK_HAS(mx_error_message(), refusals[i].says);
        CHECK_HAS(mx_error_message(), "[structure] grammar: ");
        mx_error_clear();
    }
    CHECK(!mx_structure_gbnf(NULL));
    mx_error_clear();
}

static void every_allocation_fails(void) {
    sg_grammar_release(mx_structure_gbnf(json));
    int64_t live = mx_alloc_live();
    sg_grammar *g = NULL;
    for (uint64_t n = 1; !g && n < 20000; n++) {
        mx_alloc_fail_at(n);
        g = mx_structure_gbnf(json);
        mx_alloc_fail_at(0);
        CHECK(g || mx_error_status() == MX_NOMEM);
        mx_error_clear();
    }
    CHECK(g);
    sg_grammar_release(g);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    RUN(whole_texts);
    RUN(what_is_refused);
    RUN(every_allocation_fails);
    return check_done();
}
