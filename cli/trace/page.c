/* The page of a trace: page.html, which the build makes an array of bytes, with the trace in the
 * place of @DATA@. Times in it are nanoseconds, whole numbers. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace.h"

/* A text that ends in 0 (embed.cmake). */
extern const char cli_timeline_html[];

/* --- JSON that may stand inside of a script element ------------------------------------------- */

/* "<" is in texts only, where it may be written as an escape. */
static int put_escaped(const char *text, size_t n, void *file) {
    for (size_t i = 0; i < n; i++)
        if ((text[i] == '<' ? fputs("\\u003c", file) : putc(text[i], file)) == EOF)
            return -1;
    return 0;
}

static void put_json(FILE *f, const char *key, const json_t *value) {
    fprintf(f, "\"%s\":", key);
    json_dump_callback(value, put_escaped, f, JSON_COMPACT | JSON_ENCODE_ANY);
    putc(',', f);
}

static void put_number(FILE *f, double x) {
    fprintf(f, "%lld", fabs(x) < 9e15 ? llround(x) : 0LL);
}

static void put_real(FILE *f, const char *key, double x) {
    json_t *value = json_real(x);
    put_json(f, key, value);
    json_decref(value);
}

/* --- columns ---------------------------------------------------------------------------------- */

typedef double pick(const cli_timeline_event *e);

#define PICK(name, value)                                    \
    static double pick_##name(const cli_timeline_event *e) { \
        return value;                                        \
    }
PICK(begin, e->begin * 1e3)
PICK(duration, e->duration * 1e3)
PICK(self, e->self * 1e3)
PICK(thread, e->thread)
PICK(depth, e->depth)
PICK(name, e->name)
PICK(source, e->source)
PICK(shapes, e->shapes)
PICK(read, e->read)
PICK(written, e->written)
PICK(flops, e->flops)
PICK(failed, e->failed)

static const struct {
    const char *key;
    pick *of;
} columns[] = {{"begin", pick_begin},     {"duration", pick_duration}, {"self", pick_self},
               {"thread", pick_thread},   {"depth", pick_depth},       {"name", pick_name},
               {"source", pick_source},   {"shapes", pick_shapes},     {"read", pick_read},
               {"written", pick_written}, {"flops", pick_flops},       {"failed", pick_failed}};

static void put_events(FILE *f, const cli_timeline *t) {
    fputs("\"events\":{", f);
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        fprintf(f, "%s\"%s\":[", k ? "," : "", columns[k].key);
        for (size_t i = 0; i < t->count; i++) {
            fputs(i ? "," : "", f);
            put_number(f, columns[k].of(&t->event[i]));
        }
        putc(']', f);
    }
    fputs("},", f);
}

static void put_memory(FILE *f, const cli_timeline *t) {
    fputs("\"memory\":{\"at\":[", f);
    for (size_t i = 0; i < t->memories; i++) {
        fputs(i ? "," : "", f);
        put_number(f, t->memory[i].at * 1e3);
    }
    fputs("],\"bytes\":[", f);
    for (size_t i = 0; i < t->memories; i++) {
        fputs(i ? "," : "", f);
        put_number(f, t->memory[i].bytes);
    }
    fputs("]},", f);
}

/* Each thread's name, or its number. */
static void put_threads(FILE *f, const cli_timeline *t) {
    json_t *titles = json_array(), *id;
    size_t i;
    json_array_foreach(t->threads.list, i, id) {
        const char *name =
            json_string_value(json_object_get(t->thread_names, json_string_value(id)));
        json_array_append_new(titles, name ? json_string(name)
                                           : json_sprintf("thread %s", json_string_value(id)));
    }
    put_json(f, "threads", titles);
    json_decref(titles);
}

static void put_data(FILE *f, const cli_timeline *t, const char *title) {
    json_t *text = cli_json_text(title), *limits = NULL;
    putc('{', f);
    put_json(f, "title", text);
    put_json(f, "names", t->names.list);
    put_json(f, "sources", t->sources.list);
    put_json(f, "shapes", t->shapes.list);
    put_threads(f, t);
    put_events(f, t);
    put_memory(f, t);
    put_real(f, "busy", cli_timeline_busy(t));
    put_real(f, "span", cli_timeline_span(t));
    put_real(f, "peak", cli_timeline_peak(t));
    put_real(f, "dropped", t->dropped);
    if (t->bandwidth > 0 && t->flops > 0)
        put_json(f, "limits", limits = json_pack("[f,f]", t->bandwidth, t->flops));
    fputs("\"version\":1}", f);
    json_decref(text);
    json_decref(limits);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool put_page(FILE *f, const cli_timeline *t, const char *title) {
    static const char mark[] = "@DATA@";
    const char *place = strstr(cli_timeline_html, mark);
    fwrite(cli_timeline_html, 1, (size_t)(place - cli_timeline_html), f);
    put_data(f, t, title);
    fputs(place + sizeof mark - 1, f);
    return fflush(f) == 0 && !ferror(f) && fsync(fileno(f)) == 0;
}

/* Under another name first: what was there stays whole. */
int cli_timeline_page(cli_call *c, const cli_timeline *t, const char *path, const char *title) {
    size_t size = strlen(path) + 32;
    char *temporary = malloc(size);
    if (!temporary)
        return cli_fail(c, "there is not enough memory");
    snprintf(temporary, size, "%s.%ld.tmp", path, (long)getpid());
    FILE *f = fopen(temporary, "wx");
    int why = f ? 0 : errno;
    if (f && !put_page(f, t, title))
        why = errno ? errno : EIO;
    if (f && fclose(f) != 0 && !why)
        why = errno;
    if (!why && rename(temporary, path) != 0)
        why = errno;
    if (f && why)
        unlink(temporary);
    free(temporary);
    return why ? cli_fail(c, "'%s' cannot be written: %s", path, strerror(why)) : CLI_OK;
}
