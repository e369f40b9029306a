/* Pre-tokenizers as tokenizer.json describes them. */
#include <string.h>

#include "models/tokenizer/read/read.h"

#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

static tok_split *add(mx_tokenizer *t, tok_split s) {
    if (t->splits == TOK_MOST_STEPS)
        return tok_fail(t, "more than %d steps of dividing", TOK_MOST_STEPS), NULL;
    s.index = t->splits;
    t->split[t->splits] = s;
    return &t->split[t->splits++];
}

/* Takes the pattern over. */
static bool add_pattern(mx_tokenizer *t, tok_pattern *p, tok_behavior behavior, bool invert) {
    tok_split *s =
        p ? add(t,
                (tok_split){
                    .run = tok_split_pattern, .pattern = p, .behavior = behavior, .invert = invert})
          : NULL;
    if (!s)
        tok_pattern_free(p);
    return s;
}

static bool read_behavior(const mx_tokenizer *t, const json_t *j, tok_behavior *out) {
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char *name = json_string_value(json_object_get(j, "behavior"));
    for (int i = 0; name && i < 5; i++)
        if (!strcmp(name, names[i]))
            return *out = (tok_behavior)i, true;
    return tok_fail(t, "the behavior '%.50s' is not understood", name ? name : "");
}

static bool read_bytes(mx_tokenizer *t, const json_t *j) {
    if (tok_flag(j, "add_prefix_space", true) && !add(t, (tok_split){.run = tok_prefix_space}))
        return false;
    if (tok_flag(j, "use_regex", true) &&
        !add_pattern(t, tok_pattern_regex(GPT2, strlen(GPT2)), TOK_ISOLATED, false))
        return false;
    return add(t, (tok_split){.run = tok_map_bytes});
}

static bool read_split(mx_tokenizer *t, const json_t *j) {
    tok_behavior b = TOK_ISOLATED;
    return read_behavior(t, j, &b) &&
           add_pattern(t, tok_read_pattern(t, j), b, tok_flag(j, "invert", false));
}

static bool read_punctuation(mx_tokenizer *t, const json_t *j) {
    tok_behavior b = TOK_ISOLATED;
    return (!json_object_get(j, "behavior") || read_behavior(t, j, &b)) &&
           add_pattern(t, tok_pattern_class(tok_is_punct), b, false);
}

static bool read_digits(mx_tokenizer *t, const json_t *j) {
    tok_behavior b = tok_flag(j, "individual_digits", false) ? TOK_ISOLATED : TOK_CONTIGUOUS;
    return add_pattern(t, tok_pattern_class(tok_is_numeric), b, false);
}

static bool read_spaces(mx_tokenizer *t, const json_t *j) {
    (void)j;
    return add(t, (tok_split){.run = tok_split_spaces});
}

static bool read_bert(mx_tokenizer *t, const json_t *j) {
    return read_spaces(t, j) &&
           add_pattern(t, tok_pattern_class(tok_is_punct), TOK_ISOLATED, false);
}

/* \w+|[^\w\s]+ */
static bool read_words(mx_tokenizer *t, const json_t *j) {
    return read_spaces(t, j) &&
           add_pattern(t, tok_pattern_class(tok_is_word), TOK_CONTIGUOUS, false);
}

static bool read_delimiter(mx_tokenizer *t, const json_t *j) {
    tok_text s = tok_text_of(j, "delimiter");
    return add_pattern(t, tok_pattern_text(s.p, s.n), TOK_REMOVED, false);
}

static bool read_metaspace(mx_tokenizer *t, const json_t *j) {
    tok_text mark = tok_text_of(j, "replacement");
    tok_split *s = add(t, (tok_split){.run = tok_map_spaces});
    if (!mark.n)
        return tok_fail(t, "a Metaspace without a replacement");
    if (!s || !tok_read_scheme(t, j, &s->scheme) || !tok_copy(&s->text, mark.p, mark.n))
        return false;
    t->asks_first |= s->scheme == TOK_FIRST;
    return !tok_flag(j, "split", true) ||
           add_pattern(t, tok_pattern_text(mark.p, mark.n), TOK_MERGED_WITH_NEXT, false);
}

static bool read_length(mx_tokenizer *t, const json_t *j) {
    json_int_t n = json_integer_value(json_object_get(j, "length"));
    if (n <= 0)
        return tok_fail(t, "a FixedLength of %lld", (long long)n);
    return add(t, (tok_split){.run = tok_split_length, .length = (size_t)n});
}

static bool read_sequence(mx_tokenizer *t, const json_t *j) {
    return tok_read_each(t, j, "pretokenizers", tok_read_splitter);
}

bool tok_read_splitter(mx_tokenizer *t, const json_t *j) {
    static const tok_kind kinds[] = {
        {"Sequence", read_sequence},   {"ByteLevel", read_bytes},
        {"Split", read_split},         {"Punctuation", read_punctuation},
        {"Digits", read_digits},       {"WhitespaceSplit", read_spaces},
        {"Whitespace", read_words},    {"BertPreTokenizer", read_bert},
        {"Metaspace", read_metaspace}, {"CharDelimiterSplit", read_delimiter},
        {"FixedLength", read_length},
    };
    return tok_read_kind(t, j, "pre-tokenizer", kinds, sizeof kinds / sizeof *kinds);
}
