/* Structures (mlx/c/structure.h): tokens of tokenizers, matchers on several threads, bytes that
 * must come, and failing allocations. */
#include <pthread.h>

#include "base/mem.h"
#include "base/status.h"
#include "check.h"
#include "mlx/c/mlx.h"

static mlx_tokenizer open_text(const char *json) {
    mlx_tokenizer t = mlx_tokenizer_new();
    CHECK(mlx_tokenizer_open_bytes(&t, "test", json, strlen(json)) == 0);
    return t;
}

static mlx_structure schema(const char *text, int flags) {
    mlx_structure s = mlx_structure_new();
    CHECK_MSG(mlx_structure_open_schema(&s, text, flags) == 0, "%s", mlx_last_error_message());
    return s;
}

static bool bit(const uint32_t *words, int i) {
    return words[i / 32] >> i % 32 & 1;
}

/* --- limits ----------------------------------------------------------------------------------- */

/* Where a byte stands that a parser complains of. */
static void places(void) {
    static const char text[] = "{\"a\": [1, {\"b,\\\"]\": 12, \"c\": [[], [3, 40]]}], \"d\": 5}";
    static const struct {
        const char *before, *place;
    } all[] = {{"{", ""},
               {"1, {", "a[0]"},
               {"12", "a[1].b,\\\"]"},
               {"3", "a[1].c[1][0]"},
               {"40", "a[1].c[1][1]"},
               {"5", "d"}};
    mlx_string place = mlx_string_new();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t at = (size_t)(strstr(text, all[i].before) - text);
        CHECK(mlx_json_place(&place, text, at) == 0);
        CHECK_STR(mlx_string_data(place), all[i].place);
    }
    CHECK(mlx_json_place(&place, NULL, 0) != 0 && mlx_json_place(NULL, text, 0) != 0);
    mlx_string_free(place);
}

/* All parts of a structure count together, also the automata of patterns inside of a schema. */
static void limits_of_steps(void) {
    static const char large[] = "(.{0,300}a.{300}){1,3}", small[] = "[a-z]{5}";
    mlx_structure s = mlx_structure_new();
    uint64_t before = 0;
    char text[4096] = "{\"allOf\":[";
    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "{\"pattern\":\"^[a-%c]{0,200}$\"},", 'f' + i);
    strcat(text, "{}]}");
    CHECK(mlx_structure_limit_steps(&before, 1 << 16) == 0 && before == 1 << 27);
    CHECK(mlx_structure_open_regex(&s, large) != 0);
    CHECK_HAS(mlx_last_error_message(), "more than 65536 steps");
    CHECK(mlx_structure_open_regex(&s, small) == 0);
    CHECK(mlx_structure_open_schema(&s, "{\"pattern\":\"^[a-f]{0,200}$\"}", 0) == 0);
    CHECK(mlx_structure_open_schema(&s, text, 0) != 0);
    CHECK_HAS(mlx_last_error_message(), "more than 65536 steps");
    CHECK(mlx_structure_limit_steps(&before, 0) == 0 && before == 1 << 16);
    CHECK(mlx_structure_open_schema(&s, text, 0) == 0);
    CHECK(mlx_structure_limit_steps(&before, 0) == 0 && before == 1 << 27);
    mlx_structure_free(s);
}

/* So do values beside values, and ways to choose branches, though no automaton comes of them. */
static void limits_of_branches(void) {
    mlx_structure s = mlx_structure_new();
    uint64_t before = 0;
    char text[8192] = "{\"enum\":[\"b\"],\"$ref\":\"#/$defs/a0\",\"$defs\":{";
    for (int i = 0; i < 14; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "\"a%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%d\"},{\"$ref\":\"#/$defs/a%d\"}]},", i,
                 i + 1, i + 1);
    strcat(text, "\"a14\":{\"enum\":[\"a\"]}}}");
    CHECK(mlx_structure_limit_steps(&before, 1 << 16) == 0);
    CHECK(mlx_structure_open_schema(&s, text, 0) != 0);
    CHECK_HAS(mlx_last_error_message(), "more than 65536 steps");
    CHECK(mlx_structure_limit_steps(&before, 0) == 0);
    CHECK(mlx_structure_open_schema(&s, text, 0) != 0);
    CHECK_HAS(mlx_last_error_message(), "nothing matches it");
    mlx_structure_free(s);
}

