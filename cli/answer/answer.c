/* An answer, taken apart as it comes. */
#include "answer/answer.h"

#include <ctype.h>
#include <stdio.h>
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
    bytes pending; /* not looked at to the end: it may end in the beginning of a marker */
    size_t begun;  /* its first bytes, that somebody wrote: they are not told */
    bytes body;    /* of a call */
    bytes head;    /* words of a head, or a tool's name */
    bytes lead;    /* what stood before the body, or the line: the marker */
    bytes spaces;  /* held back: they go where a part ends */
    bool trims;    /* spaces at the beginning of a part go */
    bool began;    /* something other than spaces came */
    bool marked;   /* a marker has come */
    bool behind;   /* nothing else came since a call */
    bool over;     /* all has come */
    bool halted;   /* a call has begun, and what follows waits in `pending` */
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

/* Without the spaces between its parts, the arguments are as they were written. */
static bool emit_call(void *to, const char *name, const char *id, answer_part arguments) {
    cli_answer *a = to;
    char *text = NULL;
    size_t n;
    FILE *file = open_memstream(&text, &n);
    if (!file)
        return false;
    cli_written_put(file, arguments);
    bool ok = fclose(file) == 0;
    ok = ok &&
         a->o.sink(
             &(cli_piece){.kind = CLI_PIECE_CALL, .text = text, .n = n, .name = name, .id = id},
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
        a->behind = false;
        if (!ok)
            return false;
    }
    return a->trims || put(&a->spaces, text + n - last, last);
}

/* What was no line that names a tool is text. */
static bool leave_line(cli_answer *a) {
    a->in = IN_TEXT;
    return show(a, a->lead.data, a->lead.n);
}

static bool take(cli_answer *a, const char *text, size_t n) {
    size_t begun = a->begun < n ? a->begun : n;
    a->begun -= begun;
    text += begun;
    n -= begun;
    if (n == 0)
        return true;
    if (a->in == IN_LINE && !leave_line(a))
        return false;
    switch (a->in) {
    case IN_CALL: return put(&a->body, text, n);
    case IN_HEAD: return put(&a->head, text, n);
    case IN_NOTHING: return true;
    default: return show(a, text, n);
    }
}

/* --- states ----------------------------------------------------------------------------------- */

/* The calls of the body that has come. False: it is none. */
static bool read_call(cli_answer *a, answer_call *call) {
    const cli_answer_style *style = a->o.style;
    answer_body body = {.lead = a->lead.data,
                        .head = a->head.data,
                        .text = a->body.data,
                        .n = a->body.n,
                        .cut = a->over,
                        .tools = a->o.tools};
    return style->read && style->read(&body, call, a);
}

/* The body of a call has ended: was it one? What is none is shown as it came. False: no memory. */
static bool close_call(cli_answer *a, const char *closing, bool *called) {
    bool ok = true;
    *called = read_call(a, emit_call);
    if (*called) {
        a->began = true;
        a->behind = true;
        empty(&a->spaces);
    } else {
        a->in = IN_TEXT;
        ok = show(a, a->lead.data, a->lead.n) && show(a, a->body.data, a->body.n) &&
             show(a, closing, strlen(closing));
    }
    empty(&a->body);
    empty(&a->head);
    return ok;
}

/* Spaces around what is marked go, but those before what may turn out to be none. */
static void trim(cli_answer *a, int to) {
    if (to != IN_CALL && to != IN_LINE)
        empty(&a->spaces);
    a->trims = true;
}

static void open_call(cli_answer *a) {
    a->in = IN_CALL;
    a->halted = a->o.halts;
    a->o.halts = false;
}

static bool set_lead(cli_answer *a, const char *text, size_t n) {
    empty(&a->lead);
    return put(&a->lead, text, n);
}

/* Is a marker, right behind the body that has come, of its text? */
static bool is_inside(const cli_answer *a) {
    const cli_answer_style *style = a->o.style;
    answer_part body = {a->body.data, a->body.data + a->body.n};
    return style->inside ? style->inside(body) : cli_answer_inside_json(body);
}

static bool enter(cli_answer *a, const answer_marker *m) {
    const char *head = a->head.data ? a->head.data : "";
    int from = a->in, to = m->to == BY_HEAD ? cli_answer_head_leads(head) : m->to;
    bool called = true;
    a->marked = true;
    if (from == IN_CALL && (is_inside(a) || (a->o.style->whole && !read_call(a, NULL))))
        return put(&a->body, m->text, strlen(m->text));
    if (from == IN_CALL && !close_call(a, to == IN_CALL || to == IN_LINE ? "" : m->text, &called))
        return false;
    if (from == IN_HEAD && to != IN_CALL)
        empty(&a->head);
    if (called)
        trim(a, to);
    a->in = to;
    if (to == IN_CALL)
        open_call(a);
    return (to != IN_CALL && to != IN_LINE) || set_lead(a, m->text, strlen(m->text));
}

/* Does a marker count here? */
static bool counts(const cli_answer *a, const answer_marker *m) {
    int here = a->in;
    if (here == IN_TEXT)
        here |= (a->began ? 0 : IN_BEGIN) | (a->behind ? IN_BEHIND : 0);
    bool reasons = m->to == IN_REASONING || m->in & IN_REASONING;
    bool calls = m->to == IN_CALL || m->to == IN_NOTHING || m->in & IN_CALL;
    return m->in & here &&
           (a->o.style->always || ((a->o.reasoning || !reasons) && (a->o.tools || !calls)));
}

