/* An answer, taken apart as it comes. */
#include "answer/answer.h"

#include <stdlib.h>
#include <string.h>

#include "answer/pieces.h"
#include "answer/style.h"

struct cli_answer {
    cli_answer_options o;
    answer_pieces pieces; /* what is told */
    int in;
    answer_bytes pending; /* not looked at to the end: it may end in the beginning of a marker */
    size_t begun;         /* its first bytes, that somebody wrote: they are not told */
    answer_bytes body;    /* of a call */
    size_t inside;        /* up to here it has come within a text; 0: that is not known */
    answer_bytes head;    /* words of a head with their markers, or a tool's name */
    answer_bytes lead;    /* what stood before the body, or the line */
    answer_bytes outer;   /* what opened a list of calls, of which none has come */
    bool outside;         /* that was told as text */
    /* The end of a call behind which more stood, which is looked at first: so many bytes of
       `pending`. NULL: nothing is. */
    const answer_marker *owed;
    size_t owed_at;
    bool began;  /* something other than spaces came */
    bool behind; /* nothing else came since a call */
    bool over;   /* all has come */
    bool halted; /* a call has begun, and what follows waits in `pending` */
};

static bool set(answer_bytes *b, const char *text, size_t n) {
    answer_bytes_clear(b);
    return answer_bytes_put(b, text, n);
}

/* The first bytes of what is pending are done with. */
static void pass(cli_answer *a, size_t n) {
    answer_bytes_drop(&a->pending, n);
    a->owed_at -= a->owed ? n : 0;
}

/* --- what comes ------------------------------------------------------------------------------- */

static bool tell(cli_answer *a, const char *text, size_t n) {
    cli_piece_kind kind = a->in == IN_REASONING ? CLI_PIECE_REASONING : CLI_PIECE_TEXT;
    if (!answer_only_spaces(text, n)) {
        a->began = true;
        a->behind = false;
    }
    return answer_pieces_tell(&a->pieces, kind, text, n);
}

/* What was no line that names a tool is text. */
static bool leave_line(cli_answer *a) {
    a->in = IN_TEXT;
    bool ok = tell(a, a->lead.data, a->lead.n);
    answer_bytes_clear(&a->lead);
    return ok;
}

/* What opened a list is text where the list has something other than calls. */
static bool tell_outer(cli_answer *a) {
    a->outside = a->outside || a->outer.n;
    bool ok = tell(a, a->outer.data, a->outer.n);
    answer_bytes_clear(&a->outer);
    return ok;
}

