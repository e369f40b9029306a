/* Text held to a structure: beside the system's regular expressions on all short texts, masks
 * beside trying each token, going back beside doing it again, and failing allocations. */
#include <regex.h>

#include "base/mem.h"
#include "base/text.h"
#include "check.h"
#include "models/structure/regex.h"
#include "models/structure/structure.h"

static uint64_t state;

static unsigned any(unsigned n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 11) % n;
}

/* --- whole texts ----------------------------------------------------------------------------- */

static sg_vocabulary *vocabulary_of_bytes(void) {
    static char byte[256];
    const char *text[257];
    size_t size[257];
    for (int i = 0; i < 256; i++) {
        byte[i] = (char)i;
        text[i] = &byte[i];
        size[i] = 1;
    }
    text[256] = NULL;
    size[256] = 0;
    return sg_vocabulary_new(text, size, 257, (uint32_t[]){256}, 1);
}

static bool accepts(sg_grammar *g, sg_vocabulary *v, const char *text, size_t n) {
    bool fits = true;
    mx_matcher *m = mx_matcher_new(g, v);
    CHECK(m && mx_matcher_accept_bytes(m, text, n, &fits));
    fits = fits && mx_matcher_complete(m);
    mx_matcher_free(m);
    return fits;
}

typedef struct sample {
    const char *pattern, *yes[4], *no[5];
} sample;

