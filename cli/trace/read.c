/* Reading traces: see trace.h. The format is "Trace Event Format" (Google, 2016): an object with a
 * list "traceEvents", or the list alone. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"

enum { MOST_EVENTS = 50 * 1000 * 1000 };
/* Beyond these sums of them are of no use; so many microseconds are 30,000 years. */
static const double most_time = 1e18, most_count = 1e30, least_time = 1e-9;

typedef struct reader {
    cli_call *call;
    cli_timeline *t;
    FILE *file;
    const char *path;
    bool failed;
} reader;

static bool fail(reader *r, const char *what) {
    if (!r->failed)
        cli_fail(r->call, "'%s' at byte %ld: %s", r->path, ftell(r->file), what);
    r->failed = true;
    return false;
}

/* --- tokens between values -------------------------------------------------------------------- */

static int next(reader *r) {
    int c;
    do
        c = getc(r->file);
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t');
    return c;
}

static void back(reader *r, int c) {
    if (c != EOF)
        ungetc(c, r->file);
}

/* An object or a list. NULL: it is none, which was said. */
static json_t *container(reader *r) {
    json_error_t error;
    json_t *value = json_loadf(r->file, JSON_DISABLE_EOF_CHECK, &error);
    if (!value)
        fail(r, error.text);
    return value;
}

/* The rest of a string into room for `size`, cut; its quote was read. */
static bool string(reader *r, char *to, size_t size) {
    size_t n = 0;
    for (int c; (c = getc(r->file)) != '"';) {
        if (c == EOF)
            return fail(r, "the text does not end");
        if (c == '\\')
            c = getc(r->file);
        if (n + 1 < size)
            to[n++] = (char)c;
    }
    to[n] = 0;
    return true;
}

/* Passes over a value that nobody wants. */
static bool skip(reader *r) {
    char text[8];
    int c = next(r);
    if (c == '"')
        return string(r, text, sizeof text);
    if (c == '{' || c == '[') {
        back(r, c);
        json_t *value = container(r);
        json_decref(value);
        return value != NULL;
    }
    while (c != ',' && c != '}' && c != EOF)
        c = getc(r->file);
    back(r, c);
    return c != EOF || fail(r, "the file ends too early");
}

/* --- events ----------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *key) {
    double x = json_number_value(json_object_get(object, key));
    return isfinite(x) ? x : 0;
}

/* Are all numbers of an event within what can be added up? */
static bool is_in_range(const json_t *e) {
    static const char *const counts[] = {"read", "written", "flops", "active"};
    const json_t *args = json_object_get(e, "args");
    bool fine = fabs(number(e, "ts")) <= most_time && fabs(number(e, "dur")) <= most_time;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fine = fine && fabs(number(args, counts[i])) <= most_count;
    return fine;
}

static const char *text(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static bool grow(void *array, size_t *room, size_t count, size_t size) {
    void **at = array;
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 256;
    void *bigger = more <= SIZE_MAX / size ? realloc(*at, more * size) : NULL;
    if (!bigger)
        return false;
    *at = bigger;
    *room = more;
    return true;
}

/* "float32 (2,3) -> float32 (3,2)" */
static uint32_t shapes_of(cli_timeline *t, const json_t *args) {
    const char *in = text(args, "inputs"), *out = text(args, "outputs");
    char line[1024];
    if (!in && !out)
        return 0;
    snprintf(line, sizeof line, "%.480s -> %.480s", in ? in : "", out ? out : "");
    return cli_word(&t->shapes, line);
}

static uint32_t thread_of(cli_timeline *t, const json_t *e) {
    char id[64];
    snprintf(id, sizeof id, "%.0f", number(e, "tid"));
    return cli_word(&t->threads, id);
}

static bool add_operation(cli_timeline *t, const json_t *e) {
    const json_t *args = json_object_get(e, "args");
    if (!grow(&t->event, &t->room, t->count, sizeof *t->event))
        return false;
    double duration = number(e, "dur");
    t->event[t->count++] = (cli_timeline_event){
        .begin = number(e, "ts"),
        .duration = duration > least_time ? duration : 0,
        .read = number(args, "read"),
        .written = number(args, "written"),
        .flops = number(args, "flops"),
        .thread = thread_of(t, e),
        .name = cli_word(&t->names, text(e, "name")),
        .source = cli_word(&t->sources, text(args, "source")),
        .shapes = shapes_of(t, args),
        .failed = json_is_true(json_object_get(args, "failed")),
    };
    return true;
}

static bool add_memory(cli_timeline *t, const json_t *e) {
    const json_t *active = json_object_get(json_object_get(e, "args"), "active");
    if (!json_is_number(active))
        return true;
    if (!grow(&t->memory, &t->memory_room, t->memories, sizeof *t->memory))
        return false;
    t->memory[t->memories++] = (cli_timeline_memory){number(e, "ts"), json_number_value(active)};
    return true;
}

static bool add_name(cli_timeline *t, const json_t *e) {
    char id[64];
    const char *name = text(json_object_get(e, "args"), "name"), *what = text(e, "name");
    snprintf(id, sizeof id, "%.0f", number(e, "tid"));
    return !name || !what || strcmp(what, "thread_name") != 0 ||
           json_object_set_new(t->thread_names, id, json_string(name)) == 0;
}

static bool add_event(reader *r, const json_t *e) {
    static const struct {
        const char *kind;
        bool (*add)(cli_timeline *t, const json_t *e);
    } kinds[] = {{"X", add_operation}, {"C", add_memory}, {"M", add_name}};
    const char *kind = text(e, "ph");
    if (!json_is_object(e) || !kind)
        return fail(r, "this is no event: it has no \"ph\"");
    if (!is_in_range(e))
        return fail(r, "a time or a count of this event is out of range");
    if (r->t->count >= MOST_EVENTS)
        return fail(r, "there are more than 50 million events");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kind, kinds[i].kind))
            return kinds[i].add(r->t, e) || fail(r, "there is not enough memory");
    r->t->pairs += !strcmp(kind, "B") || !strcmp(kind, "E");
    return true;
}

