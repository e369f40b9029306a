/* mlx trace: where the time of a program went. */
#include <stdlib.h>
#include <string.h>

#include "trace/trace.h"

/* "out.json" becomes "out.html". For free. */
static char *page_of(const char *path) {
    static const char from[] = ".json", to[] = ".html";
    size_t n = strlen(path), keep = n;
    if (n > strlen(from) && !strcmp(path + n - strlen(from), from))
        keep -= strlen(from);
    char *page = malloc(n + sizeof to);
    if (page) {
        memcpy(page, path, keep);
        strcpy(page + keep, to);
    }
    return page;
}

static json_t *describe(const cli_timeline *t, const char *path, const char *page) {
    json_t *doc = json_pack("{s:o, s:I, s:f, s:f}", "file", cli_json_text(path), "events",
                            (json_int_t)t->count, "seconds", cli_timeline_span(t), "busy",
                            cli_timeline_busy(t));
    if (t->memories)
        json_object_set_new(doc, "memory", json_integer((json_int_t)cli_timeline_peak(t)));
    if (t->dropped > 0)
        json_object_set_new(doc, "dropped", json_integer((json_int_t)t->dropped));
    if (t->pairs)
        json_object_set_new(doc, "passed_over", json_integer((json_int_t)t->pairs));
    if (t->bandwidth > 0 && t->flops > 0) {
        json_object_set_new(doc, "bandwidth", json_real(t->bandwidth));
        json_object_set_new(doc, "flops", json_real(t->flops));
    }
    json_object_set_new(doc, "operations", cli_timeline_rows(t));
    if (page)
        json_object_set_new(doc, "page", cli_json_text(page));
    return doc;
}

/* The rows that took longest. */
static json_t *first_rows(const json_t *rows, int64_t limit) {
    json_t *some = json_array(), *row;
    size_t i;
    json_array_foreach(rows, i, row) {
        if (limit > 0 && (int64_t)i >= limit)
            break;
        json_array_append(some, row);
    }
    return some;
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column head[] = {
        {"events", "Events", CLI_LOOK_COUNT},
        {"seconds", "From first to last", CLI_LOOK_SECONDS},
        {"busy", "In operations", CLI_LOOK_SECONDS},
        {"memory", "Memory of arrays, at most", CLI_LOOK_SIZE},
        {"dropped", "Earlier events without room", CLI_LOOK_COUNT},
        {"passed_over", "Begin or end alone (B, E), not counted", CLI_LOOK_COUNT},
        {"bandwidth", "Machine's bandwidth", CLI_LOOK_BANDWIDTH},
        {"flops", "Machine's arithmetic", CLI_LOOK_FLOPS},
        {"page", "Page", CLI_LOOK_TEXT},
        {0}};
    static const cli_column columns[] = {{"name", "Operation", CLI_LOOK_TEXT},
                                         {"calls", "Calls", CLI_LOOK_COUNT},
                                         {"seconds", "Time", CLI_LOOK_SECONDS},
                                         {"share", "Share", CLI_LOOK_PERCENT},
                                         {"bytes_per_second", "Memory", CLI_LOOK_BANDWIDTH},
                                         {"flops_per_second", "Arithmetic", CLI_LOOK_FLOPS},
                                         {"fraction", "Of the limit", CLI_LOOK_PERCENT},
                                         {"source", "Where", CLI_LOOK_TEXT},
                                         {0}};
    json_t *rows = first_rows(json_object_get(doc, "operations"), cli_int(c, "limit", 20));
    size_t all = json_array_size(json_object_get(doc, "operations")), n = json_array_size(rows);
    cli_pairs(doc, head);
    cli_heading("Operations");
    cli_table(rows, columns);
    if (n < all)
        cli_print("... and %zu rows more (--limit 0 shows all)\n", all - n);
    json_decref(rows);
}

static int summarise(cli_call *c, cli_timeline *t, const char *page) {
    if (cli_flag(c, "here") && mlx_machine_limits(&t->bandwidth, &t->flops))
        return cli_library(c);
    const char *name = strrchr(c->args[0], '/');
    int status = page ? cli_timeline_page(c, t, page, name ? name + 1 : c->args[0]) : CLI_OK;
    return status == CLI_OK ? cli_show(c, describe(t, c->args[0], page), show) : status;
}

static int run(cli_call *c) {
    cli_timeline t;
    bool writes = !cli_flag(c, "no-page");
    char *usual = page_of(c->args[0]);
    int status = cli_timeline_read(c, &t, c->args[0]);
    if (status == CLI_OK && !usual)
        status = cli_fail(c, "there is not enough memory");
    if (status == CLI_OK)
        status = summarise(c, &t, writes ? cli_text(c, "page", usual) : NULL);
    cli_timeline_free(&t);
    free(usual);
    return status;
}

static const cli_option options[] = {
    {.name = "page",
     .letter = 'o',
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "write the page here, not beside the trace"},
    {.name = "no-page", .help = "write no page"},
    {.name = "limit",
     .letter = 'n',
     .kind = CLI_INT,
     .value = "N",
     .help = "show the N rows that took longest, not 20 (0: all)",
     .most = 1e9},
    {.name = "here", .help = "compare with this machine's limits, which are measured"},
    {0}};

static const cli_example examples[] = {
    {"MLX_TRACE=out.json python train.py; mlx trace out.json", "a table, and the page out.html"},
    {"mlx trace out.json --no-page --limit 5", "what took longest"},
    {"mlx trace out.json -o /tmp/page.html", "the page elsewhere"},
    {0}};

const cli_command cli_trace = {
    .name = "trace",
    .summary = "show where the time of a program went, as a table and as a page",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text = "FILE is a trace that MLX_TRACE, mx.profile() or mlx_profile_write made, or another "
            "one in Chrome's format. The page has a timeline by thread, the memory of arrays over "
            "time and the table; it needs no network and no other file.\n\n"
            "A row is an operation and the line of the program that made it; its time is without "
            "what ran inside of it. The limit is the time that its memory or its arithmetic takes "
            "at least on the machine that was traced, where the trace says how fast that is.",
    .options = options,
    .examples = examples,
    .run = run};
