/* Texts of models: tokens, conversations, vectors.
 *
 * A chat template puts what users wrote between special tokens, and its text is encoded with them.
 * So that what a user writes is text even where it reads like a special token, a mark that nobody
 * knows is put into such words before the template sees them; the text is then encoded in parts,
 * from mark to mark.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "serve/engine/engine_own.h"

/* --- special tokens --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    const engine_piece *x = a, *y = b;
    return (unsigned char)*x->text - (unsigned char)*y->text;
}

/* U+FDD0, which is no character (The Unicode Standard, section 23.7), around a random name. */
static void make_mark(srv_model *m) {
    uint8_t any[16];
    char *to = m->mark;
    if (getrandom(any, sizeof any, 0) != (ssize_t)sizeof any)
        memset(any, 0, sizeof any); // never so for so few bytes
    to += sprintf(to, "\xef\xb7\x90");
    for (size_t i = 0; i < sizeof any; i++)
        to += sprintf(to, "%02x", any[i]);
    to += sprintf(to, "\xef\xb7\x90");
    m->mark_num = (size_t)(to - m->mark);
}

static bool add_piece(srv_model *m, int token) {
    bool special = false;
    engine_piece p = {0};
    if (mlx_tokenizer_is_special(&special, m->tokenizer, token))
        return false;
    if (!special || mlx_tokenizer_piece(&p.text, &p.n, m->tokenizer, token) || p.n < 2)
        return true;
    if ((m->piece_count & (m->piece_count - 1)) == 0) { // room for a power of two
        size_t room = m->piece_count ? m->piece_count * 2 : 1;
        engine_piece *more = realloc(m->pieces, room * sizeof *more);
        if (!more)
            return false;
        m->pieces = more;
    }
    m->pieces[m->piece_count++] = p;
    return true;
}

bool engine_text_open(srv_model *m, srv_fault *f) {
    size_t n;
    if (mlx_tokenizer_size(&n, m->tokenizer))
        return engine_fail(f);
    make_mark(m);
    for (size_t i = 0; i < n; i++)
        if (!add_piece(m, (int)i))
            return srv_fail(f, 500, "out of memory");
    if (m->piece_count)
        qsort(m->pieces, m->piece_count, sizeof *m->pieces, compare);
    return true;
}

void engine_text_close(srv_model *m) {
    free(m->pieces);
    m->pieces = NULL;
    m->piece_count = 0;
}

/* Does a special token's text begin here? */
static bool is_special(const srv_model *m, const char *at, size_t n) {
    for (size_t i = 0; i < m->piece_count; i++) {
        const engine_piece *p = &m->pieces[i];
        if (*p->text == *at && p->n <= n && memcmp(p->text, at, p->n) == 0)
            return true;
    }
    return false;
}

/* Which bytes begin special tokens. */
static void firsts(const srv_model *m, bool first[256]) {
    memset(first, 0, 256 * sizeof *first);
    for (size_t i = 0; i < m->piece_count; i++)
        first[(unsigned char)*m->pieces[i].text] = true;
}

/* --- what users wrote ------------------------------------------------------------------------- */

/* With a mark behind the first character of each special token's text; NULL: it has none. */
static json_t *marked(const srv_model *m, const char *text, size_t n, bool *failed) {
    bool first[256];
    srv_text out = {0};
    size_t done = 0;
    firsts(m, first);
    for (size_t i = 0; i < n; i++) {
        if (!first[(unsigned char)text[i]] || !is_special(m, text + i, n - i))
            continue;
        size_t behind = i + 1;
        while (behind < n && ((unsigned char)text[behind] & 0xc0) == 0x80)
            behind++;
        srv_text_put(&out, text + done, behind - done);
        srv_text_put(&out, m->mark, m->mark_num);
        done = behind;
    }
    if (done == 0)
        return NULL;
    srv_text_put(&out, text + done, n - done);
    json_t *value = out.failed ? NULL : json_stringn(out.data, out.n);
    *failed = !value;
    srv_text_free(&out);
    return value;
}

/* Words of users, of tools and about tools, and documents are of strangers; the others are of
   whoever calls, or the model's. */
static bool is_stranger(const json_t *message) {
    const char *role = json_string_value(json_object_get(message, "role"));
    return role && (strcmp(role, "user") == 0 || strcmp(role, "tool") == 0);
}

/* All texts in a value; as deep as a request may be nested. NULL: no memory. */
static json_t *guarded(const srv_model *m, const json_t *value) {
    bool failed = false;
    if (json_is_string(value)) {
        json_t *text = marked(m, json_string_value(value), json_string_length(value), &failed);
        return text || failed ? text : json_incref((json_t *)value);
    }
    json_t *copy = json_copy((json_t *)value), *member;
    const char *key;
    size_t i;
    failed = !copy;
    json_array_foreach(copy, i, member) failed =
        failed || json_array_set_new(copy, i, guarded(m, member));
    json_object_foreach(copy, key, member) failed =
        failed || json_object_set_new(copy, key, guarded(m, member));
    if (!failed)
        return copy;
    json_decref(copy);
    return NULL;
}

