/* Errors: the note of a thread, in Elixir's words, and the exception that it becomes. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "nif.h"

static _Thread_local struct {
    char reason[24], operation[64], text[1024];
} note;

void mex_operation(const char *name, int length) {
    snprintf(note.operation, sizeof note.operation, "%.*s", length, name);
}

bool mex_fail(const char *reason, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(note.text, sizeof note.text, format, args);
    va_end(args);
    snprintf(note.reason, sizeof note.reason, "%s", reason);
    return false;
}

/* --- what was given --------------------------------------------------------------------------- */

/* Atoms, numbers and the like as they are written. */
static void plain_text(ErlNifEnv *env, term t, char *to, size_t size) {
    char text[64] = "";
    double x;
    const char *kind = enif_is_number(env, t) ? "the number "
                       : enif_is_pid(env, t)  ? "the process "
                                              : "the reference ";
    if (enif_is_atom(env, t)) {
        mex_atom_text(t, to, size);
        return;
    }
    if (enif_get_double(env, t, &x))
        snprintf(text, sizeof text, x == trunc(x) && fabs(x) < 1e15 ? "%.1f" : "%.15g", x);
    else if (enif_snprintf(text, sizeof text, "%T", t) < 0)
        text[0] = 0;
    snprintf(to, size, "%s%s", kind, text);
}

/* What a struct of this package's must refer to, if it does not; NULL: it does, or is another's. */
static const char *forged(ErlNifEnv *env, term t, term module) {
    const struct {
        term module;
        ErlNifResourceType *type;
        const char *kind;
    } rows[] = {{mex_atom.array_module, mex_array_type, "arrays"},
                {mex_atom.stream_module, mex_stream_type, "streams"},
                {mex_atom.group_module, mex_group_type, "groups"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].module == module)
            return mex_held(env, t, rows[i].type) ? NULL : rows[i].kind;
    return NULL;
}

/* %Nx.Tensor{} */
static bool struct_text(ErlNifEnv *env, term t, char *to, size_t size) {
    char name[64];
    term module;
    if (!enif_get_map_value(env, t, mex_atom.struct_, &module) || !enif_is_atom(env, module))
        return false;
    mex_atom_text(module, name, sizeof name);
    const char *kind = forged(env, t, module);
    if (kind)
        snprintf(to, size, "a %%%s{} whose reference is none of this VM's %s", name, kind);
    else
        snprintf(to, size, "%%%s{}", name);
    return true;
}

/* "sum", where it is short and can be read. */
static bool string_text(ErlNifEnv *env, term t, char *to, size_t size) {
    ErlNifBinary bin;
    char text[41], clean[41];
    if (!enif_inspect_binary(env, t, &bin) || bin.size >= sizeof text)
        return false;
    for (size_t i = 0; i < bin.size; i++)
        if (bin.data[i] < ' ' || bin.data[i] == 127)
            return false;
    memcpy(text, bin.data, bin.size);
    text[bin.size] = 0;
    mex_clean_text(clean, sizeof clean, text);
    snprintf(to, size, "\"%s\"", text);
    return !strcmp(text, clean);
}

static const char *kind_of(ErlNifEnv *env, term t) {
    return enif_is_binary(env, t)  ? "the binary given"
           : enif_is_tuple(env, t) ? "the tuple given"
           : enif_is_list(env, t)  ? "the list given"
           : enif_is_map(env, t)   ? "the map given"
           : enif_is_fun(env, t)   ? "the function given"
                                   : "the term given";
}

/* Terms as long as a book are only named. */
bool mex_expected(ErlNifEnv *env, const char *what, const char *expected, term given) {
    char text[128];
    bool plain = enif_is_atom(env, given) || enif_is_number(env, given) ||
                 enif_is_ref(env, given) || enif_is_pid(env, given);
    if (plain)
        plain_text(env, given, text, sizeof text);
    else if (!string_text(env, given, text, sizeof text) &&
             !(enif_is_map(env, given) && struct_text(env, given, text, sizeof text)))
        snprintf(text, sizeof text, "%s",
                 enif_is_empty_list(env, given) ? "[]" : kind_of(env, given));
    return mex_fail("invalid", "%s must be %s, not %s", what, expected, text);
}

/* --- what the library says -------------------------------------------------------------------- */

static const char *reason_of(int code) {
    switch (code) {
    case MLX_ERROR_INVALID: return "invalid";
    case MLX_ERROR_RANGE: return "range";
    case MLX_ERROR_MEMORY: return "memory";
    case MLX_ERROR_IO: return "io";
    case MLX_ERROR_FORMAT: return "format";
    case MLX_ERROR_UNSUPPORTED: return "unsupported";
    case MLX_ERROR_DEVICE: return "device";
    case MLX_ERROR_INTERRUPTED: return "interrupted";
    case MLX_ERROR_NOT_FINITE: return "not_finite";
    default: return "internal";
    }
}

