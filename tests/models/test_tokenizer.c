/* Small tokenizers (mlx/c/tokenizer.h) made here: what they make of texts, the scanners against
 * PCRE2, streams against whole texts, and files that are wrong. */
#include "tokenizer_check.h"

/* --- small tokenizers, made here -------------------------------------------------------------- */

/* Bytes a to e, "<s>" special; merges "a b" and "ab c". */
#define BPE_MODEL                                                               \
    "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, " \
    "\"ab\": 3, \"abc\": 4, \"\u0120\": 5}, "                                   \
    "\"merges\": [\"a b\", [\"ab\", \"c\"]]}"
#define ADDED(id, text, more)                                            \
    "{\"id\": " #id ", \"content\": \"" text                             \
    "\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, " \
    "\"normalized\": false, \"special\": true" more "}"

static const char small[] = "{\"added_tokens\": [" ADDED(
    6, "<s>",
    "") "], " BPE_MODEL ", \"pre_tokenizer\": {\"type\": \"ByteLevel\", "
        "\"add_prefix_space\": false}, \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": "
        "[{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": "
        "[{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, {\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}, {\"Sequence\": "
        "{\"id\": \"B\", \"type_id\": 1}}], \"special_tokens\": {\"<s>\": {\"id\": \"<s>\", \"ids\": [6], \"tokens\": "
        "[\"<s>\"]}}}, \"decoder\": {\"type\": \"ByteLevel\"}}";

static void special_tokens(void) {
    mlx_tokenizer t = open_text(small);
    CHECK(encodes(t, "abc ab", 6, 0, INTS(6, 4, 5, 3)));
    CHECK(encodes(t, "abc ab", 6, MLX_ENCODE_BARE, INTS(4, 5, 3)));
    CHECK(encodes(t, "a<s>b", 5, MLX_ENCODE_BARE, INTS(0, 6, 1)));
    CHECK(encodes(t, "a<s>b", 5, MLX_ENCODE_BARE | MLX_ENCODE_PLAIN,
                  INTS(0, 1))); // <, s, > have no pieces
    CHECK(encodes(t, "", 0, MLX_ENCODE_BARE, NULL, 0));
    CHECK(decodes(t, INTS(6, 4, 5, 3), false, "abc ab", 6));
    CHECK(decodes(t, INTS(6, 4), true, "<s>abc", 6));
    mlx_tokenizer_free(t);
}

static void pairs(void) {
    mlx_tokenizer t = open_text(small);
    mlx_tokens made = mlx_tokens_new();
    const int *ids = NULL, *types = NULL;
    size_t n = 0, m = 0, size = 0;
    CHECK(mlx_tokenizer_encode_pair(&made, t, "ab", 2, "abc", 3, 0) == 0);
    CHECK(mlx_tokens_data(&ids, &n, made) == 0 && mlx_tokens_types(&types, &m, made) == 0 &&
          mlx_tokens_size(&size, made) == 0);
    CHECK(n == 3 && size == 3 && ids[0] == 3 && ids[1] == 6 && ids[2] == 4);
    CHECK(m == 3 && types[0] == 0 && types[1] == 0 && types[2] == 1);
    mlx_tokens_free(made);
    mlx_tokenizer_free(t);
}

static void many_texts(void) {
    mlx_tokenizer t = open_text(small);
    mlx_tokens made = mlx_tokens_new();
    size_t ends[3], n = 0;
    const int *ids;
    CHECK(mlx_tokenizer_encode_all(&made, ends, t, (const char *const[]){"ab", "", "abc"},
                                   (size_t[]){2, 0, 3}, 3, MLX_ENCODE_BARE) == 0);
    CHECK(mlx_tokens_data(&ids, &n, made) == 0 && n == 2 && ids[0] == 3 && ids[1] == 4);
    CHECK(ends[0] == 1 && ends[1] == 1 && ends[2] == 2);
    mlx_tokens_free(made);
    mlx_tokenizer_free(t);
}