/* --- bytes of tokens -------------------------------------------------------------------------- */

static void check_bytes(const char *tokenizer, const char *const *want, int n, int end) {
    mlx_tokenizer t = open_text(tokenizer);
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    CHECK_MSG(mlx_structure_vocabulary_open(&v, t, &end, 1) == 0, "%s", mlx_last_error_message());
    for (int i = 0; i < n; i++) {
        const char *bytes = NULL;
        size_t size = 0;
        CHECK(mlx_structure_vocabulary_bytes(&bytes, &size, v, i) == 0);
        CHECK_MSG(size == strlen(want[i]) && !memcmp(bytes, want[i], size), "token %d: '%.*s'", i,
                  (int)size, bytes);
    }
    CHECK(mlx_structure_vocabulary_bytes(&(const char *){NULL}, &(size_t){0}, v, n) != 0);
    CHECK(mlx_structure_vocabulary_bytes(&(const char *){NULL}, &(size_t){0}, v, -1) != 0);
    mlx_structure_vocabulary_free(v);
    mlx_tokenizer_free(t);
}

#define SPECIAL "\"added_tokens\": [{\"id\": 0, \"content\": \"<s>\", \"special\": true}], "

static void bytes_of_tokens(void) {
    check_bytes("{" SPECIAL "\"model\": {\"type\": \"BPE\", \"vocab\": {\"<s>\": 0, \"\xC4\xA0"
                "a\": 1, \"\xC3\xA4\": 2, \"b\": 3, \"\xC2\xBD\": 4}, \"merges\": []}, "
                "\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"decoder\": {\"type\": "
                "\"ByteLevel\"}}",
                (const char *[]){"", " a", "\xE4", "", "\xBD"}, 5, 3);
    check_bytes("{" SPECIAL "\"model\": {\"type\": \"BPE\", \"byte_fallback\": true, \"vocab\": "
                "{\"<s>\": 0, \"\xE2\x96\x81hi\": 1, \"<0xE4>\": 2, \"x\": 3, \"<0x0A>\": 4}, "
                "\"merges\": []}, \"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": "
                "\"Replace\", \"pattern\": {\"String\": \"\xE2\x96\x81\"}, \"content\": \" \"}, "
                "{\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}, {\"type\": \"Strip\", "
                "\"content\": \" \", \"start\": 1, \"stop\": 0}]}}",
                (const char *[]){"", " hi", "\xE4", "x", "\n"}, 5, 0);
    check_bytes("{\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"u\", \"vocab\": {\"u\": 0, "
                "\"he\": 1, \"##llo\": 2}}, \"decoder\": {\"type\": \"WordPiece\", \"prefix\": "
                "\"##\"}}",
                (const char *[]){"", " he", "llo"}, 3, 0);
}

static void ends(void) {
    mlx_tokenizer t = open_text("{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"a\": 0}}}");
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    CHECK(mlx_structure_vocabulary_open(&v, t, NULL, 0) != 0);
    CHECK_HAS(mlx_last_error_message(), "does not say which token ends");
    CHECK(mlx_structure_vocabulary_open(&v, t, (int[]){3}, 1) != 0);
    CHECK(mlx_structure_vocabulary_open(&v, t, (int[]){-1}, 1) != 0);
    CHECK(mlx_structure_vocabulary_open(&v, t, (int[]){0}, 1) == 0);
    mlx_structure_vocabulary_free(v);
    mlx_tokenizer_free(t);
}

/* --- matchers --------------------------------------------------------------------------------- */

/* Letters, digits and marks of JSON, and a few longer tokens; the last one is the end. */
static const char letters[] = "{}[]\":,abcntrulefs0123456789-. ";
static const char *const longer[] = {"{\\\"", "\\\":", "true", "null", "\\\"}", "ab", "</s>"};
enum { LETTERS = sizeof letters - 1, LONGER = 7, ALL = LETTERS + LONGER, END = ALL - 1 };

