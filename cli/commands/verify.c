/* mlx verify: is a model whole and sound? */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/checksum.h"
#include "model/model.h"

typedef struct verification {
    cli_call *c;
    mlx_file f;
    json_t *faults, *notes, *files, *tensors;
    uint64_t nan, inf;
} verification;

static void add(json_t *list, const char *where, const char *what) {
    json_array_append_new(list, json_pack("{s:o, s:o}", "where", cli_json_text(where), "what",
                                          cli_json_text(what)));
}

/* --- files ------------------------------------------------------------------------------------ */

static int check_file(verification *v, const char *path, uint64_t bytes, cli_progress *p) {
    char wanted[65] = "", found[65] = "";
    json_t *row = json_pack("{s:o, s:I}", "path", cli_json_text(path), "bytes", (json_int_t)bytes);
    const char *source = cli_checksum_wanted(wanted, path), *fault = cli_checksum_fault(path);
    json_array_append_new(v->files, row);
    if (fault)
        add(v->faults, path, fault);
    if (!source && !cli_flag(v->c, "sha256"))
        return CLI_OK;
    int status = cli_sha256_file(v->c, found, path, p);
    if (status)
        return status;
    json_object_set_new(row, "sha256", json_string(found));
    if (!source)
        return CLI_OK;
    bool same = strcmp(found, wanted) == 0;
    json_object_set_new(row, "expected", json_string(wanted));
    json_object_set_new(row, "source", json_string(source));
    json_object_set_new(row, "checksum", json_string(same ? "right" : "wrong"));
    if (!same)
        add(v->faults, path, "its SHA-256 is another one than expected");
    return CLI_OK;
}

static int check_files(verification *v) {
    const char *path;
    uint64_t bytes, all = 0;
    int parts = mlx_file_part_count(v->f), status = CLI_OK;
    for (int i = 0; i < parts; i++)
        all += mlx_file_part(&path, &bytes, v->f, i) ? 0 : bytes;
    cli_progress p = cli_progress_begin("checksums", all, true, v->c->quiet);
    for (int i = 0; i < parts && status == CLI_OK; i++)
        if (mlx_file_part(&path, &bytes, v->f, i) == 0)
            status = check_file(v, path, bytes, &p);
    cli_progress_end(&p);
    return status;
}

/* What an index says of all tensors together. */
static void check_index(verification *v) {
    json_error_t why;
    json_t *index = cli_beside(v->f, "model.safetensors.index.json", &why);
    json_t *size = json_object_get(json_object_get(index, "metadata"), "total_size");
    uint64_t bytes = cli_tensor_bytes(v->f);
    if (mlx_file_part_count(v->f) > 1 && json_is_integer(size) &&
        (uint64_t)json_integer_value(size) != bytes)
        add(v->notes, "model.safetensors.index.json",
            "its total_size is not what the tensors take together");
    json_decref(index);
}

/* Whoever opens the model reads it. */
static void check_config(verification *v) {
    json_error_t why;
    json_t *config = cli_beside(v->f, "config.json", &why);
    char what[JSON_ERROR_TEXT_LENGTH + 32];
    snprintf(what, sizeof what, "it is no JSON: %s", why.text);
    if (*why.text)
        add(v->faults, "config.json", what);
    json_decref(config);
}

/* --- tensors ---------------------------------------------------------------------------------- */

typedef int test_fn(mlx_array *res, const mlx_array a, const mlx_stream s);

static int count(uint64_t *out, test_fn *test, mlx_array a, mlx_stream s) {
    mlx_array is = mlx_array_new(), sum = mlx_array_new();
    int64_t n = 0;
    int status = test(&is, a, s) || mlx_sum(&sum, is, false, s) || mlx_array_item_int64(&n, sum);
    *out = (uint64_t)n;
    mlx_array_free(is), mlx_array_free(sum);
    return status;
}

static void report_values(verification *v, const mlx_file_tensor *t, uint64_t nan, uint64_t inf) {
    char what[96];
    if (nan == 0 && inf == 0)
        return;
    v->nan += nan, v->inf += inf;
    json_array_append_new(v->tensors,
                          json_pack("{s:o, s:s, s:I, s:I, s:I}", "name", cli_json_text(t->name),
                                    "storage", t->storage, "elements", (json_int_t)t->elements,
                                    "nan", (json_int_t)nan, "inf", (json_int_t)inf));
    snprintf(what, sizeof what, "%llu NaN and %llu infinite of %llu elements",
             (unsigned long long)nan, (unsigned long long)inf, (unsigned long long)t->elements);
    const char *allowed = cli_text(v->c, "allow", "none");
    bool fine = strcmp(allowed, "both") == 0 || (strcmp(allowed, "inf") == 0 && nan == 0);
    add(fine ? v->notes : v->faults, t->name, what);
}

/* Reads it, so that what cannot be read shows, too. */
static int check_tensor(verification *v, size_t i, const mlx_file_tensor *t) {
    mlx_stream s = mlx_stream_new();
    mlx_array a = mlx_array_new();
    uint64_t nan = 0, inf = 0;
    int status = mlx_file_read(&a, v->f, i, s) || mlx_array_eval(a);
    if (status == 0 && cli_is_float(t->dtype))
        status = count(&nan, mlx_isnan, a, s) || count(&inf, mlx_isinf, a, s);
    mlx_array_free(a);
    mlx_stream_free(s);
    if (status == 0)
        report_values(v, t, nan, inf);
    return status;
}

