#include "models/sampling/stop.h"

#include <string.h>

#include "base/mem.h"
#include "base/status.h"

typedef struct word {
    char *text;
    size_t length;
    size_t *border; /* [i]: the longest part of the first i + 1 bytes that is also their start */
    size_t matched; /* how much of it the bytes so far end in */
} word;

struct mx_stop {
    word *word;
    size_t count;
    char *held; /* bytes that were taken and not shown; those before `given` were shown last time */
    size_t length, given, room;
    int found;
};

/* --- words (Knuth, Morris and Pratt 1977) ----------------------------------------------------- */

static size_t step(const word *w, size_t matched, char c) {
    if (matched == w->length)
        matched = w->border[matched - 1];
    while (matched && w->text[matched] != c)
        matched = w->border[matched - 1];
    return w->text[matched] == c ? matched + 1 : 0;
}

static bool make_word(word *w, const char *text) {
    w->length = strlen(text);
    if (!w->length)
        return mx_fail(MX_INVALID, "[stop] a text that ends the answer is empty");
    w->text = mx_strdup(text);
    w->border = mx_calloc(w->length, sizeof *w->border);
    for (size_t i = 1; w->text && w->border && i < w->length; i++)
        w->border[i] = step(w, w->border[i - 1], text[i]);
    return w->text && w->border;
}

mx_stop *mx_stop_new(const char *const *texts, size_t count) {
    mx_stop *s = mx_calloc(1, sizeof *s);
    word *w = s ? mx_calloc(count + 1, sizeof *w) : NULL;
    bool ok = w != NULL;
    if (ok)
        *s = (mx_stop){.word = w, .count = count, .found = -1};
    for (size_t i = 0; ok && i < count; i++)
        ok = make_word(&w[i], texts[i]);
    if (ok)
        return s;
    mx_stop_free(s);
    return NULL;
}

void mx_stop_free(mx_stop *s) {
    for (size_t i = 0; s && i < s->count; i++) {
        mx_free(s->word[i].text);
        mx_free(s->word[i].border);
    }
    if (!s)
        return;
    mx_free(s->word);
    mx_free(s->held);
    mx_free(s);
}

/* --- the stream ------------------------------------------------------------------------------- */

static void drop_given(mx_stop *s) {
    if (s->given)
        memmove(s->held, s->held + s->given, s->length - s->given);
    s->length -= s->given;
    s->given = 0;
}

static bool hold(mx_stop *s, const char *bytes, size_t n) {
    size_t needs;
    if (!mx_add_size(s->length, n, &needs))
        return mx_fail_nomem("stop", SIZE_MAX);
    if (needs > s->room) {
        char *more = mx_realloc_array(s->held, needs, 1);
        if (!more)
            return false;
        s->held = more;
        s->room = needs;
    }
    if (n)
        memcpy(s->held + s->length, bytes, n);
    s->length = needs;
    return true;
}

/* The next byte goes to every word: where the first that is whole now begins, or length. */
static size_t look(mx_stop *s, size_t at) {
    size_t begins = s->length;
    for (size_t i = 0; i < s->count; i++) {
        word *w = &s->word[i];
        w->matched = step(w, w->matched, s->held[at]);
        if (w->matched == w->length && at + 1 - w->length < begins) {
            begins = at + 1 - w->length;
            s->found = (int)i;
        }
    }
    return begins;
}

/* The most that a word may still become. */
static size_t pending(const mx_stop *s) {
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++)
        most = s->word[i].matched > most ? s->word[i].matched : most;
    return most;
}

bool mx_stop_feed(mx_stop *s, const char *bytes, size_t n, const char **shown, size_t *shown_n,
                  int *found) {
    drop_given(s);
    size_t at = s->length, end = 0;
    *shown = "", *shown_n = 0, *found = s->found;
    if (s->found >= 0)
        return true;
    if (!hold(s, bytes, n))
        return false;
    for (end = s->length; at < s->length && s->found < 0; at++)
        end = look(s, at);
    s->given = s->found >= 0 ? end : s->length - pending(s);
    *shown = s->held ? s->held : "";
    *shown_n = s->given;
    *found = s->found;
    return true;
}

void mx_stop_end(mx_stop *s, const char **shown, size_t *shown_n) {
    drop_given(s);
    *shown = s->held ? s->held : "";
    *shown_n = s->found >= 0 ? 0 : s->length;
    s->given = s->length;
}