static json_t *guard(const srv_model *m, const json_t *messages) {
    json_t *copy = json_copy((json_t *)messages), *message;
    size_t i;
    bool failed = !copy;
    json_array_foreach(copy, i, message) if (is_stranger(message)) failed =
        failed || json_array_set_new(copy, i, guarded(m, message));
    if (!failed)
        return copy;
    json_decref(copy);
    return NULL;
}

/* --- conversations ---------------------------------------------------------------------------- */

static char *variables_text(const srv_model *m, const json_t *messages, const json_t *tools,
                            const json_t *variables) {
    json_t *all = variables ? json_copy((json_t *)variables) : json_object();
    json_t *documents = json_object_get(all, "documents");
    bool ok = all && json_object_set_new(all, "messages", guard(m, messages)) == 0 &&
              json_object_set_new(all, "add_generation_prompt", json_true()) == 0 &&
              (!tools || json_object_set_new(all, "tools", guarded(m, tools)) == 0) &&
              (!documents || json_object_set_new(all, "documents", guarded(m, documents)) == 0);
    char *text = ok ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return text;
}

static char *copy_of(const char *text, size_t n) {
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = 0;
    }
    return copy;
}

char *srv_model_chat(srv_model *m, const json_t *messages, const json_t *tools,
                     const json_t *variables, size_t *n, srv_fault *f) {
    char *given = variables_text(m, messages, tools, variables), *made = NULL;
    mlx_string text = mlx_string_new();
    if (given && mlx_template_render(&text, n, m->template, given, strlen(given), NULL))
        engine_fail(f);
    else if (given)
        made = copy_of(mlx_string_data(text), *n);
    if (!made)
        srv_fail(f, 500, "out of memory");
    mlx_string_free(text);
    free(given);
    return made;
}

/* --- tokens ----------------------------------------------------------------------------------- */

typedef struct tokens {
    int *data;
    size_t n;
} tokens;

static bool encode_part(srv_model *m, const char *text, size_t n, int flags, tokens *to,
                        srv_fault *f) {
    mlx_tokens part = mlx_tokens_new();
    const int *data;
    size_t count = 0;
    bool ok = mlx_tokenizer_encode(&part, m->tokenizer, text, n, flags) == 0 &&
              mlx_tokens_data(&data, &count, part) == 0;
    int *more = ok ? realloc(to->data, (to->n + count + 1) * sizeof *more) : NULL;
    if (!ok)
        engine_fail(f);
    else if (!more)
        srv_fail(f, 500, "out of memory");
    else {
        to->data = more;
        if (count)
            memcpy(more + to->n, data, count * sizeof *data);
        to->n += count;
    }
    mlx_tokens_free(part);
    return more != NULL;
}

/* From mark to mark. */
static bool encode_chat(srv_model *m, const char *text, size_t n, tokens *to, srv_fault *f) {
    for (const char *end = text + n;;) {
        const char *mark = memmem(text, (size_t)(end - text), m->mark, m->mark_num);
        const char *stop = mark ? mark : end;
        if (!encode_part(m, text, (size_t)(stop - text), MLX_ENCODE_BARE, to, f))
            return false;
        if (!mark)
            return true;
        text = mark + m->mark_num;
    }
}

int *srv_model_encode(srv_model *m, const char *text, size_t n, bool special, size_t *count,
                      srv_fault *f) {
    tokens all = {0};
    bool ok = special ? encode_chat(m, text, n, &all, f)
                      : encode_part(m, text, n, MLX_ENCODE_PLAIN, &all, f);
    *count = all.n;
    if (ok)
        return all.data;
    free(all.data);
    return NULL;
}

char *srv_model_token(srv_model *m, int token, size_t *n) {
    const char *bytes = NULL;
    *n = 0;
    if (token < 0)
        return copy_of("", 0);
    mlx_structure_vocabulary_bytes(&bytes, n, m->vocabulary, token);
    if (*n == 0) // special ones
        mlx_tokenizer_piece(&bytes, n, m->tokenizer, token);
    return copy_of(bytes ? bytes : "", bytes ? *n : 0);
}

char *srv_model_decode(srv_model *m, const int *ids, size_t count, size_t *n, srv_fault *f) {
    mlx_string text = mlx_string_new();
    char *copy = NULL;
    if (mlx_tokenizer_decode(&text, n, m->tokenizer, ids, count, true))
        engine_fail(f);
    else if (!(copy = copy_of(mlx_string_data(text), *n)))
        srv_fail(f, 500, "out of memory");
    mlx_string_free(text);
    return copy;
}

/* --- vectors ---------------------------------------------------------------------------------- */

float *srv_model_embed(srv_model *m, const int *ids, size_t n, srv_fault *f) {
    mlx_array v = mlx_array_new();
    size_t bytes = (size_t)m->about.hidden * sizeof(float);
    float *copy = NULL;
    if (mlx_lm_embed(&v, m->lm, ids, NULL, &n, 1) || mlx_array_eval(v))
        engine_fail(f);
    else if (mlx_array_nbytes(v) != bytes || !(copy = malloc(bytes)))
        srv_fail(f, 500, "out of memory");
    else
        memcpy(copy, mlx_array_data_float32(v), bytes);
    mlx_array_free(v);
    return copy;
}
