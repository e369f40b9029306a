/* mlx bench: what this machine can do, and what operations make of it. */
#include <stdio.h>
#include <string.h>

#include "bench/limits.h"
#include "bench/operations.h"
#include "model/model.h"

/* --- one operation ---------------------------------------------------------------------------- */

static int call_once(double *seconds, const cli_operation *o, const mlx_array *in, mlx_stream s) {
    mlx_array out = mlx_array_new();
    double began = cli_seconds();
    int status = cli_interrupted() || o->call(&out, in, s) || mlx_array_eval(out);
    *seconds = cli_seconds() - began;
    mlx_array_free(out);
    return status;
}

/* The best of all calls within the time, and of three at least. */
static int best_call(double *best, const cli_operation *o, const mlx_array *in, double time) {
    mlx_stream s = mlx_stream_new();
    double began = cli_seconds(), seconds;
    int status = call_once(best, o, in, s);
    for (int i = 0; status == 0 && (i < 3 || cli_seconds() - began < time); i++) {
        status = call_once(&seconds, o, in, s);
        *best = seconds < *best ? seconds : *best;
    }
    mlx_stream_free(s);
    return status;
}

/* The least time that the machine needs: memory or arithmetic, whichever takes longer. */
static double least_seconds(const cli_operation *o, const cli_limits *l, double bytes,
                            double flops) {
    double memory = bytes / (o->writes > 0 ? l->copy : l->read);
    double arithmetic = flops / (o->dtype == MLX_FLOAT64 ? l->float64 : l->float32);
    return memory > arithmetic ? memory : arithmetic;
}

static json_t *row_of(const cli_operation *o, const cli_limits *l, const mlx_array *in,
                      double seconds) {
    double bytes = (o->reads + o->writes) * (double)mlx_array_nbytes(in[0]);
    double flops = o->flops ? o->flops(in) : 0;
    json_t *row = json_pack("{s:s, s:s, s:o, s:f, s:f, s:f, s:f}", "name", o->name, "dtype",
                            cli_dtype_name(o->dtype), "shape",
                            cli_json_shape(mlx_array_shape(in[0]), (int)mlx_array_ndim(in[0])),
                            "seconds", seconds, "bytes", bytes, "bytes_per_second", bytes / seconds,
                            "fraction", least_seconds(o, l, bytes, flops) / seconds);
    if (o->flops) {
        json_object_set_new(row, "flops", json_real(flops));
        json_object_set_new(row, "flops_per_second", json_real(flops / seconds));
    }
    return row;
}