/* Events up to the list's end; its bracket was read. A list that ends early is as good: programs
   that were killed leave such. */
static bool events(reader *r) {
    for (int c; (c = next(r)) != ']' && c != EOF;) {
        if (c == ',')
            continue;
        back(r, c);
        json_t *e = c == '{' ? container(r) : NULL;
        bool ok = e ? add_event(r, e) : fail(r, "an event was expected here");
        json_decref(e);
        if (!ok || cli_interrupted())
            return false;
    }
    return true;
}

/* --- the file --------------------------------------------------------------------------------- */

static bool other_data(reader *r) {
    json_t *o = container(r);
    r->t->dropped = number(o, "dropped");
    r->t->microseconds = number(o, "microseconds");
    r->t->bandwidth = number(o, "bandwidth");
    r->t->flops = number(o, "flops");
    json_decref(o);
    return o != NULL;
}

static bool member(reader *r, bool *found) {
    char key[32];
    int c;
    if (!string(r, key, sizeof key) || next(r) != ':')
        return fail(r, "a name and a colon were expected here");
    back(r, c = next(r));
    if (c == '[' && !strcmp(key, "traceEvents")) {
        *found = true;
        next(r);
        return events(r);
    }
    return c == '{' && !strcmp(key, "otherData") ? other_data(r) : skip(r);
}

static bool object(reader *r) {
    bool found = false;
    for (int c; (c = next(r)) != '}';) {
        if (c == EOF && found)
            break;
        if (c != '"' && c != ',')
            return fail(r, "this is no trace: a name was expected here");
        if (c == '"' && !member(r, &found))
            return false;
    }
    return found || fail(r, "this is no trace: there is no \"traceEvents\"");
}

static bool whole(reader *r) {
    int c = next(r);
    return c == '[' ? events(r) : c == '{' ? object(r) : fail(r, "this is no trace: no JSON");
}

static bool start(cli_timeline *t) {
    cli_words *all[] = {&t->names, &t->sources, &t->shapes, &t->threads};
    bool ok = (t->thread_names = json_object()) != NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = (cli_words){json_object(), json_array()};
        ok = ok && all[i]->numbers && all[i]->list;
        cli_word(all[i], "");
    }
    return ok;
}

int cli_timeline_read(cli_call *c, cli_timeline *t, const char *path) {
    reader r = {c, t, fopen(path, "r"), path, false};
    *t = (cli_timeline){0};
    if (!r.file)
        return cli_fail(c, "'%s' cannot be opened: %s", path, strerror(errno));
    bool ok = start(t) && whole(&r);
    fclose(r.file);
    if (cli_interrupted())
        return CLI_INTERRUPTED;
    ok = ok && cli_timeline_order(t);
    return ok ? CLI_OK : r.failed ? CLI_FAILED : cli_fail(c, "there is not enough memory");
}

void cli_timeline_free(cli_timeline *t) {
    cli_words *all[] = {&t->names, &t->sources, &t->shapes, &t->threads};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_decref(all[i]->numbers);
        json_decref(all[i]->list);
    }
    json_decref(t->thread_names);
    free(t->event);
    free(t->memory);
}

uint32_t cli_word(cli_words *w, const char *word) {
    const json_t *known = word ? json_object_get(w->numbers, word) : NULL;
    json_int_t n = (json_int_t)json_array_size(w->list);
    if (!word || known)
        return known ? (uint32_t)json_integer_value(known) : 0;
    bool ok = json_object_set_new(w->numbers, word, json_integer(n)) == 0 &&
              json_array_append_new(w->list, json_string(word)) == 0;
    return ok ? (uint32_t)n : 0;
}
