/* Trace files: see trace_file.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "graph/profile/trace_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "graph/profile/limits.h"
#include "graph/watch/source.h"

/* --- JSON ------------------------------------------------------------------------------------- */

/* Bytes of the UTF-8 character at s (Unicode 15, table 3-7); 0: it is none. */
static int utf8_length(const unsigned char *s) {
    if (s[0] < 0x80)
        return 1;
    int n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
    n = s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : n;
    unsigned char low = s[0] == 0xe0   ? 0xa0
                        : s[0] == 0xf0 ? 0x90
                                       : 0x80,
                  high = s[0] == 0xed   ? 0x9f
                         : s[0] == 0xf4 ? 0x8f
                                        : 0xbf;
    if (n && (s[1] < low || s[1] > high))
        return 0;
    for (int i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Any bytes as a string: what is no UTF-8 becomes U+FFFD, and < is escaped so that a page of HTML
   may hold the text. */
static void put_string(mx_text *t, const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    mx_text_char(t, '"');
    while (*s) {
        int n = utf8_length(s);
        if (!n)
            mx_text_str(t, "\\ufffd");
        else if (*s < 0x20 || *s == 0x7f || *s == '"' || *s == '\\' || *s == '<')
            mx_text_add(t, "\\u%04x", *s);
        else
            mx_text_put(t, (const char *)s, (size_t)n);
        s += n ? n : 1;
    }
    mx_text_char(t, '"');
}

static void put_micros(mx_text *t, const char *key, int64_t ns) {
    mx_text_add(t, ",\"%s\":", key);
    mx_text_fixed(t, (double)ns * 1e-3, 3);
}

static void put_member(mx_text *t, const char *key, const char *text) {
    mx_text_add(t, ",\"%s\":", key);
    put_string(t, text);
}

static void put_arrays(mx_text *t, const char *key, const mx_event *e, bool output) {
    mx_text list = {0};
    mx_event_arrays(&list, e, output);
    put_member(t, key, mx_text_view(&list));
    t->failed |= list.failed;
    mx_text_free(&list);
}

/* --- events ----------------------------------------------------------------------------------- */

static void put_operation(mx_text *t, const mx_profile *p, const mx_profile_entry *x, int pid) {
    const mx_event *e = x->event;
    const char *source = mx_source_text(e->source);
    mx_text_add(t, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d", pid, e->thread);
    put_member(t, "name", x->name);
    put_member(t, "cat", e->program ? "program" : "operation");
    put_micros(t, "ts", e->start - p->began);
    put_micros(t, "dur", e->duration);
    mx_text_add(t, ",\"args\":{\"stream\":%d", e->stream);
    put_arrays(t, "inputs", e, false);
    put_arrays(t, "outputs", e, true);
    mx_text_add(t, ",\"read\":%llu,\"written\":%llu,\"flops\":", (unsigned long long)e->read,
                (unsigned long long)e->written);
    mx_text_fixed(t, e->flops, 0);
    if (source)
        put_member(t, "source", source);
    mx_text_str(t, e->failed ? ",\"failed\":true}}" : "}}");
}

static void put_memory(mx_text *t, const mx_profile *p, const mx_event *e, int pid) {
    mx_text_add(t, ",\n{\"ph\":\"C\",\"pid\":%d,\"tid\":%d,\"name\":\"memory\"", pid, e->thread);
    put_micros(t, "ts", e->start + e->duration - p->began);
    mx_text_add(t, ",\"args\":{\"active\":%llu}}", (unsigned long long)e->active);
}

static void put_name(mx_text *t, int pid, int tid, const char *what, const char *name) {
    mx_text_add(t, "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"name\":", pid,
                tid, what);
    put_string(t, name);
    mx_text_str(t, "}}");
}

static void put_head(mx_text *t, const mx_profile *p, int pid) {
    mx_limits l;
    mx_text_add(t,
                "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"writer\":\"mlxc\",\"dropped\":%llu",
                (unsigned long long)p->ring.dropped);
    put_micros(t, "microseconds", p->ended - p->began);
    if (mx_limits_known(&l)) {
        mx_text_str(t, ",\"bandwidth\":");
        mx_text_fixed(t, l.bandwidth, 0);
        mx_text_str(t, ",\"flops\":");
        mx_text_fixed(t, l.flops, 0);
    }
    mx_text_str(t, "},\"traceEvents\":[\n");
    put_name(t, pid, pid, "process_name", program_invocation_short_name);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { MOST_THREADS = 1024 };

typedef struct threads {
    int32_t id[MOST_THREADS];
    int count;
} threads;

static bool is_new(threads *s, int32_t id) {
    for (int i = s->count; i-- > 0;)
        if (s->id[i] == id)
            return false;
    if (s->count < MOST_THREADS)
        s->id[s->count++] = id;
    return true;
}

static void put_thread(mx_text *t, int pid, int32_t id) {
    char name[32];
    snprintf(name, sizeof name, id == pid ? "main thread" : "thread %d", id);
    mx_text_str(t, ",\n");
    put_name(t, pid, id, "thread_name", name);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool flush(mx_writer *w, mx_text *t) {
    bool ok = !t->failed && mx_writer_put(w, mx_text_view(t), t->len);
    t->len = 0;
    return ok;
}

static bool put_all(mx_writer *w, mx_text *t, const mx_profile *p) {
    threads seen = {.count = 0};
    int pid = getpid();
    put_head(t, p, pid);
    for (size_t i = 0; i < p->count; i++) {
        const mx_event *e = p->entry[i].event;
        if (is_new(&seen, e->thread))
            put_thread(t, pid, e->thread);
        put_operation(t, p, &p->entry[i], pid);
        put_memory(t, p, e, pid);
        if (!flush(w, t))
            return false;
    }
    mx_text_str(t, "\n]}\n");
    return flush(w, t);
}

bool mx_trace_write(const mx_profile *p, const char *path) {
    mx_writer *w = mx_writer_open("trace", path);
    mx_text t = {0};
    bool ok = w && put_all(w, &t, p);
    mx_text_free(&t);
    if (ok)
        return mx_writer_commit(w);
    mx_writer_abandon(w);
    return false;
}
