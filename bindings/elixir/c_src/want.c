/* What a request and a batch are asked for: keyword lists become structs. */
#include <stdio.h>
#include <unistd.h>

#include "lm.h"

/* --- members of structs ----------------------------------------------------------------------- */

typedef struct field {
    const char *name;
    char kind; /* i: int, d: double, u: uint64_t, b: bool */
    size_t offset;
} field;

static bool is_set(ErlNifEnv *env, const field *f, void *at, term value) {
    switch (f->kind) {
    case 'i': return enif_get_int(env, value, at);
    case 'd': return mex_number(env, at, value);
    case 'u': return enif_get_uint64(env, value, at);
    default: return mex_bool(env, at, value);
    }
}

static const char *wanted(char kind) {
    return kind == 'i'   ? "an integer of 32 bits"
           : kind == 'd' ? "a number"
           : kind == 'u' ? "an integer from 0 to 2^64 - 1"
                         : "true or false";
}

static bool set(ErlNifEnv *env, const field *f, void *to, term value) {
    char what[48];
    snprintf(what, sizeof what, "the option %s", f->name);
    return is_set(env, f, (char *)to + f->offset, value) ||
           mex_expected(env, what, wanted(f->kind), value);
}

/* *known: the name is in the rows. */
static bool set_field(ErlNifEnv *env, const field *rows, size_t n, void *to, const char *name,
                      term value, bool *known) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].name, name))
            return *known = true, set(env, &rows[i], to, value);
    return true;
}

#define S(member, kind) {#member, kind, offsetof(mlx_sampler_options, member)}
static const field sampling_fields[] = {
    S(seed, 'u'),
    S(temperature, 'd'),
    S(top_k, 'i'),
    S(top_p, 'd'),
    S(min_p, 'd'),
    S(typical_p, 'd'),
    S(xtc_probability, 'd'),
    S(xtc_threshold, 'd'),
    S(repetition_penalty, 'd'),
    S(presence_penalty, 'd'),
    S(frequency_penalty, 'd'),
    S(penalty_last, 'i'),
    S(dry_multiplier, 'd'),
    S(dry_base, 'd'),
    S(dry_allowed, 'i'),
    S(dry_last, 'i'),
    S(mirostat_tau, 'd'),
    S(mirostat_eta, 'd'),
};

#define R(name, member, kind) {name, kind, offsetof(mlx_lm_request, member)}
static const field request_fields[] = {
    R("max_tokens", most, 'i'),
    R("special", special, 'b'),
    R("ignore_end", ignore_end, 'b'),
    R("log_probabilities", log_probabilities, 'i'),
    R("echo", echo, 'b'),
    R("show_special", show_special, 'b'),
};

#define B(member, kind) {#member, kind, offsetof(mlx_lm_batch_options, member)}
static const field batch_fields[] = {
    B(requests, 'i'), B(waiting, 'i'),      B(context, 'i'), B(chunk, 'i'),
    B(kv_bytes, 'u'), B(kv_bits, 'i'),      B(shift, 'b'),   B(keep, 'i'),
    B(lookup, 'i'),   B(draft_tokens, 'i'), B(heads, 'i'),
};

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* The next pair of a keyword list. *more: there is one. */
static bool next_option(ErlNifEnv *env, term *list, char name[64], term *value, bool *more) {
    const term *pair;
    term item;
    int n;
    *more = enif_get_list_cell(env, *list, &item, list);
    if (!*more)
        return enif_is_empty_list(env, *list) ||
               mex_expected(env, "the options", "a keyword list", *list);
    if (!enif_get_tuple(env, item, &n, &pair) || n != 2 ||
        !enif_get_atom(env, pair[0], name, 64, ERL_NIF_LATIN1))
        return mex_expected(env, "an option", "{name, value}", item);
    *value = pair[1];
    return true;
}

/* A quarter of the machine's memory: keys and values are kept until others need the place. */
static uint64_t default_kv_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages / 4 * (uint64_t)page : (uint64_t)1 << 30;
}