static void lookups(void) {
    mlx_tokenizer t = open_text(small);
    const char *piece = NULL;
    size_t n = 0;
    int id = 0;
    bool special = false;
    CHECK(mlx_tokenizer_size(&n, t) == 0 && n == 7);
    CHECK(mlx_tokenizer_piece(&piece, &n, t, 4) == 0 && n == 3 && !memcmp(piece, "abc", 3));
    CHECK(mlx_tokenizer_piece(&piece, &n, t, 7) == 0 && !piece);
    CHECK(mlx_tokenizer_piece(&piece, &n, t, -1) == 0 && !piece);
    CHECK(mlx_tokenizer_id(&id, t, "<s>", 3) == 0 && id == 6);
    CHECK(mlx_tokenizer_id(&id, t, "ab", 2) == 0 && id == 3);
    CHECK(mlx_tokenizer_id(&id, t, "ac", 2) == 0 && id == -1);
    CHECK(mlx_tokenizer_is_special(&special, t, 6) == 0 && special);
    CHECK(mlx_tokenizer_is_special(&special, t, 0) == 0 && !special);
    CHECK(mlx_tokenizer_role(&id, t, MLX_TOKEN_BOS) == 0 && id == -1);
    CHECK(mlx_tokenizer_role(&id, t, (mlx_token_role)99) == 1);
    mlx_string text = mlx_string_new();
    CHECK(mlx_tokenizer_decode(&text, &n, t, (int[]){7}, 1, false) == 1);
    CHECK(mlx_tokenizer_decode(&text, &n, t, (int[]){-1}, 1, false) == 1);
    mlx_string_free(text);
    mlx_tokenizer_free(t);
}

/* --- characters as words: what normalizers make of a text ------------------------------------- */

/* Pieces are all characters of `wanted`; the normalized text shows as itself. */
static bool normalizes(const char *normalizer, const char *text, const char *wanted) {
    json_t *vocab = json_object();
    uint32_t c;
    int want[100];
    size_t n = 0;
    for (const char *p = wanted, *end = p + strlen(p); p < end && n < 100; n++) {
        size_t k = tok_step(p, end, &c);
        char one[5] = {0};
        memcpy(one, p, k);
        if (!json_object_get(vocab, one))
            json_object_set_new(vocab, one, json_integer((json_int_t)json_object_size(vocab)));
        want[n] = (int)json_integer_value(json_object_get(vocab, one));
        p += k;
    }
    mlx_tokenizer t =
        open_json(json_pack("{s:{s:s, s:o}, s:o, s:{s:s, s:i}}", "model", "type", "WordLevel",
                            "vocab", vocab, "normalizer", json_loads(normalizer, 0, NULL),
                            "pre_tokenizer", "type", "FixedLength", "length", 1));
    bool ok = encodes(t, text, strlen(text), 0, want, n);
    mlx_tokenizer_free(t);
    return ok;
}