typedef struct writer {
    char *to, *end;
} writer;

static void put(writer *w, char c) {
    if (w->to < w->end)
        *w->to++ = c;
}

/* "(2,3)" as {2, 3}, and where shapes are spoken of "(2)" as {2}; how long it was, 0: it is none. */
static size_t put_shape(writer *w, const char *at, bool shapes) {
    size_t n = *at == '(' ? 1 + strspn(at + 1, "0123456789, ") : 0;
    if (!n || at[n] != ')' || !(shapes || memchr(at, ',', n)))
        return 0;
    put(w, '{');
    for (size_t i = 1; i < n; i++) {
        bool between = at[i] == ',' && at[i + 1] != ')';
        if (between || (at[i] >= '0' && at[i] <= '9'))
            put(w, at[i]);
        if (between)
            put(w, ' ');
    }
    put(w, '}');
    return n + 1;
}

static bool is_letter(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A whole word that Elixir has another one for; how long it was, 0: it is none. */
static size_t put_word(writer *w, const char *text, const char *at) {
    static const char *const rows[][2] = {{"None", "nil"},
                                          {"True", "true"},
                                          {"False", "false"},
                                          {"linalg::", ""},
                                          {"[custom_function] the vjp", "[custom_vjp] the rule"}};
    if (at > text && is_letter(at[-1]))
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i][0]);
        if (strncmp(at, rows[i][0], n))
            continue;
        for (const char *c = rows[i][1]; *c; c++)
            put(w, *c);
        return n;
    }
    return 0;
}

/* The library's sentences in Elixir's words: shapes are tuples, what Python calls None is nil. */
static void in_words(char *to, size_t size, const char *text) {
    writer w = {to, to + size - 1};
    bool shapes = strstr(text, "hape");
    for (const char *at = text; *at;) {
        size_t n = put_shape(&w, at, shapes);
        if (!n)
            n = put_word(&w, text, at);
        if (!n)
            put(&w, *at);
        at += n ? n : 1;
    }
    *w.to = 0;
}

/* Names of files stay as they are. */
static bool is_about_arguments(int code) {
    return code == MLX_ERROR_INVALID || code == MLX_ERROR_RANGE || code == MLX_ERROR_UNSUPPORTED;
}

/* "[matmul] what": how long the name in brackets is; 0: there is none. */
static size_t name_length(const char *text) {
    const char *end = *text == '[' ? strchr(text, ']') : NULL;
    return end && end - text <= (long)sizeof note.operation ? (size_t)(end - text) - 1 : 0;
}

/* What stands in brackets is the operation. */
bool mex_fail_mlx(void) {
    char text[sizeof note.text];
    int code = mlx_last_error_code();
    if (is_about_arguments(code))
        in_words(text, sizeof text, mlx_last_error_message());
    else
        snprintf(text, sizeof text, "%s", mlx_last_error_message());
    size_t n = name_length(text);
    if (n)
        mex_operation(text + 1, (int)n);
    mex_fail(reason_of(code), "%s", *text ? text : "failed without a message");
    mlx_clear_last_error();
    return false;
}

bool mex_fail_call(void) {
    char name[sizeof note.operation], rest[sizeof note.text - sizeof name - 2];
    bool about_arguments = is_about_arguments(mlx_last_error_code());
    memcpy(name, note.operation, sizeof name);
    mex_fail_mlx();
    size_t n = name_length(note.text);
    if (n && about_arguments) {
        snprintf(rest, sizeof rest, "%s", note.text + n + 2);
        snprintf(note.text, sizeof note.text, "[%s]%s", name, rest);
    }
    memcpy(note.operation, name, sizeof name);
    return false;
}

/* --- exceptions ------------------------------------------------------------------------------- */

static term clean_term(ErlNifEnv *env, const char *text) {
    char clean[sizeof note.text];
    return mex_text_term(env, clean, mex_clean_text(clean, sizeof clean, text));
}

term mex_error_term(ErlNifEnv *env) {
    term keys[] = {mex_atom.struct_, mex_atom.exception_, mex_atom.operation, mex_atom.reason,
                   mex_atom.message};
    term values[] = {mex_atom.error_module, mex_atom.yes,
                     *note.operation ? clean_term(env, note.operation) : mex_atom.nil,
                     enif_make_atom(env, note.reason), clean_term(env, note.text)};
    term t = mex_atom.nil;
    enif_make_map_from_arrays(env, keys, values, 5, &t);
    note.operation[0] = 0;
    return t;
}

term mex_raise(ErlNifEnv *env) {
    return enif_raise_exception(env, mex_error_term(env));
}

term mex_raise_as(ErlNifEnv *env, const char *operation) {
    mex_operation(operation, (int)strlen(operation));
    return mex_raise(env);
}