static mlx_structure_vocabulary vocabulary(void) {
    char text[4096] = "{\"model\": {\"type\": \"BPE\", \"vocab\": {", *at = text + strlen(text);
    for (int i = 0; i < ALL; i++) {
        char one[3] = {letters[i < LETTERS ? i : 0], 0, 0};
        if (one[0] == '"' && i < LETTERS)
            memcpy(one, "\\\"", 3);
        if (one[0] == ' ')
            memcpy(one, "\xC4\xA0", 3);
        at +=
            sprintf(at, "%s\"%s\": %d", i ? ", " : "", i < LETTERS ? one : longer[i - LETTERS], i);
    }
    strcpy(at, "}, \"merges\": []}, \"decoder\": {\"type\": \"ByteLevel\"}}");
    mlx_tokenizer t = open_text(text);
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    CHECK_MSG(mlx_structure_vocabulary_open(&v, t, (int[]){END}, 1) == 0, "%s",
              mlx_last_error_message());
    mlx_tokenizer_free(t);
    return v;
}

static int token(const char *text) {
    for (int i = 0; i < LETTERS; i++)
        if (letters[i] == *text && !text[1])
            return i;
    return END;
}

static void a_walk(void) {
    mlx_structure s = schema("{\"properties\": {\"abc\": {\"type\": \"boolean\"}, \"b\": {}}, "
                             "\"required\": [\"abc\"], \"additionalProperties\": false}",
                             0);
    mlx_structure_vocabulary v = vocabulary();
    mlx_structure_matcher m = mlx_structure_matcher_new(), copy = mlx_structure_matcher_new();
    uint32_t words[3] = {0, 0, 7};
    const char *bytes;
    size_t n;
    bool fits, yes;
    CHECK(mlx_structure_matcher_open(&m, s, v) == 0);
    mlx_structure_free(s);
    CHECK(mlx_structure_matcher_mask(words, 1, m) != 0); // there are 38 tokens
    CHECK(mlx_structure_matcher_mask(words, 3, m) == 0 && words[2] == 0);
    CHECK(bit(words, token("{")) && bit(words, LETTERS) && !bit(words, token("[")));
    CHECK(mlx_structure_matcher_forced(&bytes, &n, m) == 0);
    CHECK_MSG(n == 7 && !memcmp(bytes, "{\"abc\":", n), "%.*s", (int)n, bytes);
    CHECK(mlx_structure_matcher_accept(&fits, m, token("[")) == 0 && !fits);
    CHECK(mlx_structure_matcher_accept(&fits, m, LETTERS) == 0 && fits);
    CHECK(mlx_structure_matcher_accept_bytes(&fits, m, "abc\":t", 6) == 0 && fits);
    CHECK(mlx_structure_matcher_steps(&n, m) == 0 && n == 2);
    CHECK(mlx_structure_matcher_copy(&copy, m) == 0);
    CHECK(mlx_structure_matcher_forced(&bytes, &n, m) == 0 && n == 3 && !memcmp(bytes, "rue", 3));
    CHECK(mlx_structure_matcher_accept_bytes(&fits, m, "rue}", 4) == 0 && fits);
    CHECK(mlx_structure_matcher_is_complete(&yes, m) == 0 && yes);
    CHECK(mlx_structure_matcher_continues(&yes, m) == 0 && !yes);
    CHECK(mlx_structure_matcher_mask(words, 2, m) == 0 && bit(words, END));
    CHECK(mlx_structure_matcher_accept(&fits, m, END) == 0 && fits);
    CHECK(mlx_structure_matcher_is_ended(&yes, m) == 0 && yes);
    CHECK(mlx_structure_matcher_mask(words, 2, m) == 0 && !words[0] && !words[1]);
    CHECK(mlx_structure_matcher_rollback(m, 5) != 0);
    CHECK(mlx_structure_matcher_rollback(m, 3) == 0);
    CHECK(mlx_structure_matcher_is_ended(&yes, m) == 0 && !yes);
    CHECK(mlx_structure_matcher_accept(&fits, m, -1) != 0);
    CHECK(mlx_structure_matcher_accept(&fits, copy, token("r")) == 0 && fits);
    mlx_structure_vocabulary_free(v);
    mlx_structure_matcher_free(m);
    mlx_structure_matcher_free(copy);
}

