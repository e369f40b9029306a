/* Options that would change nothing beside the others are refused. */
#include <string.h>

#include "parse/parse.h"

static bool is_given(const cli_call *c, const char *name, size_t n) {
    for (size_t i = 0; i < c->given_count; i++)
        if (c->given[i].count && strlen(c->given[i].option->name) == n &&
            strncmp(c->given[i].option->name, name, n) == 0)
            return true;
    return false;
}

/* The first of "a|b" that was given, in it; NULL: none. *n: its length. */
static const char *first_given(const cli_call *c, const char *words, size_t *n) {
    for (const char *at = words; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        *n = strcspn(at, "|");
        if (is_given(c, at, *n))
            return at;
    }
    return NULL;
}

/* "--a, --b or --c" */
static void list_words(const char *words, char *room, size_t size) {
    size_t at = 0, n;
    for (const char *w = words; *w && at + 1 < size; w += n + (w[n] == '|')) {
        n = strcspn(w, "|");
        bool last = !w[n], first = w == words;
        int k = snprintf(room + at, size - at, "%s--%.*s",
                         first  ? ""
                         : last ? " or "
                                : ", ",
                         (int)n, w);
        at += k > 0 ? (size_t)k : 0;
    }
}

static int check_one(cli_call *c, const cli_option *o) {
    char list[256] = "";
    size_t n = 0;
    const char *beside = o->beside ? first_given(c, o->beside, &n) : NULL;
    if (beside)
        return cli_usage(c, "--%s has no effect beside --%.*s", o->name, (int)n, beside);
    if (!o->needs || first_given(c, o->needs, &n))
        return CLI_OK;
    list_words(o->needs, list, sizeof list);
    return cli_usage(c, "--%s has no effect without %s", o->name, list);
}

int cli_check_effects(cli_call *c) {
    int status = CLI_OK;
    for (size_t i = 0; i < c->given_count && status == CLI_OK; i++)
        if (c->given[i].count)
            status = check_one(c, c->given[i].option);
    return status;
}

int cli_check_only(cli_call *c, const char *with, const char *names) {
    for (size_t i = 0; i < c->given_count; i++) {
        const char *name = c->given[i].option->name;
        size_t n;
        bool known = strcmp(name, with) == 0;
        for (const char *w = names; *w && !known; w += n + (w[n] == '|')) {
            n = strcspn(w, "|");
            known = strlen(name) == n && strncmp(name, w, n) == 0;
        }
        if (c->given[i].count && !known)
            return cli_usage(c, "--%s has no effect beside --%s", name, with);
    }
    return CLI_OK;
}