/* Values of Unicode's own files (UAX 15, UnicodeData) or of the definition. */
static void normalizers(void) {
    CHECK(normalizes("{\"type\": \"NFC\"}", "a\u0323\u0307 e\u0301 \u1E0B\u0323",
                     "\u1EA1\u0307 \u00E9 \u1E0D\u0307"));
    CHECK(normalizes("{\"type\": \"NFD\"}", "\u1E69\uAC01", "s\u0323\u0307\u1100\u1161\u11A8"));
    CHECK(normalizes("{\"type\": \"NFKC\"}", "\uFB01\u2460\u212B", "fi1\u00C5"));
    CHECK(normalizes("{\"type\": \"NFKD\"}", "\uFB01\u00E9", "fie\u0301"));
    CHECK(normalizes("{\"type\": \"Lowercase\"}", "A\u0130\u03A3", "ai\u0307\u03C3"));
    CHECK(normalizes("{\"type\": \"Strip\", \"strip_left\": true, \"strip_right\": true}",
                     " \u3000 a b\n", "a b"));
    CHECK(normalizes("{\"type\": \"Strip\", \"strip_left\": false, \"strip_right\": true}", " a ",
                     " a"));
    CHECK(normalizes("{\"type\": \"StripAccents\"}", "a\u0301b", "ab"));
    CHECK(normalizes("{\"type\": \"Prepend\", \"prepend\": \"_\"}", "ab", "_ab"));
    CHECK(normalizes(
        "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[0-9]+\"}, \"content\": \"#\"}",
        "a12b3", "a#b#"));
    CHECK(
        normalizes("{\"type\": \"Replace\", \"pattern\": {\"String\": \"ab\"}, \"content\": \"\"}",
                   "xabaabb", "xab"));
    CHECK(normalizes(
        "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, \"strip_accents\": "
        "null, \"lowercase\": true}",
        "\u00C9\u4E2D\x01\tx", "e \u4E2D  x"));
    CHECK(normalizes("{\"type\": \"ByteLevel\"}", " \u00E9", "\u0120\u00C3\u00A9"));
    CHECK(normalizes(
        "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFD\"}, {\"type\": \"StripAccents\"}]}",
        "\u00E9\u00E8", "ee"));
}

/* Nine times ten of each character: an error long before memory ends, whatever came before. */
static void growing_texts(void) {
    static const char one[] = "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \".\"}, "
                              "\"content\": \"aaaaaaaaaa\"}";
    char file[4096] = "{" BPE_MODEL ", \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [";
    static char text[20000];
    for (int i = 0; i < 9; i++)
        snprintf(file + strlen(file), sizeof file - strlen(file), "%s%s", i ? "," : "", one);
    strcat(file, "]}}");
    mx_tokenizer *t = mx_tokenizer_of("growing", file, strlen(file));
    size_t n = 0;
    for (int i = 0; CHECK(t) && i < 3; i++) {
        memset(text, 'a', n = i == 1 ? sizeof text : 7);
        int32_t *ids =
            mx_tokenizer_encode(t, text, n, NULL, 0, (mx_encode){.bare = true}, &n, NULL);
        CHECK_MSG(!ids && strstr(mx_error_message(), "64 times"), "%s", mx_error_message());
        mx_free(ids);
        mx_error_clear();
    }
    mx_tokenizer_release(t);
}

/* Marks of all classes, many of them: in order, and the canonical form of a form is itself. */
static void many_marks(void) {
    tok_bytes text = {0}, form = {0}, again = {0};
    tok_put(&text, "a", 1);
    for (int i = 0; i < 200000; i++)
        tok_put_char(&text, i & 1 ? 0x301 : 0x323);
    tok_put_form((tok_text){text.p, text.n}, 0, &form);
    CHECK(form.n == text.n && !memcmp(form.p + 1, "\u0323\u0323", 4) &&
          !memcmp(form.p + form.n - 4, "\u0301\u0301", 4));
    tok_put_form((tok_text){form.p, form.n}, 0, &again);
    CHECK(again.n == form.n && !memcmp(again.p, form.p, form.n));
    tok_free(&text);
    tok_free(&form);
    tok_free(&again);
}

/* --- scanners and PCRE2 ----------------------------------------------------------------------- */

#define TAIL " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"

static uint64_t state;
static unsigned below(unsigned n) { /* xorshift */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (unsigned)(state >> 33) % n;
}

static size_t random_text(char *out) {
    static const char *const parts[] = {
        "a", "B",      "'s",      "'LL",    "'\u017F",    "1",      "\u00BD",
        " ", "  ",     "\n",      "\r\n",   "\t",         "\u3000", "\xC2\x85",
        "!", "\u00E9", "a\u0301", "\u4E2D", "\U0001F917", "_",      "\u0661"};
    size_t n = 0;
    for (unsigned k = below(12); k; k--) {
        const char *p = parts[below(sizeof parts / sizeof *parts)];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
    }
    return n;
}

