/* tokenizer.json and tokenizer.model: see fuzz.h. */
#include "fuzz.h"
#include "models/tokenizer/tokenizer.h"

static const char text[] = "Hello  <s>world\n\xC3\xA9\xE2\x96\x81 12\xFF 'll \xE4\xB8\xAD";

static void use_stream(mx_tokenizer *t, const int32_t *ids, size_t n) {
    mx_token_stream *s = mx_token_stream_make(t, true);
    size_t k;
    for (size_t i = 0; s && i < n; i++)
        mx_token_stream_put(s, ids[i], &k);
    if (s)
        mx_token_stream_end(s, &k);
    mx_token_stream_free(s);
}

/* The same ids, each of which stands for a part of the text. */
static void use_spans(mx_tokenizer *t, const int32_t *ids, size_t n) {
    size_t k = 0;
    mx_token_span *span = NULL;
    const mx_encode how = {.spans = &span};
    int32_t *again = mx_tokenizer_encode(t, text, sizeof text, text, 5, how, &k, NULL);
    if (again && (k != n || memcmp(ids, again, n * sizeof *ids) != 0))
        abort();
    for (size_t i = 0; again && i < k; i++)
        if (span[i].from > span[i].to || span[i].to > sizeof text)
            abort();
    mx_free(again);
    mx_free(span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t n = 0, k;
    mx_tokenizer *t = mx_tokenizer_of("input", (const char *)data, size);
    int32_t *ids =
        t ? mx_tokenizer_encode(t, text, sizeof text, text, 5, (mx_encode){0}, &n, NULL) : NULL;
    if (ids) {
        mx_free(mx_tokenizer_decode(t, ids, n, true, &k));
        mx_error_clear();
        use_stream(t, ids, n);
        use_spans(t, ids, n);
    }
    mx_free(ids);
    mx_tokenizer_release(t);
    mx_error_clear();
    return 0;
}

#define STEPS                                                                                      \
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFKC\"}, {\"type\": " \
    "\"Replace\", \"pattern\": {\"Regex\": \"[a-c]+\"}, \"content\": \"b\"}]}, "
#define ADDED                                                                                    \
    "\"added_tokens\": [{\"id\": 9, \"content\": \"<s>\", \"special\": true, \"lstrip\": true, " \
    "\"normalized\": false}], "

void fuzz_seeds(fuzz_add *add) {
    static const char *const seeds[] = {
        "{" ADDED STEPS "\"model\": {\"type\": \"BPE\", \"vocab\": {\"l\": 0, \"o\": 1, \"lo\": 2, "
        "\"\xC4\xA0\": 3}, \"merges\": [\"l o\"]}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}, "
        "\"decoder\": {\"type\": \"ByteLevel\"}}",
        "{" ADDED "\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], "
        "[\"\xE2\x96\x81\", -1.5], [\"lo\", -2]]}, \"pre_tokenizer\": {\"type\": \"Metaspace\", "
        "\"replacement\": \"\xE2\x96\x81\"}, \"decoder\": {\"type\": \"Metaspace\", "
        "\"replacement\": \"\xE2\x96\x81\"}}",
        "{" ADDED
        "\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"u\", \"vocab\": {\"u\": 0, "
        "\"he\": 1, \"##llo\": 2}}, \"normalizer\": {\"type\": \"BertNormalizer\"}, "
        "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, \"post_processor\": {\"type\": "
        "\"BertProcessing\", \"sep\": [\"s\", 1], \"cls\": [\"c\", 2]}, \"decoder\": {\"type\": "
        "\"WordPiece\", \"prefix\": \"##\"}}",
    };
    static const char pieces[] = "\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02"
                                 "\x0A\x0A\x0A\x03\xE2\x96\x81\x15\0\0\x80\xBF"
                                 "\x0A\x08\x0A\x01l\x15\0\0\0\xC0"
                                 "\x12\x02\x18\x02\x1A\x02\x18\x01";
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        add(seeds[i], strlen(seeds[i]));
    add(pieces, sizeof pieces - 1);
}