/* --- ways in ---------------------------------------------------------------------------------- */

static bool takes(mlx_structure s, mlx_structure_vocabulary v, const char *text) {
    mlx_structure_matcher m = mlx_structure_matcher_new();
    bool fits = false, complete = false;
    CHECK(mlx_structure_matcher_open(&m, s, v) == 0);
    CHECK(mlx_structure_matcher_accept_bytes(&fits, m, text, strlen(text)) == 0);
    CHECK(mlx_structure_matcher_is_complete(&complete, m) == 0);
    mlx_structure_matcher_free(m);
    return fits && complete;
}

static void ways_in(void) {
    mlx_structure_vocabulary v = vocabulary();
    mlx_structure s = mlx_structure_new();
    mlx_vector_string texts = mlx_vector_string_new_data((const char *[]){"ab", "c"}, 2);
    CHECK(mlx_structure_open_regex(&s, "a+b") == 0 && takes(s, v, "aab") && !takes(s, v, "b"));
    CHECK(mlx_structure_open_gbnf(&s, "root ::= \"a\" root | \"b\"") == 0 && takes(s, v, "aab"));
    CHECK(mlx_structure_open_choices(&s, texts) == 0 && takes(s, v, "c") && !takes(s, v, "a"));
    CHECK(mlx_structure_open_json(&s, true, 0) == 0 && takes(s, v, "{\"a\":[1]}"));
    CHECK(!takes(s, v, "[]"));
    CHECK(mlx_structure_open_json(&s, false, MLX_STRUCTURE_SPACED) == 0 && takes(s, v, "[1, 2]"));
    CHECK(mlx_structure_open_json(&s, false, 4) != 0);
    CHECK(mlx_structure_open_schema(&s, "{\"type\": 1}", 0) != 0);
    CHECK_HAS(mlx_last_error_message(), "schema at '/type'");
    CHECK(takes(s, v, "[]")); // what was there before
    CHECK(mlx_structure_open_schema(&s, "true", 8) != 0);
    mlx_vector_string_free(texts);
    mlx_structure_free(s);
    mlx_structure_vocabulary_free(v);
}

/* --- threads ---------------------------------------------------------------------------------- */

typedef struct worker {
    pthread_t thread;
    mlx_structure s;
    mlx_structure_vocabulary v;
    uint64_t state;
    unsigned long sum;
    bool ok;
} worker;

static unsigned any(worker *w, unsigned n) {
    w->state ^= w->state << 13;
    w->state ^= w->state >> 7;
    w->state ^= w->state << 17;
    return (unsigned)(w->state >> 33) % n;
}

static int pick(worker *w, const uint32_t *words) {
    int n = 0, k;
    for (int i = 0; i < ALL; i++)
        n += bit(words, i);
    k = n ? (int)any(w, (unsigned)n) : 0;
    for (int i = 0; i < ALL; i++)
        if (bit(words, i) && k-- == 0)
            return i;
    return END;
}

/* Answers at random, whose masks are summed up. */
static void *answers(void *data) {
    worker *w = data;
    w->ok = true;
    for (int i = 0; i < 40 && w->ok; i++) {
        mlx_structure_matcher m = mlx_structure_matcher_new();
        bool ended = false, fits = true;
        w->ok = mlx_structure_matcher_open(&m, w->s, w->v) == 0;
        for (int step = 0; w->ok && !ended && step < 60; step++) {
            uint32_t words[2];
            w->ok = mlx_structure_matcher_mask(words, 2, m) == 0;
            w->sum = 31 * w->sum + words[0] + words[1];
            w->ok = w->ok && mlx_structure_matcher_accept(&fits, m, pick(w, words)) == 0 && fits &&
                    mlx_structure_matcher_is_ended(&ended, m) == 0;
        }
        mlx_structure_matcher_free(m);
    }
    return NULL;
}

