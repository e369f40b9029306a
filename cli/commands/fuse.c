/* mlx fuse: an adapter made part of the weights. */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

typedef struct watch {
    cli_call *c;
    cli_progress bar;
    bool began, quiet;
    double lost;
    json_t *notes;
    uint64_t done, bytes;
    size_t tensors;
} watch;

#define MUCH 0.02 /* of the change, whose loss is a warning */

static int step(const mlx_convert_progress *p, void *payload) {
    watch *w = payload;
    if (p->note && !p->tensor) { // about the whole
        w->lost = p->lost;
        json_array_append_new(w->notes, cli_json_text(p->note));
        if (w->began)
            cli_progress_end(&w->bar);
        w->began = false;
        if (p->lost > MUCH)
            cli_note(w->c, "%s", p->note);
    }
    if (p->note)
        return cli_interrupted();
    if (!w->began)
        w->bar = cli_progress_begin("writing", p->bytes, true, w->quiet);
    w->began = true;
    cli_progress_step(&w->bar, p->bytes_done - w->done, p->tensor);
    w->done = p->bytes_done;
    w->bytes = p->bytes;
    w->tensors = p->count;
    return cli_interrupted();
}

/* What nobody was warned of. */
static void show_notes(const json_t *file) {
    const json_t *note;
    size_t i;
    bool much = json_number_value(json_object_get(file, "lost")) > MUCH;
    json_array_foreach(json_object_get(file, "notes"), i, note) {
        if (!much)
            cli_print("%s\n", json_string_value(note));
    }
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {{"out", "Output", CLI_LOOK_TEXT},
                                         {"tensors", "Tensors", CLI_LOOK_COUNT},
                                         {"bytes", "Size", CLI_LOOK_SIZE},
                                         {0}};
    const json_t *files = json_object_get(doc, "files"), *file;
    size_t i;
    (void)c;
    cli_table(files, columns);
    json_array_foreach(files, i, file) {
        show_notes(file);
    }
}

static int fuse(cli_call *c, const char *model, const char *to, const char *format, json_t *files) {
    watch w = {.c = c, .quiet = c->quiet || c->json, .notes = json_array()};
    mlx_convert_options o = {.format = format,
                             .dequantize = cli_flag(c, "dequantize"),
                             .mode = cli_text(c, "mode", NULL),
                             .dtype = cli_text(c, "dtype", NULL),
                             .overwrite = cli_flag(c, "overwrite")};
    int failed = mlx_fuse(model, cli_text(c, "adapter-path", "adapters"), to, &o, step, &w);
    if (w.began)
        cli_progress_end(&w.bar);
    if (failed) {
        json_decref(w.notes);
        return cli_library(c);
    }
    json_array_append_new(files, json_pack("{s:o, s:I, s:I, s:f, s:o}", "out", cli_json_text(to),
                                           "tensors", (json_int_t)w.tensors, "bytes",
                                           (json_int_t)w.bytes, "lost", w.lost, "notes", w.notes));
    return CLI_OK;
}

/* A file has no room for another. */
static int check_export(cli_call *c, const char *to) {
    bool file = cli_has_ending(to, ".gguf"), outside = strchr(cli_text(c, "gguf-path", ""), '/');
    return !cli_flag(c, "export-gguf") || !file || outside
               ? CLI_OK
               : cli_usage(c, "--export-gguf makes a file in a folder, and '%s' is a file", to);
}

/* The GGUF file lies in the folder unless its path says where. */
static int fuse_gguf(cli_call *c, const char *model, const char *folder, json_t *files) {
    char path[4096];
    const char *name = cli_text(c, "gguf-path", "ggml-model.gguf");
    bool inside = !strchr(name, '/');
    int n = snprintf(path, sizeof path, "%s%s%s", inside ? folder : "", inside ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path)
        return cli_fail(c, "the path of the GGUF file is too long");
    return fuse(c, model, path, "gguf", files);
}

/* More than half of what was learned is not in a file that was written. */
static bool is_lost(const json_t *files) {
    const json_t *file;
    size_t i;
    json_array_foreach(files, i, file) {
        if (json_number_value(json_object_get(file, "lost")) > 0.5)
            return true;
    }
    return false;
}

static int run(cli_call *c) {
    const char *model = cli_text(c, "model", NULL), *to = cli_text(c, "save-path", "fused_model");
    char *path = NULL;
    json_t *files = json_array();
    int status = model ? check_export(c, to) : cli_usage(c, "-m MODEL says which model");
    status = status ? status : cli_find(c, &path, model);
    if (status == CLI_OK)
        status = fuse(c, path, to, NULL, files);
    if (status == CLI_OK && cli_flag(c, "export-gguf"))
        status = fuse_gguf(c, path, to, files);
    if (status == CLI_OK)
        status = cli_show(c, json_pack("{s:o, s:O}", "model", cli_json_text(model), "files", files),
                          show);
    if (status == CLI_OK && is_lost(files))
        status = CLI_FAILED;
    json_decref(files);
    free(path);
    return status;
}

static const cli_option options[] = {
    {.name = "model",
     .letter = 'm',
     .kind = CLI_FILE,
     .value = "MODEL",
     .help = "what the adapter was learned on: a GGUF file, a folder, a model of the hub's cache"},
    {.name = "adapter-path",
     .kind = CLI_FILE,
     .value = "PATH",
     .help = "the folder of the adapter (adapters)"},
    {.name = "save-path",
     .kind = CLI_FILE,
     .value = "PATH",
     .help = "a new folder, or a file that ends in .gguf (fused_model)"},
    {.name = "dequantize", .kind = CLI_FLAG, .help = "make numbers of what is quantized"},
    {.name = "mode",
     .kind = CLI_TEXT,
     .value = "MODE",
     .help = "quantize matrices: affine, mxfp4, q8_0, q4_k_m ...",
     .usual = cli_modes},
    {.name = "dtype",
     .kind = CLI_CHOICE,
     .value = "float32|float16|bfloat16",
     .help = "what plain numbers become"},
    {.name = "export-gguf", .kind = CLI_FLAG, .help = "make a GGUF file in the folder, too"},
    {.name = "gguf-path",
     .kind = CLI_FILE,
     .value = "NAME",
     .help = "its name there, or its path (ggml-model.gguf)",
     .needs = "export-gguf"},
    {.name = "overwrite", .kind = CLI_FLAG, .help = "replace a file that is there"},
    {0}};

static const cli_example examples[] = {
    {"mlx fuse -m model --save-path fused", "a folder with the change in its weights"},
    {"mlx fuse -m model.gguf --save-path fused.gguf", "a GGUF file, in the same blocks"},
    {"mlx fuse -m model-4bit --dequantize --export-gguf", "numbers, and a GGUF file of them"},
    {0}};

const cli_command cli_fuse = {
    .name = "fuse",
    .summary = "make an adapter part of the weights of a model",
    .arguments = NULL,
    .takes = CLI_TAKES_NOTHING,
    .text =
        "A conversion (mlx convert) with the adapter's change in the matrices. What was "
        "quantized is quantized anew in the same way, which rounds the change, too, unless "
        "--dequantize or --mode say otherwise; weights that another packer has packed (gptq, awq, "
        "fp8 ...) become numbers. How much of it is left is said; where that is less "
        "than half the status is 1, and the file is there.",
    .options = options,
    .examples = examples,
    .run = run};