static const sample samples[] = {
    {"abc", {"abc"}, {"", "ab", "abcd", "Abc"}},
    {"a|b|", {"a", "b", ""}, {"ab", "c"}},
    {"(a|bc)*d+", {"d", "abcdd", "aad"}, {"", "abc", "bd"}},
    {"x{2,3}y{2}z{1,}", {"xxyyz", "xxxyyzzz"}, {"xyyz", "xxxxyyz", "xxyz", "xxyy"}},
    {"[^a-c]", {"d", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80"}, {"a", "", "dd", "\xc3", "\xff"}},
    {".", {"a", "\xe2\x82\xac"}, {"\n", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"}},
    {"\\d\\D\\w\\W\\s\\S", {"1a_- x", "0 0.\tx"}, {"aaaaaa", "1a_-x "}},
    {"[\\d\\-x]+", {"1-x"}, {"a"}},
    {"\\x41\\u00e9\\u{1F600}\\n", {"A\xc3\xa9\xf0\x9f\x98\x80\n"}, {"A"}},
    {"\\cA[\\ca-\\cC]\\cZ", {"\x01\x03\x1a"}, {"AcZ", "\x01\x04\x1a"}},
    {"\\uD83D\\uDE00", {"\xf0\x9f\x98\x80"}, {"\xf0\x9f\x98\x81"}},
    {"[\xce\xb1-\xcf\x89]+", {"\xce\xb1\xce\xb2\xcf\x89"}, {"a", "\xcf\x8a", "\xce\xb0"}},
    {"^a$|^b$", {"a", "b"}, {"ab", "^a$"}},
    {"(?:a)(?P<n>b)(?<m>c)", {"abc"}, {"ab"}},
    {"a*?b+?c??", {"b", "aabbc"}, {"a", "c"}},
    {"\\.\\*\\[\\]", {".*[]"}, {"x*[]"}},
};

static void whole_texts(void) {
    sg_vocabulary *v = vocabulary_of_bytes();
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const sample *s = &samples[i];
        sg_grammar *g = mx_structure_regex(s->pattern);
        if (!CHECK_MSG(g, "%s: %s", s->pattern, mx_error_message()))
            continue;
        for (int j = 0; j < 4 && s->yes[j]; j++)
            CHECK_MSG(accepts(g, v, s->yes[j], strlen(s->yes[j])), "%s is not %s", s->yes[j],
                      s->pattern);
        for (int j = 0; j < 5 && s->no[j]; j++)
            CHECK_MSG(!accepts(g, v, s->no[j], strlen(s->no[j])), "%s is %s", s->no[j], s->pattern);
        sg_grammar_release(g);
    }
    sg_vocabulary_release(v);
}

static void choices(void) {
    const char *words[] = {"yes", "no", "note"};
    sg_vocabulary *v = vocabulary_of_bytes();
    sg_grammar *g = mx_structure_choice(words, 3);
    CHECK(accepts(g, v, "yes", 3) && accepts(g, v, "no", 2) && accepts(g, v, "note", 4));
    CHECK(!accepts(g, v, "not", 3) && !accepts(g, v, "", 0) && !accepts(g, v, "noyes", 5));
    sg_grammar_release(g);
    CHECK(!mx_structure_choice(words, 0));
    CHECK_HAS(mx_error_message(), "nothing matches");
    mx_error_clear();
    sg_vocabulary_release(v);
}

static const struct {
    const char *pattern, *says;
} refusals[] = {
    {"a(?=b)", "look-ahead"},
    {"a(?!b)", "look-ahead"},
    {"(?<=a)b", "look-behind"},
    {"(?<!a)b", "look-behind"},
    {"(a)\\1", "back reference"},
    {"(?<n>a)\\k<n>", "back reference"},
    {"a\\b", "word boundary"},
    {"(?>a)", "atomic group"},
    {"a++", "possessive"},
    {"(?i)a", "group of this"},
    {"\\p{L}", "properties"},
    {"a(^b)", "anchor"},
    {"a$b", "anchor"},
    {"(", "a ) is missing"},
    {")", "no ("},
    {"[a", "no ]"},
    {"[z-a]", "ends before"},
    {"*a", "nothing to repeat"},
    {"a**", "quantifier"},
    {"a{3,2}", "{least,most}"},
    {"a{", "number of times"},
    {"\\", "backslash"},
    {"\\q", "not known"},
    {"\\01", "octal"},
    {"[\\00]", "octal"},
    {"\\xg0", "hexadecimal"},
    {"\\c", "a letter belongs behind"},
    {"\\c1", "a letter belongs behind"},
    {"\\ud800", "no character"},
    {"\xff", "no UTF-8"},
    {"\\ud83d\\u0041", "no character"},
    {"[]", "nothing matches"},
    {"a{200000}", "100000 times"},
    {"((a{1000}){1000}){10}", "states"},
};

static void what_is_refused(void) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        CHECK_MSG(!mx_structure_regex(refusals[i].pattern), "%s", refusals[i].pattern);
        CHECK_HAS(mx_error_message(), refusals[i].says);
        CHECK_HAS(mx_error_message(), "[structure] regular expression");
        mx_error_clear();
    }
    char deep[1001] = {0};
    memset(deep, '(', 1000);
    CHECK(!mx_structure_regex(deep));
    CHECK_HAS(mx_error_message(), "nested");
    mx_error_clear();
}

/* --- random patterns ------------------------------------------------------------------------- */

/* Over a and b, in the syntax that POSIX shares. */
static void random_pattern(mx_text *out, int depth) {
    static const char *const leaf[] = {"a", "b", "[ab]", "c", "ab"};
    static const char *const times[] = {"*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}"};
    if (depth == 0 || any(4) == 0) {
        mx_text_str(out, leaf[any(5)]);
        return;
    }
    unsigned kind = any(3);
    mx_text_char(out, '(');
    random_pattern(out, depth - 1);
    if (kind < 2) {
        mx_text_str(out, kind ? "" : "|");
        random_pattern(out, depth - 1);
    }
    mx_text_char(out, ')');
    mx_text_str(out, kind < 2 ? "" : times[any(7)]);
}

/* All texts of up to 6 of the letters a, b, c. */
static bool all_agree(sg_grammar *g, sg_vocabulary *v, const regex_t *r) {
    bool same = true;
    int texts = 1;
    for (int n = 0; n <= 6; n++, texts *= 3)
        for (int i = 0; i < texts; i++) {
            char text[8] = {0};
            for (int j = 0, k = i; j < n; j++, k /= 3)
                text[j] = (char)('a' + k % 3);
            same &= accepts(g, v, text, (size_t)n) == (regexec(r, text, 0, NULL, 0) == 0);
        }
    return same;
}

static void beside_posix(void) {
    sg_vocabulary *v = vocabulary_of_bytes();
    state = check_seed(0x51ed270b7f4a7c15u);
    for (int i = 0; i < 60; i++) {
        mx_text whole = {0};
        regex_t r;
        mx_text_str(&whole, "^(");
        random_pattern(&whole, 3);
        mx_text_str(&whole, ")$");
        const char *pattern = mx_text_view(&whole);
        if (!CHECK(!regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB)))
            break;
        sg_grammar *g = mx_structure_regex(pattern);
        CHECK_MSG(g && all_agree(g, v, &r), "%s", pattern);
        mx_text_free(&whole);
        sg_grammar_release(g);
        mx_error_clear();
        regfree(&r);
    }
    sg_vocabulary_release(v);
}

