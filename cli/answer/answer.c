/* An answer, taken apart as it comes. */
#include "answer/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "answer/style.h"

typedef struct bytes {
    char *data;
    size_t n, room;
} bytes;

struct cli_answer {
    cli_answer_options o;
    int in;
    bytes pending;      /* not looked at to the end: it may end in the beginning of a marker */
    bytes body;         /* of a call */
    bytes head;         /* words of a head */
    bytes spaces;       /* held back: they go where a part ends */
    const char *opened; /* the marker before the body */
    bool trims;         /* spaces at the beginning of a part go */
    bool began;         /* something other than spaces came */
    bool halted;        /* a call has begun, and what follows waits in `pending` */
};

static bool put(bytes *b, const char *text, size_t n) {
    if (b->n + n + 1 > b->room) {
        size_t room = (b->n + n + 1) * 2;
        char *data = realloc(b->data, room);
        if (!data)
            return false;
        b->data = data;
        b->room = room;
    }
    if (n)
        memcpy(b->data + b->n, text, n);
    b->n += n;
    b->data[b->n] = 0;
    return true;
}

static void drop(bytes *b, size_t n) {
    memmove(b->data, b->data + n, b->n - n + 1);
    b->n -= n;
}

static void empty(bytes *b) {
    b->n = 0;
    if (b->data)
        *b->data = 0;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static bool emit(cli_answer *a, cli_piece_kind kind, const char *text, size_t n) {
    bytes copy = {0}; // with a zero behind
    bool ok =
        n == 0 || (put(&copy, text, n) &&
                   a->o.sink(&(cli_piece){.kind = kind, .text = copy.data, .n = n}, a->o.data));
    free(copy.data);
    return ok;
}

static bool emit_call(void *to, const char *name, const char *id, const json_t *arguments) {
    cli_answer *a = to;
    char *text = json_dumps(arguments, JSON_COMPACT);
    bool ok = text && a->o.sink(&(cli_piece){.kind = CLI_PIECE_CALL,
                                             .text = text,
                                             .n = strlen(text),
                                             .name = name,
                                             .id = id},
                                a->o.data);
    free(text);
    return ok;
}

static size_t spaces_before(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && isspace((unsigned char)text[i]))
        i++;
    return i;
}

static size_t spaces_behind(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && isspace((unsigned char)text[n - 1 - i]))
        i++;
    return i;
}

/* Text of a part: spaces at its end wait for what comes. */
static bool show(cli_answer *a, const char *text, size_t n) {
    cli_piece_kind kind = a->in == IN_REASONING ? CLI_PIECE_REASONING : CLI_PIECE_TEXT;
    size_t skipped = a->trims ? spaces_before(text, n) : 0;
    text += skipped;
    n -= skipped;
    size_t last = spaces_behind(text, n);
    if (n > last) {
        bool ok = emit(a, kind, a->spaces.data, a->spaces.n) && emit(a, kind, text, n - last);
        empty(&a->spaces);
        a->trims = false;
        a->began = true;
        if (!ok)
            return false;
    }
    return a->trims || put(&a->spaces, text + n - last, last);
}

static bool take(cli_answer *a, const char *text, size_t n) {
    if (n == 0)
        return true;
    switch (a->in) {
    case IN_CALL: return put(&a->body, text, n);
    case IN_HEAD: return put(&a->head, text, n);
    case IN_NOTHING: return true;
    default: return show(a, text, n);
    }
}

/* --- states ----------------------------------------------------------------------------------- */

/* The body of a call has ended: was it one? What is none is shown as it came. False: no memory. */
static bool close_call(cli_answer *a, const char *closing, bool *called) {
    const char *body = a->body.data ? a->body.data : "";
    bool ok = true;
    *called = a->o.style->read && a->o.style->read(body, a->body.n, a->head.data, emit_call, a);
    if (*called) {
        a->began = true;
        empty(&a->spaces);
    } else {
        a->in = IN_TEXT;
        ok = show(a, a->opened, strlen(a->opened)) && show(a, body, a->body.n) &&
             show(a, closing, strlen(closing));
    }
    empty(&a->body);
    empty(&a->head);
    return ok;
}

/* Spaces around what is marked go, but those before a call that may turn out to be none. */
static void trim(cli_answer *a, int to) {
    if (to != IN_CALL)
        empty(&a->spaces);
    a->trims = true;
}

static void open_call(cli_answer *a, const char *marker) {
    a->in = IN_CALL;
    a->opened = marker;
    a->halted = a->o.halts;
    a->o.halts = false;
}

static bool enter(cli_answer *a, const answer_marker *m) {
    const char *head = a->head.data ? a->head.data : "";
    int from = a->in, to = m->to == BY_HEAD ? cli_answer_head_leads(head) : m->to;
    bool called = true;
    if (from == IN_CALL && !close_call(a, to == IN_CALL ? "" : m->text, &called))
        return false;
    if (from == IN_HEAD && to != IN_CALL)
        empty(&a->head);
    if (called)
        trim(a, to);
    a->in = to;
    if (to == IN_CALL)
        open_call(a, m->text);
    return true;
}