static void scanners(void) {
    static const char *const patterns[] = {
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
        HEAD "\\p{N}{1,3}|" TAIL, HEAD "\\p{N}|" TAIL};
    char text[200];
    state = check_seed(77);
    for (size_t i = 0; i < 3; i++) {
        tok_pattern *fast = tok_pattern_regex(patterns[i], strlen(patterns[i])),
                    *plain = tok_pattern_plain(patterns[i], strlen(patterns[i]));
        check_that(fast && plain && tok_scan_of(patterns[i], strlen(patterns[i])), __FILE__,
                   __LINE__, "%s", mx_error_message());
        for (int k = 0; fast && plain && k < 4000; k++) {
            size_t n = random_text(text), a = 0, b = 0, a_end = 0, b_end = 0, at = 0;
            bool same = true;
            for (; same && at < n; at = a_end)
                same = tok_pattern_next(fast, text, n, at, &a, &a_end) &&
                       tok_pattern_next(plain, text, n, at, &b, &b_end) && a == b &&
                       a_end == b_end && a_end > at;
            if (!check_that(same, __FILE__, __LINE__, "pattern %zu: '%.*s' at %zu", i, (int)n, text,
                            at))
                break;
        }
        tok_pattern_free(fast);
        tok_pattern_free(plain);
    }
}

/* --- streams, and text that is none ----------------------------------------------------------- */

