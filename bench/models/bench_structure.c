/* Which tokens may come next, at a vocabulary of 128,000: microseconds a token.
 *
 *     bench_structure folder [name]    of llama3_bpe (encoder.json, vocab.bpe); prints
 *                                      name, tokens, ms to open, first, cold, warm, worst
 *     bench_structure                  prints the cases as a list in JSON, for
 *compare_structure.py
 *
 * A document is tokenized as the model would; each token is a mask and a step. first: the first
 * document of all with this vocabulary, with no mask kept; cold: the first of a structure that was
 * opened anew; warm: the next one, of another matcher; worst: the longest cold step, in
 * microseconds. Of all but the first the best of some rounds counts. BENCH_CPU=1
 * counts processor time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mlx/c/mlx.h"

enum { ROUNDS = 5 };

typedef struct sample {
    const char *name, *schema, *document; /* schema "": any object */
} sample;

static const sample samples[] = {
    {"function call",
     "{\"type\":\"object\",\"properties\":{\"name\":{\"const\":\"get_weather\"},\"arguments\":{"
     "\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"unit\":{\"enum\":["
     "\"celsius\",\"fahrenheit\"]},\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":14}},"
     "\"required\":[\"city\",\"unit\"],\"additionalProperties\":false}},\"required\":[\"name\","
     "\"arguments\"],\"additionalProperties\":false}",
     "{\"name\":\"get_weather\",\"arguments\":{\"city\":\"San Francisco, California\",\"unit\":"
     "\"celsius\",\"days\":7}}"},
    {"nested records",
     "{\"type\":\"object\",\"properties\":{\"company\":{\"type\":\"string\"},\"founded\":{"
     "\"type\":\"string\",\"format\":\"date\"},\"employees\":{\"type\":\"array\",\"items\":{"
     "\"$ref\":\"#/$defs/person\"}},\"address\":{\"$ref\":\"#/$defs/address\"}},\"required\":["
     "\"company\",\"employees\",\"address\"],\"additionalProperties\":false,\"$defs\":{\"person\":{"
     "\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":80},\"age\":{"
     "\"type\":\"integer\",\"minimum\":0,\"maximum\":130},\"email\":{\"type\":\"string\","
     "\"pattern\":\"^[a-z0-9.]+@[a-z0-9.]+$\"},\"skills\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"string\"}},\"manager\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/person\"}]}},"
     "\"required\":[\"name\",\"age\",\"email\",\"skills\",\"manager\"],\"additionalProperties\":"
     "false},\"address\":{\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
     "\"city\":{\"type\":\"string\"},\"zip\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}},"
     "\"required\":[\"street\",\"city\",\"zip\"],\"additionalProperties\":false}}}",
     "{\"company\":\"Northern Lights Instruments\",\"founded\":\"1987-04-23\",\"employees\":[{"
     "\"name\":\"Ada Kowalski\",\"age\":43,\"email\":\"ada@lights.example\",\"skills\":[\"optics\","
     "\"machining\",\"German and Polish\"],\"manager\":null},{\"name\":\"Bj\xc3\xb6rn "
     "\xc3\x85str\xc3\xb6m\",\"age\":29,\"email\":\"b.astrom@lights.example\",\"skills\":["
     "\"firmware\",\"testing of long cables\"],\"manager\":{\"name\":\"Ada Kowalski\",\"age\":43,"
     "\"email\":\"ada@lights.example\",\"skills\":[],\"manager\":null}}],\"address\":{\"street\":"
     "\"12 Harbour Road\",\"city\":\"Troms\xc3\xb8\",\"zip\":\"90080\"}}"},
    {"any object", "",
     "{\"id\":42,\"tags\":[\"new\",\"unread\"],\"body\":\"The quick brown fox jumps over the lazy "
     "dog, twice.\\nThen it rests.\",\"score\":-12.5e3,\"author\":{\"name\":\"Grace\",\"active\":"
     "true,\"links\":[null,{\"href\":\"https://example.org/a?b=c\"}]}}"},
    {"open records",
     "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},\"year\":{\"type\":"
     "\"integer\"}},\"required\":[\"title\"],\"additionalProperties\":{\"type\":[\"string\","
     "\"number\"]}}",
     "{\"title\":\"A short history of nearly everything\",\"year\":2003,\"publisher\":\"Doubleday\","
     "\"pages\":544,\"language\":\"English\",\"rating\":4.2}"},
    {"long text",
     "{\"type\":\"object\",\"properties\":{\"summary\":{\"type\":\"string\",\"minLength\":20,"
     "\"maxLength\":400},\"topics\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
     "\"maxLength\":30},\"minItems\":1,\"maxItems\":5}},\"required\":[\"summary\",\"topics\"],"
     "\"additionalProperties\":false}",
     "{\"summary\":\"The committee met on Thursday to discuss the budget for the coming year. After "
     "a long debate about the state of the roads, it was agreed that repairs come first, and that "
     "the new library will have to wait until the autumn at least.\",\"topics\":[\"budget\","
     "\"roads and bridges\",\"public libraries\"]}"},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static double now_us(void) {
    struct timespec t;
    clock_gettime(getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* --- the cases, in JSON ----------------------------------------------------------------------- */

static void put_text(const char *s) {
    putchar('"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            putchar('\\');
        putchar(*s);
    }
    putchar('"');
}

static int list(void) {
    for (int i = 0; i < SAMPLES; i++) {
        fputs(i ? ",\n[" : "[[", stdout);
        put_text(samples[i].name);
        putchar(',');
        put_text(samples[i].schema);
        putchar(',');
        put_text(samples[i].document);
        putchar(']');
    }
    puts("]");
    return 0;
}

/* --- the tokenizer ---------------------------------------------------------------------------- */

static char *read_file(const char *folder, const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    text[fread(text, 1, (size_t)n, f)] = 0;
    fclose(f);
    return text;
}

/* Each line of vocab.bpe as a string; its marks need no escape but quote and backslash. */
static char *put_merges(char *at, const char *line) {
    for (bool first = true; *line; first = false) {
        at += sprintf(at, first ? "\"" : ",\"");
        for (; *line && *line != '\n'; line++) {
            if (*line == '"' || *line == '\\')
                *at++ = '\\';
            *at++ = *line;
        }
        *at++ = '"';
        line += *line == '\n';
    }
    return at;
}

static bool open_tokenizer(mlx_tokenizer *t, const char *folder) {
    char *vocab = read_file(folder, "encoder.json"), *merges = read_file(folder, "vocab.bpe");
    if (!vocab || !merges)
        return false;
    char *text = malloc(strlen(vocab) + 3 * strlen(merges) + 1000), *at = text;
    at += sprintf(at, "{\"model\":{\"type\":\"BPE\",\"vocab\":%s,\"merges\":[", vocab);
    at = put_merges(at, merges);
    sprintf(at, "]},\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                "\"use_regex\":true},\"decoder\":{\"type\":\"ByteLevel\"}}");
    bool ok = mlx_tokenizer_open_bytes(t, "llama3", text, strlen(text)) == 0;
    free(vocab);
    free(merges);
    free(text);
    return ok;
}

/* --- one case --------------------------------------------------------------------------------- */

static uint32_t words[1 << 13];

/* Microseconds of all masks and steps; *worst: of one. Negative: an error. */
static double follow(mlx_structure s, mlx_structure_vocabulary v, const int *ids, size_t n,
                     double *worst) {
    mlx_structure_matcher m = mlx_structure_matcher_new();
    bool fits = mlx_structure_matcher_open(&m, s, v) == 0;
    double start = now_us(), last = start;
    for (size_t i = 0; i < n && fits; i++) {
        fits = mlx_structure_matcher_mask(words, sizeof words / sizeof *words, m) == 0 &&
               words[ids[i] / 32] >> ids[i] % 32 & 1 &&
               mlx_structure_matcher_accept(&fits, m, ids[i]) == 0 && fits;
        double now = now_us();
        *worst = now - last > *worst ? now - last : *worst;
        last = now;
    }
    mlx_structure_matcher_free(m);
    return fits ? last - start : -1;
}

static double least(double a, double b) {
    return a && a < b ? a : b;
}

static int measure(const sample *x, mlx_tokenizer t) {
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    mlx_tokens tokens = mlx_tokens_new();
    const int *ids;
    size_t n;
    double open = 0, first = 0, cold = 0, warm = 0, worst = 0;
    mlx_tokenizer_encode(&tokens, t, x->document, strlen(x->document), 0);
    mlx_tokens_data(&ids, &n, tokens);
    if (mlx_structure_vocabulary_open(&v, t, (int[]){0}, 1))
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        mlx_structure s = mlx_structure_new();
        double start = now_us(), most = 0, other = 0;
        int bad = *x->schema ? mlx_structure_open_schema(&s, x->schema, 0)
                             : mlx_structure_open_json(&s, true, 0);
        open = least(open, now_us() - start);
        double us = bad ? -1 : follow(s, v, ids, n, &most);
        if (us < 0)
            return fprintf(stderr, "%s: %s\n", x->name, mlx_last_error_message()), 1;
        first = round ? first : us;
        cold = round ? least(cold, us) : 0;
        worst = round ? least(worst, most) : 0;
        warm = least(warm, follow(s, v, ids, n, &other));
        mlx_structure_free(s);
    }
    printf("%s\t%zu\t%.2f\t%.1f\t%.1f\t%.2f\t%.0f\n", x->name, n, open / 1e3, first / (double)n,
           cold / (double)n, warm / (double)n, worst);
    mlx_structure_vocabulary_free(v);
    mlx_tokens_free(tokens);
    return 0;
}

int main(int argc, char **argv) {
    mlx_tokenizer t = mlx_tokenizer_new();
    if (argc < 2)
        return list();
    if (!open_tokenizer(&t, argv[1]))
        return fprintf(stderr, "no tokenizer in %s\n", argv[1]), 1;
    int bad = 0;
    for (int i = 0; i < SAMPLES; i++)
        if (argc < 3 || strstr(samples[i].name, argv[2]))
            bad |= measure(&samples[i], t);
    mlx_tokenizer_free(t);
    return bad;
}