/* Does a marker count here? */
static bool counts(const cli_answer *a, const answer_marker *m) {
    int here = a->in == IN_TEXT && !a->began ? IN_TEXT | IN_BEGIN : a->in;
    bool reasons = m->to == IN_REASONING || m->in & IN_REASONING;
    bool calls = m->to == IN_CALL || m->to == IN_NOTHING || m->in & IN_CALL;
    return m->in & here &&
           (a->o.style->always || ((a->o.reasoning || !reasons) && (a->o.tools || !calls)));
}

/* The first marker that is whole, at *at; NULL: none is. */
static const answer_marker *first_marker(const cli_answer *a, size_t *at) {
    const answer_marker *found = NULL;
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        const char *here = counts(a, m) ? strstr(a->pending.data, m->text) : NULL;
        if (here && (!found || (size_t)(here - a->pending.data) < *at)) {
            *at = (size_t)(here - a->pending.data);
            found = m;
        }
    }
    return found;
}

/* How many bytes at the end may be the beginning of a marker. */
static size_t may_begin(const cli_answer *a) {
    size_t most = 0;
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        size_t n = strlen(m->text) - 1;
        for (n = n < a->pending.n ? n : a->pending.n; counts(a, m) && n > most; n--)
            if (memcmp(a->pending.data + a->pending.n - n, m->text, n) == 0)
                most = n;
    }
    return most;
}

/* An answer that begins with a brace. */
static void look_at_begin(cli_answer *a) {
    size_t spaces = spaces_before(a->pending.data, a->pending.n);
    if (!a->o.tools || !a->o.style->bare || a->began || a->in != IN_TEXT || spaces == a->pending.n)
        return;
    a->began = true;
    if (a->pending.data[spaces] != '{')
        return;
    drop(&a->pending, spaces);
    open_call(a, "");
}

static bool advance(cli_answer *a) {
    const answer_marker *m;
    size_t at = 0;
    look_at_begin(a);
    while (!a->halted && (m = first_marker(a, &at))) {
        if (!take(a, a->pending.data, at))
            return false;
        drop(&a->pending, at + strlen(m->text));
        if (!enter(a, m))
            return false;
    }
    if (a->halted)
        return true;
    size_t n = a->pending.n - may_begin(a);
    bool ok = take(a, a->pending.data, n);
    drop(&a->pending, n);
    return ok;
}

/* strstr ends at a zero: a zero cannot stand in a marker, so what is before it goes on its own. */
bool cli_answer_feed(cli_answer *a, const char *text, size_t n) {
    while (n) {
        if (a->halted) // counted alone
            return put(&a->pending, text, n);
        const char *zero = memchr(text, 0, n);
        size_t part = zero ? (size_t)(zero - text) : n;
        if (part && (!put(&a->pending, text, part) || !advance(a)))
            return false;
        if (!zero)
            break;
        if (a->halted)
            return put(&a->pending, zero, n - part);
        if (!take(a, a->pending.data, a->pending.n) || !take(a, zero, 1))
            return false;
        empty(&a->pending);
        text += part + 1;
        n -= part + 1;
    }
    return true;
}

bool cli_answer_begun(cli_answer *a, size_t *rest, const char **name, size_t *name_num) {
    bool begun = a->halted;
    *rest = begun ? a->pending.n : 0;
    *name = begun ? cli_answer_head_name(a->head.data, name_num) : NULL;
    if (begun)
        empty(&a->pending);
    a->halted = false;
    return begun;
}

bool cli_answer_end(cli_answer *a) {
    bool called, ok = take(a, a->pending.data, a->pending.n);
    empty(&a->pending);
    if (ok && a->in == IN_CALL) {
        ok = close_call(a, "", &called);
        a->in = IN_TEXT;
    }
    if (ok && a->in == IN_TEXT)
        ok = emit(a, CLI_PIECE_TEXT, a->spaces.data, a->spaces.n);
    empty(&a->spaces);
    return ok;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Has the prompt opened something that the answer is in? Its last marker says so. */
static void go_on_from(cli_answer *a, const char *prompt, size_t n) {
    n -= spaces_behind(prompt, n);
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        size_t length = strlen(m->text);
        if (m->to != IN_REASONING || !a->o.reasoning || n < length ||
            memcmp(prompt + n - length, m->text, length) != 0)
            continue;
        a->in = IN_REASONING;
        a->trims = true;
    }
}

cli_answer *cli_answer_new(const cli_answer_options *o) {
    cli_answer *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->o = *o;
    a->in = IN_TEXT;
    a->opened = "";
    if (!put(&a->pending, "", 0) || !put(&a->spaces, "", 0)) {
        cli_answer_free(a);
        return NULL;
    }
    if (o->prompt)
        go_on_from(a, o->prompt, o->prompt_num);
    return a;
}

void cli_answer_free(cli_answer *a) {
    if (!a)
        return;
    free(a->pending.data);
    free(a->body.data);
    free(a->head.data);
    free(a->spaces.data);
    free(a);
}