static void invalid_text(void) {
    static const struct {
        const char *text;
        size_t n;
        const char *clean;
    } rows[] = {
        {"a\xFF"
         "b",
         3,
         "a\uFFFD"
         "b"},
        {"\xE4\xB8", 2, "\uFFFD"},
        {"\xED\xA0\x80", 3, "\uFFFD\uFFFD\uFFFD"},
        {"\xF0\x9F\x98x", 4, "\uFFFDx"},
        {"\xC0\x80", 2, "\uFFFD\uFFFD"},
        {"\xF4\x90\x80\x80", 4, "\uFFFD\uFFFD\uFFFD\uFFFD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tok_bytes room = {0};
        tok_text s = tok_clean(rows[i].text, rows[i].n, &room);
        CHECK(s.n == strlen(rows[i].clean) && !memcmp(s.p, rows[i].clean, s.n));
        tok_free(&room);
    }
}

/* Every byte as a piece of a byte-level vocabulary. */
static mlx_tokenizer all_bytes(void) {
    json_t *vocab = json_object();
    for (unsigned b = 0; b < 256; b++) {
        tok_bytes one = {0};
        tok_put_char(&one, tok_char_of_byte((unsigned char)b));
        CHECK(tok_byte_of_char(tok_char_of_byte((unsigned char)b)) == (int)b);
        json_object_setn_new(vocab, one.p, one.n, json_integer(b));
        tok_free(&one);
    }
    return open_json(json_pack("{s:{s:s, s:o, s:[]}, s:{s:s, s:b}, s:{s:s}}", "model", "type",
                               "BPE", "vocab", vocab, "merges", "pre_tokenizer", "type",
                               "ByteLevel", "add_prefix_space", 0, "decoder", "type", "ByteLevel"));
}

static void bytes_as_they_come(void) {
    static const char text[] = "a\u00E9\u4E2D\U0001F917\0z";
    mlx_tokenizer t = all_bytes();
    int ids[2000];
    for (size_t i = 0; i + 1 < sizeof text; i++)
        ids[i] = (unsigned char)text[i];
    CHECK(encodes(t, text, sizeof text - 1, 0, ids, sizeof text - 1));
    CHECK(decodes(t, ids, sizeof text - 1, false, text, sizeof text - 1));
    CHECK(streams(t, ids, sizeof text - 1, false));
    state = check_seed(5);
    for (int k = 0; k < 300; k++) { // mostly no text at all
        size_t n = below(60);
        for (size_t i = 0; i < n; i++)
            ids[i] = (int)(below(3) ? 0x80 + below(128) : below(256));
        CHECK(streams(t, ids, n, false));
    }
    for (size_t i = 0; i < 2000; i++)
        ids[i] = 0xE4; // always the beginning of a character
    CHECK(streams(t, ids, 2000, false));
    mlx_tokenizer_free(t);
}

static void long_words(void) {
    enum { N = 3 << 20 };
    mlx_tokenizer t = open_text(small);
    char *text = malloc(N);
    mlx_tokens made = mlx_tokens_new();
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        text[i] = "abc"[i % 3];
    CHECK(mlx_tokenizer_encode(&made, t, text, N, MLX_ENCODE_BARE) == 0 &&
          mlx_tokens_size(&n, made) == 0);
    CHECK(n == N / 3);
    mlx_tokens_free(made);
    mlx_tokenizer_free(t);
    free(text);
}

/* --- files that are wrong --------------------------------------------------------------------- */

static void refused(void) {
    static const struct {
        const char *file, *says;
    } rows[] = {
        {"", "neither"},
        {"{", "byte"},
        {"{}", "no model"},
        {"{\"model\": {\"type\": \"Magic\"}}", "'Magic' is not understood"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}",
         "no such piece"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"ab\"]}}",
         "merge 0"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 0}, \"merges\": []}}",
         "twice"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}", "-1"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 1e3}, \"merges\": []}}", "no number"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 99999999999}, \"merges\": []}}",
         "99999999999"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": [], \"dropout\": 0.1}}",
         "dropout"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"unk_id\": 1}}", "unk_id"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}", "piece 0"},
        {"{" BPE_MODEL ", \"normalizer\": {\"type\": \"Odd\"}}",
         "the normalizer 'Odd' is not understood"},
        {"{" BPE_MODEL ", \"normalizer\": {\"type\": \"Replace\", \"content\": \"\"}}",
         "a pattern is"},
        {"{" BPE_MODEL
         ", \"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}}",
         "cut short"},
        {"{" BPE_MODEL ", \"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}}",
         "'UnicodeScripts' is not understood"},
        {"{" BPE_MODEL
         ", \"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \"(\"}}}",
         "the pattern '('"},
        {"{" BPE_MODEL
         ", \"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": "
         "\"[a-z&&b]\"}}}",
         "'&&' is not understood"},
        {"{" BPE_MODEL
         ", \"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Odd\", \"pattern\": {\"String\": \"(\"}}}",
         "'Odd'"},
        {"{" BPE_MODEL ", \"pre_tokenizer\": {\"type\": \"FixedLength\", \"length\": 0}}",
         "FixedLength"},
        {"{" BPE_MODEL ", \"decoder\": {\"type\": \"Odd\"}}",
         "the decoder 'Odd' is not understood"},
        {"{" BPE_MODEL ", \"post_processor\": {\"type\": \"Odd\"}}",
         "the post-processor 'Odd' is not understood"},
        {"{" BPE_MODEL ", \"post_processor\": {\"type\": \"BertProcessing\"}}", "'cls'"},
        {"{" BPE_MODEL ", \"added_tokens\": [{\"content\": \"x\"}]}",
         "the added token 0 has no id"},
        {"\x0A\x05\x0A\x01", "broken"}, // a piece that is longer than the file
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *file = rows[i].file;
        mx_tokenizer *t = mx_tokenizer_of("test", file, strlen(file));
        check_that(!t && strstr(mx_error_message(), rows[i].says), __FILE__, __LINE__,
                   "%s: '%s', expected '%s'", file, mx_error_message(), rows[i].says);
        mx_tokenizer_release(t);
        mx_error_clear();
    }
    mlx_tokenizer t = mlx_tokenizer_new();
    CHECK(mlx_tokenizer_open(&t, "/nowhere/tokenizer.json") == 1);
    CHECK(mlx_tokenizer_open(&t, check_source()) == 1); // a folder without one
    mlx_tokenizer_free(t);
}