bool mex_want_batch(ErlNifEnv *env, mlx_lm_batch_options *out, term options) {
    char name[64];
    bool more = true, known;
    term value;
    out->kv_bytes = default_kv_bytes();
    while (next_option(env, &options, name, &value, &more) && more) {
        mlx_lm *draft = NULL;
        known = !strcmp(name, "draft");
        if (known && !(draft = mex_lm_of(env, value)))
            return false;
        if (draft)
            out->draft = *draft;
        if (!set_field(env, batch_fields, COUNT(batch_fields), out, name, value, &known))
            return false;
        if (!known)
            return mex_fail("invalid", "there is no option %s", name);
    }
    return !more;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Memory that the want frees; NULL with a note. */
static void *own(mex_want *w, void *memory) {
    if (!memory)
        return NULL;
    if (w->count < (int)COUNT(w->owned))
        return w->owned[w->count++] = memory;
    enif_free(memory);
    return mex_fail("range", "more lists and texts than a request may have"), NULL;
}

static void *room(mex_want *w, size_t n, size_t size) {
    void *memory = enif_alloc((n + 1) * size);
    return memory ? own(w, memory) : (mex_fail("memory", "no memory for a request"), NULL);
}

static bool take_stops(ErlNifEnv *env, mex_want *w, term list) {
    unsigned n;
    term item;
    if (!enif_get_list_length(env, list, &n) || n > 32)
        return mex_expected(env, "stop", "a list of at most 32 strings", list);
    const char **stops = room(w, n, sizeof *stops);
    w->request.stop = stops;
    w->request.stop_num = 0;
    while (stops && enif_get_list_cell(env, list, &item, &list)) {
        stops[w->request.stop_num] = own(w, mex_text(env, item));
        if (!stops[w->request.stop_num++])
            return false;
    }
    return stops;
}

/* {token, number}, ... in a list */
static bool take_bias(ErlNifEnv *env, mex_want *w, term list) {
    const term *pair;
    unsigned n;
    term item;
    int arity;
    if (!enif_get_list_length(env, list, &n))
        return mex_expected(env, "logit_bias", "a list of {token, number}", list);
    int *tokens = room(w, n, sizeof *tokens);
    float *biases = tokens ? room(w, n, sizeof *biases) : NULL;
    size_t i = 0;
    for (double bias; biases && enif_get_list_cell(env, list, &item, &list);
         biases[i++] = (float)bias)
        if (!enif_get_tuple(env, item, &arity, &pair) || arity != 2 ||
            !enif_get_int(env, pair[0], &tokens[i]) || !mex_number(env, &bias, pair[1]))
            return mex_expected(env, "an entry of logit_bias", "{token, number}", item);
    w->sampling.bias_tokens = tokens;
    w->sampling.bias = biases;
    w->sampling.bias_count = i;
    return biases;
}

static bool take_ends(ErlNifEnv *env, mex_want *w, term list) {
    w->request.end_tokens = own(w, mex_token_list(env, &w->request.end_token_num, list));
    return w->request.end_tokens;
}

/* --- structures ------------------------------------------------------------------------------- */

static bool open_choices(ErlNifEnv *env, mlx_structure *s, term list) {
    mlx_vector_string texts = mlx_vector_string_new();
    bool fine = enif_is_list(env, list) || mex_expected(env, "choices", "a list of strings", list);
    term item;
    while (fine && enif_get_list_cell(env, list, &item, &list)) {
        char *text = mex_text(env, item);
        fine = text && (!mlx_vector_string_append_value(texts, text) || mex_fail_mlx());
        enif_free(text);
    }
    fine = fine && (!mlx_structure_open_choices(s, texts) || mex_fail_mlx());
    mlx_vector_string_free(texts);
    return fine;
}

static int open_text(mlx_structure *s, const char *kind, const char *text) {
    return !strcmp(kind, "schema")  ? mlx_structure_open_schema(s, text, MLX_STRUCTURE_SPACED)
           : !strcmp(kind, "regex") ? mlx_structure_open_regex(s, text)
                                    : mlx_structure_open_gbnf(s, text);
}

static bool take_structure(ErlNifEnv *env, mex_want *w, const char *kind, term value) {
    if (w->request.structure.ctx)
        return mex_fail("invalid", "one of schema, regex, grammar and choices at a time");
    w->request.structure = mlx_structure_new();
    if (!strcmp(kind, "choices"))
        return open_choices(env, &w->request.structure, value);
    char *text = mex_text(env, value);
    bool fine = text && (!open_text(&w->request.structure, kind, text) || mex_fail_mlx());
    enif_free(text);
    return fine;
}

/* --- requests --------------------------------------------------------------------------------- */

static bool take_file(ErlNifEnv *env, mex_want *w, const char **to, term value) {
    *to = own(w, mex_text(env, value));
    return *to;
}

/* What is more than a number. *known: it was one of these. */
static bool take_more(ErlNifEnv *env, mex_want *w, const char *name, term value, bool *known) {
    *known = true;
    if (!strcmp(name, "stop"))
        return take_stops(env, w, value);
    if (!strcmp(name, "logit_bias"))
        return take_bias(env, w, value);
    if (!strcmp(name, "end_tokens"))
        return take_ends(env, w, value);
    if (!strcmp(name, "load_cache"))
        return take_file(env, w, &w->request.load_cache, value);
    if (!strcmp(name, "save_cache"))
        return take_file(env, w, &w->request.save_cache, value);
    if (!strcmp(name, "schema") || !strcmp(name, "regex") || !strcmp(name, "grammar") ||
        !strcmp(name, "choices"))
        return take_structure(env, w, name, value);
    *known = false;
    return true;
}

static bool take_option(ErlNifEnv *env, mex_want *w, const char *name, term value) {
    bool known = false;
    return take_more(env, w, name, value, &known) &&
           set_field(env, request_fields, COUNT(request_fields), &w->request, name, value,
                     &known) &&
           set_field(env, sampling_fields, COUNT(sampling_fields), &w->sampling, name, value,
                     &known) &&
           (known || mex_fail("invalid", "there is no option %s", name));
}

static bool take_prompt(ErlNifEnv *env, mex_want *w, term prompt) {
    ErlNifBinary bin;
    if (enif_inspect_binary(env, prompt, &bin)) {
        w->request.text = bin.size ? (const char *)bin.data : "";
        w->request.text_num = bin.size;
        return true;
    }
    if (!enif_is_list(env, prompt))
        return mex_expected(env, "the prompt", "a string or a list of tokens", prompt);
    w->request.tokens = own(w, mex_token_list(env, &w->request.token_num, prompt));
    return w->request.tokens;
}

bool mex_want_read(ErlNifEnv *env, mex_want *w, term prompt, term options) {
    char name[64];
    bool more = true;
    term value;
    w->request.sampling = &w->sampling;
    if (!take_prompt(env, w, prompt))
        return false;
    while (next_option(env, &options, name, &value, &more) && more)
        if (!take_option(env, w, name, value))
            return false;
    return !more;
}

void mex_want_free(mex_want *w) {
    mlx_structure_free(w->request.structure);
    while (w->count)
        enif_free(w->owned[--w->count]);
}