/* --- masks ----------------------------------------------------------------------------------- */

/* Tokens of one to four bytes of a small alphabet, some twice, one without text, one end. */
enum { TOKENS = 300, END = TOKENS - 1 };

static sg_vocabulary *random_vocabulary(const char *alphabet) {
    static char bytes[TOKENS][4];
    const char *text[TOKENS];
    size_t size[TOKENS], letters = strlen(alphabet);
    for (size_t i = 0; i < TOKENS; i++) {
        size[i] = i < letters ? 1 : 1 + any(4);
        for (size_t j = 0; j < size[i]; j++)
            bytes[i][j] = alphabet[i < letters ? i : any((unsigned)letters)];
        text[i] = bytes[i];
    }
    size[TOKENS - 2] = 0;
    return sg_vocabulary_new(text, size, TOKENS, (uint32_t[]){END}, 1);
}

static bool bit(const uint32_t *words, uint32_t i) {
    return words[i / 32] >> i % 32 & 1;
}

/* Is the mask what trying every token gives? How many it allows. */
static unsigned mask_is_right(mx_matcher *m, uint32_t *words) {
    unsigned allowed = 0;
    bool right = mx_matcher_mask(m, words);
    for (uint32_t i = 0; right && i < TOKENS; i++) {
        bool fits;
        size_t steps = mx_matcher_steps(m);
        CHECK(mx_matcher_accept(m, i, &fits));
        CHECK_EQ_INT(mx_matcher_steps(m), steps + fits);
        right = !fits || mx_matcher_rollback(m, 1);
        right = right && fits == bit(words, i);
        allowed += fits;
    }
    CHECK_MSG(right, "%s", mx_error_message());
    return allowed;
}

static uint32_t pick(const uint32_t *words, unsigned allowed) {
    unsigned skip = any(allowed);
    for (uint32_t i = 0; i < TOKENS; i++)
        if (bit(words, i) && skip-- == 0)
            return i;
    return END;
}

/* Some steps at random, each mask compared; then back and again the same way. */
static void random_walk(sg_grammar *g, sg_vocabulary *v) {
    uint32_t words[(TOKENS + 31) / 32], again[(TOKENS + 31) / 32], token[24];
    mx_matcher *m = mx_matcher_new(g, v);
    int n = 0;
    while (n < 24 && !mx_matcher_ended(m)) {
        bool fits;
        unsigned allowed = mask_is_right(m, words);
        if (!CHECK_MSG(allowed, "a dead end after %d tokens", n))
            break;
        token[n] = pick(words, allowed);
        CHECK(mx_matcher_accept(m, token[n++], &fits) && fits);
    }
    CHECK(mx_matcher_ended(m) == (n && token[n - 1] == END));
    int back = n ? (int)any((unsigned)n) + 1 : 0;
    if (!mx_matcher_ended(m) && mx_matcher_mask(m, words)) {
        mx_matcher *copy = mx_matcher_copy(m);
        CHECK(mx_matcher_rollback(m, (size_t)back));
        for (int i = n - back; i < n; i++) {
            bool fits;
            CHECK(mx_matcher_accept(m, token[i], &fits) && fits);
        }
        CHECK(mx_matcher_mask(m, again) && !memcmp(words, again, sizeof words));
        CHECK(mx_matcher_mask(copy, again) && !memcmp(words, again, sizeof words));
        CHECK(!mx_matcher_rollback(m, 1000));
        mx_error_clear();
        mx_matcher_free(copy);
    }
    mx_matcher_free(m);
}