/* Between the calls of a list spaces are none of the text's. */
static bool take_between(cli_answer *a, const char *text, size_t n) {
    size_t spaces = answer_spaces_before(text, n);
    bool ok = true, dropped = a->outer.n || a->behind;
    if (a->outer.n)
        ok = answer_bytes_put(&a->outer, text, spaces);
    text += dropped ? spaces : 0;
    n -= dropped ? spaces : 0;
    return ok && (n == 0 || (tell_outer(a) && tell(a, text, n)));
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
    case IN_CALL: return answer_bytes_put(&a->body, text, n);
    case IN_HEAD: return answer_bytes_put(&a->head, text, n);
    case IN_LIST: return take_between(a, text, n);
    default: return tell(a, text, n);
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

static bool emit_call(void *to, const char *name, const char *id, answer_part arguments) {
    cli_answer *a = to;
    return answer_pieces_call(&a->pieces, name, id, arguments);
}

/* The calls with which the body that has come begins, and what follows them. False: it does not. */
static bool read_call(cli_answer *a, answer_call *call, answer_part *rest) {
    const cli_answer_style *style = a->o.style;
    answer_body body = {.lead = a->lead.data,
                        .head = a->head.data,
                        .text = a->body.data,
                        .n = a->body.n,
                        .cut = a->over,
                        .tools = a->o.tools};
    return style->read && style->read(&body, call, a, rest);
}

/* Do these characters neither end a text nor stand for others in one? */
static bool are_plain(const char *at, const char *end) {
    while (at < end && *at >= ' ' && *at < 0x7F && !strchr("\"'\\", *at))
        at++;
    return at == end;
}

/* Is a marker, right behind the body that has come, of its text? A model may write thousands into
   one: the body is not read again then. */
static bool is_inside(const cli_answer *a) {
    const cli_answer_style *style = a->o.style;
    answer_part body = {a->body.data, a->body.data + a->body.n};
    if (a->inside && are_plain(body.at + a->inside, body.end))
        return true;
    return style->inside ? style->inside(body) : cli_answer_inside_json(body);
}

/* The marker is of the body. */
static bool keep_marker(cli_answer *a, const char *text, bool inside) {
    bool quoted = inside && a->o.style->inside != cli_answer_inside_pair;
    bool escaped = a->body.n && a->body.data[a->body.n - 1] == '\\';
    bool ok = answer_bytes_put(&a->body, text, strlen(text));
    a->inside = quoted && !escaped ? a->body.n : 0;
    return ok;
}

static void open_call(cli_answer *a) {
    a->in = IN_CALL;
    a->halted = a->o.halts;
    a->o.halts = false;
    answer_bytes_clear(&a->body);
    a->inside = 0;
}

/* What looked like a call and is none is text, as it was written. */
static bool leave_call(cli_answer *a, const char *closing) {
    a->in = IN_TEXT;
    answer_bytes_clear(&a->head);
    return tell_outer(a) && tell(a, a->lead.data, a->lead.n) && tell(a, a->body.data, a->body.n) &&
           tell(a, closing, strlen(closing));
}

/* The calls are told of: text follows, or the next call's line. */
static bool give_calls(cli_answer *a, answer_part *rest) {
    if (a->behind)
        answer_pieces_forget(&a->pieces);
    bool ok = read_call(a, emit_call, rest);
    a->in = a->o.style->begins ? a->o.style->begins : IN_TEXT;
    a->began = a->behind = true;
    answer_bytes_clear(&a->outer);
    answer_bytes_clear(&a->head);
    answer_bytes_clear(&a->lead);
    return ok;
}

/* What stands behind the calls of a body is looked at anew, before the marker that ended it. */
static bool look_again(cli_answer *a, answer_part rest, const answer_marker *m) {
    answer_bytes all = {0};
    size_t n = (size_t)(rest.end - rest.at);
    bool ok = answer_bytes_put(&all, rest.at, n) &&
              (!m || answer_bytes_put(&all, m->text, strlen(m->text))) &&
              answer_bytes_put(&all, a->pending.data, a->pending.n);
    free(a->pending.data);
    a->pending = all;
    a->owed = m;
    a->owed_at = n;
    return ok;
}

/* --- states ----------------------------------------------------------------------------------- */

/* Does it begin something that may turn out to be none? */
static bool opens(const answer_marker *m) {
    return m->to == IN_CALL || m->to == IN_LINE || m->to == IN_HEAD ||
           (m->to == IN_LIST && m->in & IN_TEXT);
}

/* On to where a marker leads; `told`: as text it has been shown. */
static bool go_on(cli_answer *a, const answer_marker *m, bool told) {
    int to = m->to == BY_HEAD ? cli_answer_head_leads(a->head.data) : m->to;
    size_t n = strlen(m->text);
    a->in = to;
    if (to == IN_CALL) {
        open_call(a);
        return set(&a->lead, a->head.data, a->head.n) && answer_bytes_put(&a->lead, m->text, n);
    }
    answer_bytes_clear(&a->head);
    if (to != IN_LINE && !(to == IN_LIST && opens(m)) && !told)
        answer_pieces_mark(&a->pieces);
    a->outside = a->outside && to == IN_LIST;
    return !opens(m) || set(to == IN_LINE   ? &a->lead
                            : to == IN_HEAD ? &a->head
                                            : &a->outer,
                            m->text, n);
}

static bool end_call(cli_answer *a, const answer_marker *m) {
    answer_part rest;
    bool inside = is_inside(a), called = !inside && read_call(a, NULL, &rest);
    const char *closing = opens(m) ? "" : m->text;
    if (inside || (a->o.style->whole && !called))
        return keep_marker(a, m->text, inside);
    if (!called)
        return leave_call(a, closing) && go_on(a, m, *closing);
    if (!give_calls(a, &rest))
        return false;
    size_t n = (size_t)(rest.end - rest.at);
    if (!answer_only_spaces(rest.at, n))
        return look_again(a, rest, m);
    return (*closing || tell(a, rest.at, n)) && go_on(a, m, false);
}

/* What of a head is text is told; the others of its words go on, or are done with. */
static bool leave_head(cli_answer *a, bool goes_on) {
    answer_part text = cli_answer_head_text(a->head.data, goes_on);
    bool ok = true;
    if (text.at) {
        a->in = IN_TEXT;
        ok = tell(a, text.at, (size_t)(text.end - text.at));
        answer_bytes_drop(&a->head, (size_t)(text.end - a->head.data));
        a->in = IN_HEAD;
    }
    if (!goes_on)
        answer_bytes_clear(&a->head);
    return ok;
}

static bool end_head(cli_answer *a, const answer_marker *m) {
    bool goes_on = cli_answer_head_goes_on(a->head.data, m->text);
    if (!leave_head(a, goes_on))
        return false;
    return goes_on && m->to == IN_HEAD ? answer_bytes_put(&a->head, m->text, strlen(m->text))
                                       : go_on(a, m, false);
}

/* A list of calls ends as it began: as text, or as nothing. */
static bool end_list(cli_answer *a, const answer_marker *m) {
    bool told = a->outer.n || a->outside;
    return (!told || (tell_outer(a) && tell(a, m->text, strlen(m->text)))) && go_on(a, m, told);
}

static bool enter(cli_answer *a, const answer_marker *m) {
    if (a->in == IN_CALL)
        return end_call(a, m);
    if (a->in == IN_HEAD)
        return end_head(a, m);
    if (a->in == IN_LIST && !opens(m))
        return end_list(a, m);
    if (!opens(m) && m->in & IN_BEHIND)
        answer_pieces_forget(&a->pieces);
    return go_on(a, m, false);
}

/* --- markers ---------------------------------------------------------------------------------- */

/* Does a marker count here? */
static bool counts(const cli_answer *a, const answer_marker *m) {
    int here = a->in;
    if (here == IN_TEXT)
        here |= (a->began ? 0 : IN_BEGIN) | (a->behind ? IN_BEHIND : 0);
    bool reasons = m->to == IN_REASONING || m->in & IN_REASONING;
    bool calls = m->to == IN_CALL || m->to == IN_LIST || m->in & IN_CALL;
    return m->in & here &&
           (a->o.style->always || ((a->o.reasoning || !reasons) && (a->o.tools || !calls)));
}

/* Where a marker that counts here stands in n bytes; NULL: nowhere. */
static const char *find(const cli_answer *a, const answer_marker *m, size_t n) {
    const char *here = counts(a, m) ? memmem(a->pending.data, n, m->text, strlen(m->text)) : NULL;
    if (here && !(m->in & a->in) &&
        !answer_only_spaces(a->pending.data, (size_t)(here - a->pending.data)))
        here = NULL; // it counts where nothing has come
    return here;
}

/* The first marker that is whole, at *at; NULL: none is. */
static const answer_marker *first_marker(cli_answer *a, size_t *at) {
    const answer_marker *found = a->owed;
    size_t n = a->owed ? a->owed_at : a->pending.n;
    *at = n;
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        const char *here = find(a, m, n);
        if (here && (size_t)(here - a->pending.data) < *at) {
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
static bool look_at_begin(cli_answer *a) {
    size_t spaces = answer_spaces_before(a->pending.data, a->pending.n);
    if (!a->o.tools || !a->o.style->bare || a->began || a->in != IN_TEXT || spaces == a->pending.n)
        return true;
    a->began = true;
    if (a->pending.data[spaces] != '{')
        return true;
    bool ok = take(a, a->pending.data, spaces);
    pass(a, spaces);
    answer_bytes_clear(&a->lead);
    open_call(a);
    return ok;
}

/* The name is told: text follows, or its call. */
static bool enter_line(cli_answer *a, const char *name, size_t read) {
    const char *says = a->o.style->says;
    bool ok = true, text = says && strcmp(says, name) == 0;
    if (text)
        answer_pieces_mark(&a->pieces);
    else
        ok = answer_bytes_put(&a->lead, a->pending.data, read) && set(&a->head, name, strlen(name));
    a->in = IN_TEXT;
    pass(a, read);
    if (!text)
        open_call(a);
    return ok;
}

/* At the beginning of a line that may name a tool. Until that is known it waits. */
static bool look_at_line(cli_answer *a) {
    const char *name;
    size_t spaces = a->lead.n ? 0 : answer_spaces_before(a->pending.data, a->pending.n);
    if (a->in != IN_LINE || a->pending.n == spaces)
        return true;
    switch (cli_answer_line(a->o.style, a->o.tools, a->pending.data + spaces, a->pending.n - spaces,
                            &name)) {
    case LINE_NAMES: return enter_line(a, name, spaces + strlen(name) + 1);
    case LINE_MAY: return true;
    default: return leave_line(a);
    }
}

/* A marker, and what stands before it. */
static bool pass_marker(cli_answer *a, const answer_marker *m, size_t at) {
    bool paid = a->owed && at == a->owed_at, ok = take(a, a->pending.data, at);
    a->begun = 0;
    pass(a, at + strlen(m->text));
    a->owed = paid ? NULL : a->owed;
    return ok && enter(a, m) && look_at_line(a);
}

static bool advance(cli_answer *a) {
    const answer_marker *m;
    size_t at = 0;
    bool ok = look_at_begin(a) && look_at_line(a);
    while (ok && !a->halted && a->in != IN_LINE && (m = first_marker(a, &at)))
        ok = pass_marker(a, m, at);
    if (!ok || a->halted || a->in == IN_LINE)
        return ok;
    size_t n = a->pending.n - may_begin(a);
    ok = take(a, a->pending.data, n);
    pass(a, n);
    return ok;
}

bool cli_answer_feed(cli_answer *a, const char *text, size_t n) {
    return answer_bytes_put(&a->pending, text, n) && (a->halted || advance(a));
}

bool cli_answer_begun(cli_answer *a, size_t *rest, const char **name, size_t *name_num) {
    bool begun = a->halted;
    *rest = begun ? a->pending.n : 0;
    *name = begun ? cli_answer_head_name(a->head.data, name_num) : NULL;
    if (begun)
        answer_bytes_clear(&a->pending);
    a->halted = false;
    return begun;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* The beginning of what closes a call here, or nothing: the answer has ended in it. */
static bool is_cut_closing(const cli_answer *a, int here, const char *text, size_t n) {
    size_t spaces = answer_spaces_before(text, n);
    text += spaces;
    n -= spaces;
    for (const answer_marker *m = a->o.style->markers; m->text; m++)
        if (!opens(m) && m->in & here && n < strlen(m->text) && memcmp(text, m->text, n) == 0)
            return true;
    return n == 0;
}

/* All that is pending is no marker. */
static bool take_pending(cli_answer *a) {
    int here = !a->behind || a->outer.n ? 0 : a->in == IN_TEXT ? IN_BEHIND : a->in & IN_LIST;
    bool ok = (here && is_cut_closing(a, here, a->pending.data, a->pending.n)) ||
              take(a, a->pending.data, a->pending.n);
    answer_bytes_clear(&a->pending);
    return ok;
}

static bool finish_call(cli_answer *a) {
    answer_part rest;
    if (!read_call(a, NULL, &rest))
        return leave_call(a, "");
    if (!give_calls(a, &rest))
        return false;
    return is_cut_closing(a, IN_CALL, rest.at, (size_t)(rest.end - rest.at)) ||
           (look_again(a, rest, NULL) && advance(a) && take_pending(a));
}

bool cli_answer_end(cli_answer *a) {
    bool ok = take_pending(a);
    a->over = true;
    while (ok && a->in == IN_CALL)
        ok = finish_call(a);
    if (ok && a->in == IN_LINE)
        ok = leave_line(a);
    if (ok && a->in == IN_LIST)
        ok = tell_outer(a);
    if (ok && a->in == IN_HEAD)
        ok = leave_head(a, false);
    return ok && (a->in == IN_REASONING || answer_pieces_end(&a->pieces));
}

/* --- life ------------------------------------------------------------------------------------- */

/* Has the prompt opened something that the answer is in? Its last marker says so. */
static void go_on_from(cli_answer *a, const char *prompt, size_t n) {
    n -= answer_spaces_behind(prompt, n);
    for (const answer_marker *m = a->o.style->markers; m->text; m++) {
        size_t length = strlen(m->text);
        bool leads = (m->to == IN_REASONING && a->o.reasoning) || m->to == IN_LINE ||
                     (m->to == IN_HEAD && (a->o.reasoning || a->o.tools));
        if (!leads || n < length || memcmp(prompt + n - length, m->text, length) != 0)
            continue;
        a->in = m->to;
        a->pieces.marked = true;
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
    a->pieces.marked = false;
    answer_bytes_clear(&a->pending);
    answer_bytes_clear(&a->head);
    answer_bytes_clear(&a->lead);
    answer_bytes_clear(&a->outer);
}

/* What somebody has begun is read as an answer is, but nobody is told of it. */
static bool go_on_behind(cli_answer *a, const char *begun, size_t n) {
    cli_answer_options o = a->o;
    a->pieces.sink = tell_nobody;
    a->o.tools = NULL;
    a->o.halts = false;
    a->in = a->in == IN_HEAD ? IN_TEXT : a->in; // the words of a head are the model's
    bool ok = cli_answer_feed(a, begun, n);
    a->o = o;
    a->pieces.sink = o.sink;
    if (a->in != IN_TEXT && a->in != IN_REASONING)
        leave(a);
    answer_pieces_anew(&a->pieces);
    a->begun = a->pending.n;
    return ok;
}

static answer_bytes *bytes_of(cli_answer *a, size_t i) {
    answer_bytes *all[] = {&a->pending, &a->body, &a->head, &a->lead, &a->outer};
    return all[i];
}

cli_answer *cli_answer_new(const cli_answer_options *o) {
    cli_answer *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->o = *o;
    a->in = o->tools && o->style->begins ? o->style->begins : IN_TEXT;
    bool ok = answer_pieces_begin(&a->pieces, o->sink, o->data);
    for (size_t i = 0; i < 5; i++)
        ok = answer_bytes_put(bytes_of(a, i), "", 0) && ok;
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
    for (size_t i = 0; i < 5; i++)
        free(bytes_of(a, i)->data);
    answer_pieces_free(&a->pieces);
    free(a);
}