/* Threads that share a structure get what one alone gets. */
static void threads(void) {
    enum { WORKERS = 6 };
    worker w[WORKERS];
    mlx_structure_vocabulary v = vocabulary();
    for (int round = 0; round < 2; round++) {
        mlx_structure s = schema("{\"type\": \"array\", \"items\": {\"anyOf\": [{\"$ref\": \"#\"}, "
                                 "{\"type\": \"string\", \"maxLength\": 9}, {\"type\": "
                                 "\"number\"}, {\"type\": \"object\"}]}}",
                                 0);
        for (int i = 0; i < WORKERS; i++) {
            unsigned long before = round ? w[i].sum : 0;
            w[i] = (worker){.s = s, .v = v, .state = check_seed(0x2545f4914f6cdd1du) + 977u * i};
            if (round) { // alone
                answers(&w[i]);
                CHECK(w[i].ok && w[i].sum == before);
            } else {
                pthread_create(&w[i].thread, NULL, answers, &w[i]);
            }
        }
        for (int i = 0; i < WORKERS && !round; i++) {
            pthread_join(w[i].thread, NULL);
            CHECK(w[i].ok);
        }
        mlx_structure_free(s);
    }
    mlx_structure_vocabulary_free(v);
}

/* More vocabularies than a structure keeps masks of. */
static void many_vocabularies(void) {
    mlx_structure s = schema("{\"type\": \"integer\"}", 0);
    for (int i = 0; i < 9; i++) {
        mlx_structure_vocabulary v = vocabulary();
        mlx_structure_matcher m = mlx_structure_matcher_new();
        uint32_t words[2];
        CHECK(mlx_structure_matcher_open(&m, s, v) == 0);
        CHECK(mlx_structure_matcher_mask(words, 2, m) == 0 && bit(words, token("-")));
        mlx_structure_vocabulary_free(v);
        mlx_structure_matcher_free(m);
    }
    mlx_structure_free(s);
}

/* --- no memory -------------------------------------------------------------------------------- */

static bool all_of_it(mlx_tokenizer t) {
    mlx_structure s = mlx_structure_new();
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    mlx_structure_matcher m = mlx_structure_matcher_new(), copy = mlx_structure_matcher_new();
    uint32_t words[1];
    const char *bytes;
    size_t n;
    bool fits = false;
    bool ok =
        mlx_structure_open_schema(&s, "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}", 0) == 0 &&
        mlx_structure_vocabulary_open(&v, t, (int[]){0}, 1) == 0 &&
        mlx_structure_matcher_open(&m, s, v) == 0 && mlx_structure_matcher_mask(words, 1, m) == 0 &&
        mlx_structure_matcher_forced(&bytes, &n, m) == 0 &&
        mlx_structure_matcher_accept_bytes(&fits, m, "[[", 2) == 0 &&
        mlx_structure_matcher_copy(&copy, m) == 0 &&
        mlx_structure_matcher_mask(words, 1, copy) == 0;
    CHECK(!ok || fits);
    mlx_structure_matcher_free(copy);
    mlx_structure_matcher_free(m);
    mlx_structure_vocabulary_free(v);
    mlx_structure_free(s);
    return ok;
}

static void every_allocation_fails(void) {
    mlx_tokenizer t = open_text("{\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"u\", "
                                "\"vocab\": {\"u\": 0, \"##[\": 1, \"##]\": 2, \"##,\": 3}}, "
                                "\"decoder\": {\"type\": \"WordPiece\", \"prefix\": \"##\"}}");
    CHECK_MSG(all_of_it(t), "%s", mlx_last_error_message());
    int64_t live = mx_alloc_live();
    bool ok = false;
    for (uint64_t n = 1; !ok && n < 20000; n++) {
        mx_alloc_fail_at(n);
        ok = all_of_it(t);
        mx_alloc_fail_at(0);
        mx_error_clear();
    }
    CHECK(ok);
    CHECK_EQ_INT(mx_alloc_live(), live);
    mlx_tokenizer_free(t);
}

static void quiet(const char *msg, void *data) {
    (void)msg;
    (void)data;
}

int main(void) {
    mlx_set_error_handler(quiet, NULL, NULL);
    RUN(places);
    RUN(limits_of_steps);
    RUN(limits_of_branches);
    RUN(bytes_of_tokens);
    RUN(ends);
    RUN(a_walk);
    RUN(ways_in);
    RUN(threads);
    RUN(many_vocabularies);
    RUN(every_allocation_fails);
    return check_done();
}