static void masks_of_patterns(void) {
    state = check_seed(0x7b1f2c3d4e5f6071u);
    for (int i = 0; i < 40; i++) {
        mx_text pattern = {0};
        random_pattern(&pattern, 3);
        sg_vocabulary *v = random_vocabulary("abc");
        sg_grammar *g = mx_structure_regex(mx_text_view(&pattern));
        if (CHECK(g && v))
            random_walk(g, v);
        mx_text_free(&pattern);
        sg_grammar_release(g);
        sg_vocabulary_release(v);
    }
}

/* --- names of states -------------------------------------------------------------------------- */

typedef struct named {
    sg_name name;
    bool final, next[256];
} named;

static int by_name(const void *a, const void *b) {
    const sg_name *x = a, *y = b;
    return x->a != y->a ? (x->a < y->a ? -1 : 1) : (x->b > y->b) - (x->b < y->b);
}

/* States of one name, of whatever grammar, have the same bytes. */
static void names_of_states(void) {
    enum { MOST = 40000 };
    named *all = calloc(MOST, sizeof *all);
    size_t n = 0, twins = 0;
    state = check_seed(0x5851f42d4c957f2du);
    for (int i = 0; i < 400 && n < MOST; i++) {
        mx_text pattern = {0};
        random_pattern(&pattern, 3);
        sg_grammar *g = mx_structure_regex(mx_text_view(&pattern));
        for (uint32_t s = 0; CHECK(g) && s < g->states && n < MOST; s++, n++) {
            all[n].name = g->name[s];
            all[n].final = g->state[s].final;
            for (int byte = 0; byte < 256; byte++)
                all[n].next[byte] = sg_next(g, s, (unsigned char)byte) != SG_DEAD;
        }
        mx_text_free(&pattern);
        sg_grammar_release(g);
    }
    qsort(all, n, sizeof *all, by_name);
    for (size_t i = 1; i < n; i++) {
        if (by_name(&all[i - 1], &all[i]) != 0)
            continue;
        twins++;
        CHECK(all[i].final == all[i - 1].final &&
              !memcmp(all[i].next, all[i - 1].next, sizeof all[i].next));
    }
    CHECK(twins > 100);
    free(all);
}