/* A pattern that takes for ever is an error. */
static void endless(void) {
    mlx_tokenizer t = open_text(
        "{" BPE_MODEL
        ", \"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": "
        "{\"Regex\": \"(a+)+$\"}}}");
    mlx_tokens made = mlx_tokens_new();
    char text[60];
    memset(text, 'a', sizeof text);
    text[59] = 'b';
    CHECK(mlx_tokenizer_encode(&made, t, text, sizeof text, 0) == 1);
    mlx_tokens_free(made);
    mlx_tokenizer_free(t);
}

/* --- what tokens stand for -------------------------------------------------------------------- */

static bool stands_for(mlx_tokenizer t, const char *text, int flags, const int *want, size_t n) {
    mlx_tokens made = mlx_tokens_new();
    const int *got = NULL;
    size_t have = 0;
    bool ok = mlx_tokenizer_encode(&made, t, text, strlen(text), flags | MLX_ENCODE_OFFSETS) == 0 &&
              mlx_tokens_offsets(&got, &have, made) == 0 && 2 * have == n &&
              (!n || !memcmp(got, want, n * sizeof *want));
    for (size_t i = 0; !ok && i < 2 * have; i++)
        fprintf(stderr, "%d%s", got[i], i + 1 == 2 * have ? "\n" : " ");
    mlx_tokens_free(made);
    return ok;
}

/* Characters that are removed, composed, made several, or put. */
static const char folding[] =
    "{\"model\": {\"type\": \"WordLevel\", \"unk_token\": \"?\", \"vocab\": {\"?\": 0, "
    "\"\\u2581ab\": 1, \"\\u2581\\u00e9\": 2, \"\\u2581ss\": 3}}, "
    "\"added_tokens\": [{\"id\": 4, \"content\": \"<s>\", \"special\": true}], "
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFKC\"}, "
    "{\"type\": \"Lowercase\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \"--\"}, "
    "\"content\": \"\"}, {\"type\": \"Replace\", \"pattern\": {\"String\": \"\\u00df\"}, "
    "\"content\": \"ss\"}]}, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": "
    "\"\\u2581\", \"prepend_scheme\": \"always\"}}";

static void offsets(void) {
    mlx_tokenizer t = open_text(folding);
    mlx_tokens plain = mlx_tokens_new(), all = mlx_tokens_new();
    const int *got;
    size_t n, ends[2];
    CHECK(stands_for(t, "AB", 0, INTS(0, 2)));
    CHECK(stands_for(t, "a--B Ab", 0, INTS(0, 4, 4, 7)));
    CHECK(stands_for(t, "e\xCC\x81 \xC3\x9F", 0, INTS(0, 1, 3, 6)));
    CHECK(stands_for(t, "x\xFF<s>ab", 0, INTS(0, 2, 2, 5, 5, 7)));
    CHECK(stands_for(t, "", 0, NULL, 0));
    CHECK(mlx_tokenizer_encode(&plain, t, "ab", 2, 0) == 0);
    CHECK(mlx_tokens_offsets(&got, &n, plain) == 1);
    CHECK(mlx_tokenizer_encode_all(&all, ends, t, (const char *[]){"ab", "x ab"}, (size_t[]){2, 4},
                                   2, MLX_ENCODE_OFFSETS) == 0);
    CHECK(mlx_tokens_offsets(&got, &n, all) == 0 && n == 3 && ends[0] == 1 && ends[1] == 3);
    CHECK(got[0] == 0 && got[1] == 2 && got[2] == 0 && got[3] == 1 && got[4] == 1 && got[5] == 4);
    mlx_tokens_free(plain);
    mlx_tokens_free(all);
    mlx_tokenizer_free(t);
}

