/* A bar that says how far it is, how fast, and how long it will take. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "output/output.h"

enum { BAR = 24, EVERY_MS = 80 };

double cli_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t columns(void) {
    struct winsize size;
    return ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static bool is_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(2) && !(term && strcmp(term, "dumb") == 0);
}

static char *amount(const cli_progress *p, double value) {
    json_t *v = json_integer((json_int_t)value);
    char *text = cli_cell(v, p->bytes ? CLI_LOOK_SIZE : CLI_LOOK_COUNT);
    json_decref(v);
    return text;
}

/* "  41%  [==========              ]" */
static int print_bar(char *out, size_t room, const cli_progress *p) {
    double share = (double)p->done / (double)p->total;
    int full = (int)((share > 1 ? 1 : share) * BAR), empty = BAR - full;
    return snprintf(out, room, " %3.0f%% [%.*s%*s]", 100 * share, full,
                    "========================", empty, "");
}

/* "  1:23 left" */
static int print_left(char *out, size_t room, const cli_progress *p, double rate) {
    double left = (double)(p->total - p->done) / rate;
    if (!(left >= 0 && left < 360000))
        return 0;
    long s = (long)(left + 0.5);
    return s >= 3600 ? snprintf(out, room, "  %ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60)
                     : snprintf(out, room, "  %ld:%02ld left", s / 60, s % 60);
}

static void draw(cli_progress *p, const char *what) {
    char line[512];
    size_t room = sizeof line;
    double elapsed = p->drawn - p->began, rate = elapsed > 0 ? (double)p->done / elapsed : 0;
    char *done = amount(p, (double)p->done), *fast = amount(p, rate);
    int n = snprintf(line, room, "%s", p->title);
    if (p->total)
        n += print_bar(line + n, room - (size_t)n, p);
    n += snprintf(line + n, room - (size_t)n, "  %s  %s/s", done ? done : "", fast ? fast : "");
    if (p->total && p->done && p->done <= p->total)
        n += print_left(line + n, room - (size_t)n, p, rate);
    char *name = what ? cli_escape(what, strlen(what)) : NULL;
    if (name && n + 2 + cli_width(name) < columns() && n + 3 + strlen(name) < room)
        n += sprintf(line + n, "  %s", name);
    size_t most = columns() - 1;
    fprintf(stderr, "\r%.*s\x1b[K", (int)((size_t)n < most ? (size_t)n : most), line);
    fflush(stderr);
    free(done), free(fast), free(name);
}

cli_progress cli_progress_begin(const char *title, uint64_t total, bool bytes, bool quiet) {
    double now = cli_seconds();
    return (cli_progress){.title = title,
                          .total = total,
                          .bytes = bytes,
                          .on = !quiet && is_terminal(),
                          .began = now};
}

void cli_progress_step(cli_progress *p, uint64_t more, const char *what) {
    p->done += more;
    double now = p->on ? cli_seconds() : 0;
    if (!p->on || (p->drawn && now - p->drawn < EVERY_MS / 1000.0))
        return;
    p->drawn = now;
    draw(p, what);
}

void cli_progress_end(cli_progress *p) {
    if (p->on && p->drawn)
        fputs("\r\x1b[K", stderr);
    p->on = false;
}