/* A few characters of several bytes, whose tokens are any pieces of them. */
static void masks_of_characters(void) {
    state = check_seed(0x2545f4914f6cdd1du);
    sg_vocabulary *v = random_vocabulary("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    sg_grammar *g = mx_structure_regex("[^\xc3\xa9]*");
    for (int i = 0; i < 10; i++)
        random_walk(g, v);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
}

/* --- rules that call each other --------------------------------------------------------------- */

/* value: '[' (value (',' value)*)? ']' | 'a'+ | pair;  pair: 'b' value? 'c'   and a word before */
static sg_grammar *nested(void) {
    sg_builder b;
    sg_begin(&b, "test", NULL);
    uint32_t root = sg_rule_new(&b, "root", 4), value = sg_rule_new(&b, "value", 5),
             pair = sg_rule_new(&b, "pair", 4);
    sg_expr v = sg_ref(&b, value), comma = sg_word(&b, ",");
    sg_expr more = sg_repeat(&b, sg_cat(&b, (sg_expr[]){comma, v}, 2), 0, SG_UNBOUNDED);
    sg_expr items = sg_optional(&b, sg_cat(&b, (sg_expr[]){v, more}, 2));
    sg_expr list = sg_cat(&b, (sg_expr[]){sg_word(&b, "["), items, sg_word(&b, "]")}, 3);
    sg_expr word = sg_repeat(&b, sg_word(&b, "a"), 1, SG_UNBOUNDED);
    sg_rule_set(&b, value, sg_alt(&b, (sg_expr[]){list, word, sg_ref(&b, pair)}, 3));
    sg_rule_set(&b, pair,
                sg_cat(&b, (sg_expr[]){sg_word(&b, "b"), sg_optional(&b, v), sg_word(&b, "c")}, 3));
    sg_rule_set(&b, root, sg_cat(&b, (sg_expr[]){sg_optional(&b, comma), v}, 2));
    sg_grammar *g = sg_compile(&b, root);
    sg_end(&b);
    return g;
}

static void masks_of_rules(void) {
    sg_vocabulary *bytes = vocabulary_of_bytes();
    sg_grammar *g = nested();
    if (!CHECK(g))
        return;
    CHECK(accepts(g, bytes, "[]", 2) && accepts(g, bytes, ",[a,[aa],bbacc]", 15));
    CHECK(!accepts(g, bytes, "[", 1) && !accepts(g, bytes, "[a,]", 4) &&
          !accepts(g, bytes, "bac]", 4) && !accepts(g, bytes, "", 0));
    state = check_seed(0x9e3779b97f4a7c15u);
    for (int i = 0; i < 12; i++) {
        sg_vocabulary *v = random_vocabulary("abc[],");
        random_walk(g, v);
        sg_vocabulary_release(v);
    }
    sg_grammar_release(g);
    sg_vocabulary_release(bytes);
}

/* A list, some of whose parts may be left out, has separators only between those that are there. */
static void lists(void) {
    sg_builder b;
    sg_begin(&b, "test", NULL);
    sg_expr part[3] = {sg_word(&b, "a"), sg_word(&b, "b"), sg_word(&b, "c")};
    sg_expr x = sg_list(&b, sg_word(&b, ","), part, (bool[]){true, false, true}, 3);
    uint32_t root = sg_rule_new(&b, "root", 4);
    sg_rule_set(&b, root, x);
    sg_grammar *g = sg_compile(&b, root);
    sg_end(&b);
    sg_vocabulary *v = vocabulary_of_bytes();
    static const char *const yes[] = {"b", "a,b", "b,c", "a,b,c"}, *const no[] = {
                                                                       "",    "a",   "c",
                                                                       "a,c", "ab",  "b,",
                                                                       ",b",  "b,a", "a,,b"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CHECK_MSG(accepts(g, v, yes[i], strlen(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK_MSG(!accepts(g, v, no[i], strlen(no[i])), "%s", no[i]);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
}

/* root: root 'a' | 'b', refused; and root: 'a' root, which matches nothing. */
static void recursion_that_is_refused(void) {
    for (int left = 0; left < 2; left++) {
        sg_builder b;
        sg_begin(&b, "test", NULL);
        uint32_t root = sg_rule_new(&b, "root", 4);
        sg_expr again = sg_ref(&b, root), a = sg_word(&b, "a");
        sg_expr two = sg_cat(&b, left ? (sg_expr[]){again, a} : (sg_expr[]){a, again}, 2);
        sg_rule_set(&b, root, left ? sg_alt(&b, (sg_expr[]){two, sg_word(&b, "b")}, 2) : two);
        CHECK(!sg_compile(&b, root));
        CHECK_HAS(mx_error_message(), left ? "left recursion" : "nothing matches");
        mx_error_clear();
        sg_end(&b);
    }
}

/* Brackets beyond the limit are an error, and what was before it stands. */
static void depth(void) {
    sg_vocabulary *v = vocabulary_of_bytes();
    sg_grammar *g = nested();
    mx_matcher *m = mx_matcher_new(g, v);
    bool fits = true;
    int n = 0;
    for (; fits && n < 10000; n++)
        CHECK(mx_matcher_accept_bytes(m, "[", 1, &fits));
    CHECK(!fits && n > 4000 && n < 4200);
    uint32_t words[9];
    CHECK(mx_matcher_mask(m, words) && bit(words, ']'));
    mx_matcher_free(m);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
}

/* --- bad arguments and no memory -------------------------------------------------------------- */

static void bad_arguments(void) {
    CHECK(!mx_structure_regex(NULL));
    mx_error_clear();
    CHECK(!mx_structure_choice(NULL, 2));
    mx_error_clear();
    CHECK(!sg_vocabulary_new((const char *[]){"a"}, (size_t[]){1}, 1, (uint32_t[]){1}, 1));
    CHECK_HAS(mx_error_message(), "no token");
    mx_error_clear();
    sg_vocabulary *v = vocabulary_of_bytes();
    sg_grammar *g = mx_structure_regex("a");
    mx_matcher *m = mx_matcher_new(g, v);
    bool fits;
    CHECK(!mx_matcher_accept(m, 257, &fits) && !fits);
    mx_error_clear();
    CHECK(mx_matcher_accept(m, 256, &fits) && !fits); // it is not complete
    mx_matcher_free(m);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
}

/* Bytes that the vocabulary does not have cannot come: an error, not an empty mask. */
static void missing_bytes(void) {
    sg_vocabulary *v = sg_vocabulary_new((const char *[]){"a"}, (size_t[]){1}, 1, NULL, 0);
    sg_grammar *g = mx_structure_regex("ab");
    mx_matcher *m = v && g ? mx_matcher_new(g, v) : NULL;
    uint32_t words[1];
    bool fits = false;
    CHECK(m && mx_matcher_mask(m, words) && words[0] == 1);
    CHECK(m && mx_matcher_accept(m, 0, &fits) && fits);
    CHECK(m && !mx_matcher_mask(m, words));
    CHECK_HAS(mx_error_message(), "no token of the vocabulary");
    mx_error_clear();
    mx_matcher_free(m);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
}

static bool all_of_it(void) {
    uint32_t words[9];
    bool fits = false;
    sg_vocabulary *v = vocabulary_of_bytes();
    sg_grammar *g = v ? mx_structure_regex("[^b-d]{1,3}(x|yz)*") : NULL;
    mx_matcher *m = g ? mx_matcher_new(g, v) : NULL;
    bool ok = m && mx_matcher_mask(m, words) && mx_matcher_accept_bytes(m, "ax", 2, &fits) &&
              mx_matcher_mask(m, words);
    mx_matcher *copy = ok ? mx_matcher_copy(m) : NULL;
    mx_matcher_free(copy);
    mx_matcher_free(m);
    sg_grammar_release(g);
    sg_vocabulary_release(v);
    return copy;
}

static void every_allocation_fails(void) {
    CHECK(all_of_it());
    int64_t live = mx_alloc_live();
    bool ok = false;
    for (uint64_t n = 1; !ok && n < 5000; n++) {
        mx_alloc_fail_at(n);
        ok = all_of_it();
        mx_alloc_fail_at(0);
        CHECK(ok || mx_error_status() == MX_NOMEM);
        mx_error_clear();
    }
    CHECK(ok);
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    RUN(whole_texts);
    RUN(choices);
    RUN(what_is_refused);
    RUN(beside_posix);
    RUN(masks_of_patterns);
    RUN(names_of_states);
    RUN(masks_of_characters);
    RUN(masks_of_rules);
    RUN(lists);
    RUN(recursion_that_is_refused);
    RUN(depth);
    RUN(bad_arguments);
    RUN(missing_bytes);
    RUN(every_allocation_fails);
    return check_done();
}