/* A tensor that cannot be read is a fault, and the others are looked at all the same. */
static int check_tensors(verification *v) {
    cli_progress p = cli_progress_begin("reading", cli_tensor_bytes(v->f), true, v->c->quiet);
    int status = CLI_OK;
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(v->f) && status == CLI_OK; i++) {
        bool bad = mlx_file_get(&t, v->f, i) || check_tensor(v, i, &t);
        if (bad && (cli_interrupted() || mlx_last_error_code() == MLX_ERROR_MEMORY))
            status = cli_library(v->c);
        else if (bad)
            add(v->faults, t.name, mlx_last_error_message());
        cli_progress_step(&p, t.bytes, t.name);
    }
    cli_progress_end(&p);
    return status;
}

/* --- the answer ------------------------------------------------------------------------------- */

static void list(const char *heading, cli_style style, const json_t *rows) {
    static const cli_column columns[] = {
        {"where", "Where", CLI_LOOK_TEXT}, {"what", "What", CLI_LOOK_TEXT}, {0}};
    if (json_array_size(rows) == 0)
        return;
    printf("\n%s%s%s\n", cli_styled(style), heading, cli_styled(CLI_PLAIN));
    cli_records(rows, columns);
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column files[] = {{"path", "File", CLI_LOOK_TEXT},
                                       {"bytes", "Size", CLI_LOOK_SIZE},
                                       {"sha256", "SHA-256", CLI_LOOK_TEXT},
                                       {"checksum", "", CLI_LOOK_TEXT},
                                       {0}};
    static const cli_column totals[] = {{"format", "Format", CLI_LOOK_TEXT},
                                        {"tensor_count", "Tensors", CLI_LOOK_COUNT},
                                        {"nan", "NaN", CLI_LOOK_COUNT},
                                        {"inf", "Infinite", CLI_LOOK_COUNT},
                                        {0}};
    bool sound = json_is_true(json_object_get(doc, "sound"));
    (void)c;
    cli_table(json_object_get(doc, "files"), files);
    putchar('\n');
    cli_pairs(doc, totals);
    list("Notes", CLI_WARN, json_object_get(doc, "notes"));
    list("Faults", CLI_BAD, json_object_get(doc, "faults"));
    printf("\n%s%s%s\n", cli_styled(sound ? CLI_GOOD : CLI_BAD), sound ? "sound" : "not sound",
           cli_styled(CLI_PLAIN));
}

static int report(verification *v) {
    bool sound = json_array_size(v->faults) == 0;
    json_t *doc = json_pack("{s:b, s:O, s:O, s:O, s:O}", "sound", sound, "files", v->files,
                            "faults", v->faults, "notes", v->notes, "tensors", v->tensors);
    if (v->f.ctx) {
        json_object_set_new(doc, "format", json_string(mlx_file_format(v->f)));
        json_object_set_new(doc, "tensor_count", json_integer((json_int_t)mlx_file_count(v->f)));
    }
    if (v->f.ctx && !cli_flag(v->c, "structure")) {
        json_object_set_new(doc, "nan", json_integer((json_int_t)v->nan));
        json_object_set_new(doc, "inf", json_integer((json_int_t)v->inf));
    }
    int status = cli_show(v->c, doc, show);
    return status ? status : sound ? CLI_OK : CLI_FAILED;
}

/* What the file says is its fault; that there is none, or no memory, is not. */
static int refused(verification *v) {
    int code = mlx_last_error_code();
    if (code != MLX_ERROR_FORMAT && code != MLX_ERROR_UNSUPPORTED)
        return cli_library(v->c);
    add(v->faults, v->c->args[0], mlx_last_error_message());
    return report(v);
}

static int check(verification *v) {
    check_index(v);
    check_config(v);
    int status = check_files(v);
    if (status == CLI_OK && !cli_flag(v->c, "structure"))
        status = check_tensors(v);
    return status ? status : report(v);
}

static int verify(verification *v) {
    char *path;
    int status = cli_find(v->c, &path, v->c->args[0]);
    if (status == CLI_OK && mlx_file_open(&v->f, path, false))
        status = refused(v);
    else if (status == CLI_OK)
        status = check(v);
    free(path);
    return status;
}

static int run(cli_call *c) {
    verification v = {.c = c,
                      .f = mlx_file_new(),
                      .faults = json_array(),
                      .notes = json_array(),
                      .files = json_array(),
                      .tensors = json_array()};
    int status = verify(&v);
    mlx_file_free(v.f);
    json_decref(v.faults), json_decref(v.notes), json_decref(v.files), json_decref(v.tensors);
    return status;
}

static const cli_option options[] = {
    {.name = "structure", .letter = 's', .help = "headers and checksums alone; read no tensor"},
    {.name = "sha256", .help = "print the SHA-256 of each file, also where none is expected"},
    {.name = "allow",
     .kind = CLI_CHOICE,
     .value = "none|inf|both",
     .help = "infinities, or NaN as well, are no faults (none)"},
    {0}};

static const cli_example examples[] = {
    {"mlx verify model.gguf", "is its structure right, and every value a number?"},
    {"mlx verify models/SmolLM2 --structure", "the same without reading the tensors"},
    {"mlx verify model.safetensors --sha256", "print the checksum as well"},
    {0}};

const cli_command cli_verify = {
    .name = "verify",
    .summary = "check the structure, the checksums and the values of a model",
    .arguments = "FILE|DIR",
    .least = 1,
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text =
        "A checksum is expected where one is known: in FILE.sha256 or SHA256SUMS beside it, in the "
        "name of what a link of the Hugging Face cache leads to, or in the notes of its "
        "downloads.\n\nThe status is 0 if the model is sound and 1 if it has faults.",
    .options = options,
    .examples = examples,
    .run = run};
