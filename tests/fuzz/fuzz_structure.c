/* Schemas, patterns and grammars: see fuzz.h. The first byte says which; then a walk by masks. */
#include "fuzz.h"
#include "models/structure/schema/schema.h"
#include "models/structure/structure.h"

static sg_vocabulary *vocabulary(void) {
    static char byte[256];
    const char *text[256];
    size_t size[256];
    for (int i = 0; i < 256; i++) {
        byte[i] = (char)i;
        text[i] = &byte[i];
        size[i] = i > 0;
    }
    return sg_vocabulary_new(text, size, 256, (uint32_t[]){0}, 1);
}

/* A token that may come next, not always the first. 0: the end. */
static uint32_t pick(const uint32_t *words, unsigned turn) {
    uint32_t found = 0;
    for (uint32_t i = 1, left = 1 + turn % 7; i < 256 && left; i++)
        if (words[i / 32] >> i % 32 & 1) {
            found = i;
            left--;
        }
    return found;
}

static void follow(sg_grammar *g) {
    uint32_t words[8];
    bool fits = true;
    sg_vocabulary *v = vocabulary();
    mx_matcher *m = v ? mx_matcher_new(g, v) : NULL;
    for (unsigned i = 0; m && i < 40 && !mx_matcher_ended(m); i++) {
        char forced[64];
        size_t n;
        if (!mx_matcher_mask(m, words) || !mx_matcher_forced(m, forced, sizeof forced, &n))
            break;
        if (!mx_matcher_accept(m, pick(words, i), &fits))
            break; // there are too many ways to read it
        if (!fits)
            abort();
    }
    mx_matcher_free(m);
    sg_vocabulary_release(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sg_grammar *g = NULL;
    char *text = size ? mx_malloc(size) : NULL;
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (*data == 'r')
        g = mx_structure_regex(text);
    else if (*data == 'g')
        g = mx_structure_gbnf(text);
    else
        g = mx_structure_schema(text, size - 1, *data & 3);
    mx_error_clear();
    if (g)
        follow(g);
    sg_grammar_release(g);
    mx_free(text);
    mx_error_clear();
    return 0;
}

void fuzz_seeds(fuzz_add *add) {
    static const char *const seeds[] = {
        "ra(b|[^c-e\\d])*\\u00e9{1,3}",
        "groot ::= item (\",\" item)*\nitem ::= [a-c]+ | \"x\" root{1,2} # c\n",
        "s{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-3,\"maximum\":"
        "12.5,\"multipleOf\":3},\"b\":{\"enum\":[1,\"x\",[null]]}},\"required\":[\"b\"],"
        "\"additionalProperties\":{\"type\":\"string\",\"maxLength\":5},\"maxProperties\":3}",
        "s{\"$defs\":{\"n\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"$ref\":"
        "\"#/$defs/n\"},\"minItems\":1,\"maxItems\":4,\"prefixItems\":[true]}]}},\"$ref\":"
        "\"#/$defs/n\"}",
        "q{\"patternProperties\":{\"^a\":{\"format\":\"date\"},\"b$\":{\"pattern\":\"^[a-z]{2}\"}},"
        "\"propertyNames\":{\"maxLength\":4},\"allOf\":[{\"minProperties\":1},{\"type\":\"object\"}]}",
        "p{\"oneOf\":[{\"type\":\"number\",\"exclusiveMaximum\":1e3},{\"type\":\"string\",\"const\":"
        "\"a\\n\"},{\"type\":[\"boolean\",\"null\"]}]}",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        add(seeds[i], strlen(seeds[i]));
}