/* NULL: the library failed. */
static json_t *measure(const cli_operation *o, const cli_limits *l, cli_sizes sizes, double time) {
    mlx_array in[CLI_MOST_INPUTS] = {{0}};
    double seconds = 0;
    json_t *row = NULL;
    if (o->inputs(in, o, sizes) == 0 && best_call(&seconds, o, in, time) == 0)
        row = row_of(o, l, in, seconds);
    for (int i = 0; i < CLI_MOST_INPUTS; i++)
        mlx_array_free(in[i]);
    mlx_clear_cache();
    return row;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool is_wanted(const cli_call *c, const char *name) {
    bool wanted = c->count == 0;
    for (int i = 0; i < c->count; i++)
        wanted = wanted || strstr(name, c->args[i]);
    return wanted;
}

static json_t *measure_all(cli_call *c, const cli_limits *l, cli_sizes sizes, double time) {
    size_t count = 0;
    while (cli_operations[count].name)
        count++;
    cli_progress p = cli_progress_begin("measuring", count, false, c->quiet);
    json_t *rows = json_array();
    for (const cli_operation *o = cli_operations; rows && o->name; o++) {
        json_t *row = is_wanted(c, o->name) ? measure(o, l, sizes, time) : json_null();
        if (row && !json_is_null(row))
            json_array_append_new(rows, row);
        if (!row) {
            json_decref(rows);
            rows = NULL;
        }
        cli_progress_step(&p, 1, o->name);
    }
    cli_progress_end(&p);
    return rows;
}

static int check_names(cli_call *c) {
    for (int i = 0; i < c->count; i++) {
        bool found = false;
        for (const cli_operation *o = cli_operations; o->name; o++)
            found = found || strstr(o->name, c->args[i]);
        if (!found)
            return cli_usage(c, "there is no row '%s'", c->args[i]);
    }
    return CLI_OK;
}

/* --- for people ------------------------------------------------------------------------------- */

static void show(cli_call *c, const json_t *doc) {
    static const cli_column machine[] = {{"device_name", "Machine", CLI_LOOK_TEXT},
                                         {"threads", "Threads", CLI_LOOK_COUNT},
                                         {"read_bytes_per_second", "Read", CLI_LOOK_BANDWIDTH},
                                         {"copy_bytes_per_second", "Copy", CLI_LOOK_BANDWIDTH},
                                         {"float32_flops", "float32", CLI_LOOK_FLOPS},
                                         {"float64_flops", "float64", CLI_LOOK_FLOPS},
                                         {0}};
    static const cli_column columns[] = {{"name", "Operation", CLI_LOOK_TEXT},
                                         {"dtype", "Dtype", CLI_LOOK_TEXT},
                                         {"shape", "Shape", CLI_LOOK_SHAPE},
                                         {"seconds", "Time", CLI_LOOK_SECONDS},
                                         {"bytes_per_second", "Memory", CLI_LOOK_BANDWIDTH},
                                         {"flops_per_second", "Arithmetic", CLI_LOOK_FLOPS},
                                         {"fraction", "Of the limit", CLI_LOOK_PERCENT},
                                         {0}};
    (void)c;
    cli_pairs(json_object_get(doc, "machine"), machine);
    putchar('\n');
    cli_table(json_object_get(doc, "operations"), columns);
}

static json_t *describe_machine(const cli_limits *l) {
    mlx_device device = mlx_device_new_type(MLX_CPU, 0);
    mlx_device_info info = mlx_device_info_new();
    const char *name = NULL;
    if (mlx_device_info_get(&info, device) ||
        mlx_device_info_get_string(&name, info, "device_name"))
        name = "";
    json_t *row =
        json_pack("{s:o, s:i, s:f, s:f, s:f, s:f}", "device_name", cli_json_text(name), "threads",
                  l->threads, "read_bytes_per_second", l->read, "copy_bytes_per_second", l->copy,
                  "float32_flops", l->float32, "float64_flops", l->float64);
    mlx_device_info_free(info);
    mlx_device_free(device);
    return row;
}

static int run(cli_call *c) {
    double time = cli_real(c, "time", 0.3);
    cli_sizes sizes = {(size_t)cli_bytes(c, "size", 256 << 20), (int)cli_int(c, "matrix", 1024)};
    cli_limits limits = {0};
    int status = check_names(c);
    if (status)
        return status;
    if (cli_measure(&limits, sizes.bytes, time))
        return cli_fail(c, "the machine's limits cannot be measured: too little memory or threads");
    json_t *rows = measure_all(c, &limits, sizes, time);
    if (!rows)
        return cli_library(c);
    return cli_show(
        c, json_pack("{s:o, s:o}", "machine", describe_machine(&limits), "operations", rows), show);
}

/* The first word of a row's name: any part of it names the row. */
static const char *word(size_t i) {
    static char first[64];
    const char *name = cli_operations[i].name;
    if (!name)
        return NULL;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(name, " ("), name);
    return first;
}

static const cli_option options[] = {
    {.name = "time",
     .letter = 't',
     .kind = CLI_REAL,
     .value = "SECONDS",
     .help = "for each measurement (0.3)",
     .least = 0,
     .most = 3600},
    {.name = "size",
     .letter = 's',
     .kind = CLI_BYTES,
     .value = "SIZE",
     .help = "of arrays that no cache should hold (256M)"},
    {.name = "matrix",
     .letter = 'm',
     .kind = CLI_INT,
     .value = "N",
     .help = "rows and columns of matrices that are multiplied (1024)",
     .least = 16,
     .most = 32768},
    {0}};

static const cli_example examples[] = {
    {"mlx bench", "the machine's limits, and how near to them operations come"},
    {"mlx bench matmul attention", "some rows alone"},
    {"MLX_NUM_THREADS=1 mlx bench", "one processor alone"},
    {0}};

const cli_command cli_bench = {
    .name = "bench",
    .summary = "measure this machine and operations on it",
    .arguments = "[OPERATIONS...]",
    .most = -1,
    .takes = CLI_TAKES_WORDS,
    .word = word,
    .text =
        "The limits are measured without the library: reading and copying memory that no cache "
        "holds, and multiplications with additions in registers of the widest instruction set, "
        "on all threads. An operation's limit is the time that its memory or its arithmetic takes "
        "at those rates, whichever is longer; the column shows what part of its time that is. "
        "Processors that multiply bfloat16 with instructions of its own may come above 100%.",
    .options = options,
    .examples = examples,
    .run = run};