static bool only_spaces(const char *from, const char *to) {
    return spaces_before(from, (size_t)(to - from)) == (size_t)(to - from);
}

/* The first marker that is whole, at *at; NULL: none is. */
static const answer_marker *first_marker(const cli_answer *a, size_t *at) {
    const answer_marker *found = NULL;
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        const char *here = counts(a, m) ? strstr(a->pending.data, m->text) : NULL;
        if (here && !(m->in & a->in) && !only_spaces(a->pending.data, here))
            here = NULL; // it counts where nothing has come
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
    empty(&a->lead);
    open_call(a);
}

/* The name is told: text follows, or its call. */
static bool enter_line(cli_answer *a, const char *name, size_t read) {
    const char *says = a->o.style->says;
    bool ok = true, text = says && strcmp(says, name) == 0;
    empty(&a->head);
    if (text)
        empty(&a->spaces);
    else
        ok = put(&a->lead, a->pending.data, read) && put(&a->head, name, strlen(name));
    a->in = IN_TEXT;
    a->trims = true;
    drop(&a->pending, read);
    if (!text)
        open_call(a);
    return ok;
}

/* At the beginning of a line that may name a tool. Until that is known it waits. */
static bool look_at_line(cli_answer *a) {
    const char *name;
    size_t spaces = a->lead.n ? 0 : spaces_before(a->pending.data, a->pending.n);
    if (a->in != IN_LINE || a->pending.n == spaces)
        return true;
    switch (cli_answer_line(a->o.style, a->o.tools, a->pending.data + spaces, a->pending.n - spaces,
                            &name)) {
    case LINE_NAMES: return enter_line(a, name, spaces + strlen(name) + 1);
    case LINE_MAY: return true;
    default: return leave_line(a);
    }
}

static bool advance(cli_answer *a) {
    const answer_marker *m;
    size_t at = 0;
    look_at_begin(a);
    bool ok = look_at_line(a);
    while (ok && !a->halted && a->in != IN_LINE && (m = first_marker(a, &at))) {
        ok = take(a, a->pending.data, at);
        a->begun = 0;
        drop(&a->pending, at + strlen(m->text));
        ok = ok && enter(a, m) && look_at_line(a);
    }
    if (!ok || a->halted || a->in == IN_LINE)
        return ok;
    size_t n = a->pending.n - may_begin(a);
    ok = take(a, a->pending.data, n);
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
    a->over = true;
    if (ok && a->in == IN_LINE)
        ok = leave_line(a);
    if (ok && a->in == IN_CALL) {
        ok = close_call(a, "", &called);
        a->in = IN_TEXT;
    }
    if (ok && a->in == IN_HEAD && !a->marked) { // the prompt's, and none came
        a->in = IN_TEXT;
        ok = show(a, a->head.data, a->head.n);
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
        bool opens = (m->to == IN_REASONING && a->o.reasoning) || m->to == IN_LINE ||
                     (m->to == IN_HEAD && (a->o.reasoning || a->o.tools));
        if (!opens || n < length || memcmp(prompt + n - length, m->text, length) != 0)
            continue;
        a->in = m->to;
        a->trims = true;
        return;
    }
}

static bool tell_nobody(const cli_piece *piece, void *data) {
    (void)piece, (void)data;
    return true;
}

/* Goes on behind text, where that is neither in text nor in a thought. */
static void leave(cli_answer *a) {
    a->in = IN_TEXT;
    a->trims = a->marked = false;
    empty(&a->pending);
    empty(&a->body);
    empty(&a->head);
}

/* What somebody has begun is read as an answer is, but nobody is told of it. */
static bool go_on_behind(cli_answer *a, const char *begun, size_t n) {
    cli_answer_options o = a->o;
    a->o.sink = tell_nobody;
    a->o.tools = NULL;
    a->o.halts = false;
    a->in = a->in == IN_HEAD ? IN_TEXT : a->in; // the words of a head are the model's
    bool ok = cli_answer_feed(a, begun, n);
    a->o = o;
    if (a->in != IN_TEXT && a->in != IN_REASONING)
        leave(a);
    empty(&a->spaces);
    a->begun = a->pending.n;
    return ok;
}

cli_answer *cli_answer_new(const cli_answer_options *o) {
    cli_answer *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->o = *o;
    a->in = o->tools && o->style->begins ? o->style->begins : IN_TEXT;
    bool ok = put(&a->pending, "", 0) && put(&a->spaces, "", 0) && put(&a->lead, "", 0) &&
              put(&a->body, "", 0);
    if (ok && o->prompt)
        go_on_from(a, o->prompt, o->prompt_num);
    if (ok && (!o->begun_num || go_on_behind(a, o->begun, o->begun_num)))
        return a;
    cli_answer_free(a);
    return NULL;
}

void cli_answer_free(cli_answer *a) {
    if (!a)
        return;
    free(a->pending.data);
    free(a->body.data);
    free(a->head.data);
    free(a->lead.data);
    free(a->spaces.data);
    free(a);
}
