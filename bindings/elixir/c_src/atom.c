/* Atoms and texts. */
#include <stdio.h>

#include "nif.h"

mex_atoms mex_atom;

void mex_atoms_load(ErlNifEnv *env) {
#define ATOM(name) mex_atom.name = enif_make_atom(env, #name);
    MEX_ATOMS
#undef ATOM
    mex_atom.yes = enif_make_atom(env, "true");
    mex_atom.no = enif_make_atom(env, "false");
    mex_atom.struct_ = enif_make_atom(env, "__struct__");
    mex_atom.exception_ = enif_make_atom(env, "__exception__");
    mex_atom.error_module = enif_make_atom(env, "Elixir.Mlx.Error");
    mex_atom.array_module = enif_make_atom(env, "Elixir.Mlx.Array");
    mex_atom.stream_module = enif_make_atom(env, "Elixir.Mlx.Stream");
    mex_atom.group_module = enif_make_atom(env, "Elixir.Mlx.Distributed.Group");
}

term mex_text_term(ErlNifEnv *env, const char *text, size_t n) {
    term t;
    unsigned char *to = enif_make_new_binary(env, n, &t);
    if (n)
        memcpy(to, text, n);
    return t;
}

void mex_atom_text(term atom, char *to, size_t size) {
    static const char module[] = "'Elixir.";
    char text[96] = "";
    if (enif_snprintf(text, sizeof text, "%T", atom) < 0)
        *text = 0;
    int quoted = *text == '\'', n = (int)strlen(text);
    int inner = n - quoted - (quoted && n > 1 && text[n - 1] == '\'');
    if (!strncmp(text, module, sizeof module - 1))
        snprintf(to, size, "%.*s", inner - (int)strlen("Elixir."), text + strlen(module));
    else if (quoted)
        snprintf(to, size, ":\"%.*s\"", inner, text + 1);
    else if (atom == mex_atom.nil || atom == mex_atom.yes || atom == mex_atom.no)
        snprintf(to, size, "%s", text);
    else
        snprintf(to, size, ":%s", text);
}

/* How many bytes the character has that begins here; 0: these are none of UTF-8 (RFC 3629). */
static size_t character(const unsigned char *at) {
    unsigned char c = at[0], low = 0x80, high = 0xBF;
    size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n < 2)
        return n;
    if (c == 0xE0 || c == 0xF0)
        low = c == 0xE0 ? 0xA0 : 0x90;
    if (c == 0xED || c == 0xF4)
        high = c == 0xED ? 0x9F : 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

size_t mex_clean_text(char *to, size_t size, const char *text) {
    static const char unknown[] = "\xEF\xBF\xBD";
    size_t used = 0;
    while (*text) {
        size_t n = character((const unsigned char *)text);
        const char *from = n ? text : unknown;
        size_t room = n ? n : sizeof unknown - 1;
        if (used + room >= size)
            break;
        memcpy(to + used, from, room);
        used += room;
        text += n ? n : 1;
    }
    to[used] = 0;
    return used;
}