/* A stream in the middle of a text shows the blank before its first token. */
static void middle_of_a_text(void) {
    mlx_tokenizer t = open_text(folding);
    mlx_token_stream s = mlx_token_stream_new();
    const char *text;
    size_t n;
    CHECK(mlx_token_stream_follow(s) == 1);
    CHECK(mlx_token_stream_open(&s, t, false) == 0 && mlx_token_stream_follow(s) == 0);
    CHECK(mlx_token_stream_put(&text, &n, s, 1) == 0);
    CHECK(mlx_token_stream_follow(s) == 1); // it has begun
    CHECK(mlx_token_stream_end(&text, &n, s) == 0 && mlx_token_stream_follow(s) == 0);
    mlx_token_stream_free(s);
    mlx_tokenizer_free(t);
}

/* Parts of a word without spaces are what the whole word is, unknown characters among them. */
static void parts_of_long_words(void) {
    static const char scored[] = "ab\xE4\xBD\xA0";
    size_t n, m;
    mx_tokenizer *t = mx_tokenizer_of("test", small, strlen(small));
    char text[600];
    for (uint32_t seed = 1; t && seed < 300; seed++) {
        uint32_t draw = seed * 2654435761U;
        for (size_t i = 0; i < sizeof text; i++, draw = draw * 1664525 + 1013904223)
            text[i] = (draw >> 24) % 7 < 5 ? "abcab"[(draw >> 24) % 5] : scored[(draw >> 20) % 2];
        mx_token_span *span = NULL;
        int32_t *parts =
                    mx_tokenizer_encode(t, text, sizeof text, NULL, 0, (mx_encode){0}, &n, NULL),
                *whole = mx_tokenizer_encode(t, text, sizeof text, NULL, 0,
                                             (mx_encode){.spans = &span}, &m, NULL);
        CHECK(parts && whole && n == m && !memcmp(parts, whole, n * sizeof *parts));
        mx_free(parts);
        mx_free(whole);
        mx_free(span);
    }
    mx_tokenizer_release(t);
}

static void no_memory(void) {
    int64_t live = mx_alloc_live();
    for (uint64_t k = 1, more = 1; more && k < 3000; k++) {
        size_t n = 0;
        mx_token_span *span = NULL;
        const mx_encode how = {.spans = k % 2 ? &span : NULL};
        mx_alloc_fail_at(k / 2 + 1);
        mx_tokenizer *t = mx_tokenizer_of("test", k % 4 / 2 ? small : folding,
                                          strlen(k % 4 / 2 ? small : folding));
        int32_t *ids =
            t ? mx_tokenizer_encode(t, "abc ab<s>\xFF", 10, NULL, 0, how, &n, NULL) : NULL;
        char *text = ids ? mx_tokenizer_decode(t, ids, n, true, &n) : NULL;
        more = k < 40 || mx_alloc_count() >= k / 2 + 1;
        mx_free(span);
        CHECK(text ? !mx_failed() : mx_error_status() == MX_NOMEM);
        mx_alloc_fail_at(0);
        mx_error_clear();
        mx_free(ids);
        mx_free(text);
        mx_tokenizer_release(t);
    }
    CHECK_EQ_INT(mx_alloc_live(), live);
}

int main(void) {
    mlx_set_error_handler(quiet, NULL, NULL);
    RUN(special_tokens);
    RUN(pairs);
    RUN(many_texts);
    RUN(lookups);
    RUN(normalizers);
    RUN(growing_texts);
    RUN(many_marks);
    RUN(scanners);
    RUN(invalid_text);
    RUN(bytes_as_they_come);
    RUN(long_words);
    RUN(refused);
    RUN(endless);
    RUN(offsets);
    RUN(middle_of_a_text);
    RUN(parts_of_long_words);
    RUN(no_memory);
    return check_done();
}
