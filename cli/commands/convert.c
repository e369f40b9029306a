/* mlx convert and mlx quantize: a model in another format, or in fewer bits. */
#include <string.h>

#include "model/model.h"

/* --- while it goes on ------------------------------------------------------------------------- */

typedef struct watch {
    cli_progress bar;
    bool began;
    bool quiet;
    uint64_t done, bytes;
    size_t tensors;
    json_t *notes;
} watch;

/* One line for all tensors of which the same is to be said. */
static void add_note(json_t *notes, const char *tensor, const char *text) {
    size_t i;
    json_t *row;
    json_array_foreach(notes, i, row) {
        if (strcmp(json_string_value(json_object_get(row, "note")), text) == 0) {
            json_int_t n = json_integer_value(json_object_get(row, "tensors"));
            json_object_set_new(row, "tensors", json_integer(n + 1));
            return;
        }
    }
    json_array_append_new(notes, json_pack("{s:o, s:o, s:i}", "note", cli_json_text(text), "first",
                                           cli_json_text(tensor ? tensor : ""), "tensors", 1));
}

static int step(const mlx_convert_progress *p, void *payload) {
    watch *w = payload;
    if (p->note)
        add_note(w->notes, p->tensor, p->note);
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

/* --- what was asked --------------------------------------------------------------------------- */

static mlx_convert_options options_of(const cli_call *c, const char *mode) {
    return (mlx_convert_options){.format = cli_text(c, "format", NULL),
                                 .family = cli_text(c, "family", NULL),
                                 .mode = mode,
                                 .bits = (int)cli_int(c, "bits", 0),
                                 .group_size = (int)cli_int(c, "group-size", 0),
                                 .dequantize = cli_flag(c, "dequantize"),
                                 .dtype = cli_text(c, "dtype", NULL),
                                 .most_bytes = cli_bytes(c, "max-size", 0),
                                 .overwrite = cli_flag(c, "overwrite")};
}

/* --- what was done ---------------------------------------------------------------------------- */

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {
        {"out", "Output", CLI_LOOK_TEXT},       {"family", "Family", CLI_LOOK_TEXT},
        {"tensors", "Tensors", CLI_LOOK_COUNT}, {"bytes", "Size", CLI_LOOK_SIZE},
        {"seconds", "Time", CLI_LOOK_SECONDS},  {0}};
    static const cli_column notes[] = {{"tensors", "Tensors", CLI_LOOK_COUNT},
                                       {"first", "First", CLI_LOOK_TEXT},
                                       {"note", "Note", CLI_LOOK_TEXT},
                                       {0}};
    (void)c;
    cli_pairs(doc, columns);
    if (json_array_size(json_object_get(doc, "notes")))
        cli_heading("Notes");
    cli_records(json_object_get(doc, "notes"), notes);
}

static json_t *document(const cli_call *c, const watch *w, double seconds) {
    mlx_string family = mlx_string_new();
    bool known = mlx_convert_family(&family, c->args[1]) == 0;
    json_t *doc = json_pack("{s:o, s:o, s:s, s:I, s:I, s:f, s:O}", "in", cli_json_text(c->args[0]),
                            "out", cli_json_text(c->args[1]), "family",
                            known ? mlx_string_data(family) : "", "tensors", (json_int_t)w->tensors,
                            "bytes", (json_int_t)w->bytes, "seconds", seconds, "notes", w->notes);
    mlx_string_free(family);
    return doc;
}

/* A format that nobody writes is no value of the option. */
static int check_format(cli_call *c) {
    static const char *const own[] = {"gguf", "mlx", "hf", "safetensors", "npz"};
    const char *format = cli_text(c, "format", NULL);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!format || strcmp(format, own[i]) == 0)
            return CLI_OK;
    mlx_file_writer w = mlx_file_writer_new();
    int status = mlx_file_writer_open(&w, c->args[1], format, 0) ? CLI_USAGE : CLI_OK;
    mlx_file_writer_free(w);
    return status ? cli_usage(c,
                              "--format is gguf, mlx, hf, safetensors, npz, or a format that a "
                              "plug-in writes, not '%s'",
                              format)
                  : CLI_OK;
}

static int convert(cli_call *c, const char *mode) {
    mlx_convert_options o = options_of(c, mode);
    watch w = {.quiet = c->quiet || c->json, .notes = json_array()};
    o.rules = cli_texts(c, "keep", &o.rule_count);
    double began = cli_seconds();
    char *from = NULL;
    int status = check_format(c);
    status = status ? status : cli_find(c, &from, c->args[0]);
    if (status == CLI_OK && mlx_convert(from, c->args[1], &o, step, &w))
        status = cli_library(c);
    if (w.began)
        cli_progress_end(&w.bar);
    if (status == CLI_OK)
        status = cli_show(c, document(c, &w, cli_seconds() - began), show);
    free(from);
    json_decref(w.notes);
    return status;
}

static int run_convert(cli_call *c) {
    return convert(c, cli_text(c, "mode", NULL));
}

/* A folder gets what every version of MLX reads, GGUF what it is known for. */
static int run_quantize(cli_call *c) {
    const char *format = cli_text(c, "format", "");
    bool gguf = *format ? strcmp(format, "gguf") == 0 : cli_has_ending(c->args[1], ".gguf");
    bool bits = cli_int(c, "bits", 0) || cli_int(c, "group-size", 0);
    return convert(c, cli_text(c, "mode", gguf && !bits ? "q4_k_m" : "affine"));
}

/* --- the commands ----------------------------------------------------------------------------- */

const char cli_modes[] =
    "affine|mxfp4|mxfp8|nvfp4|q4_0|q4_1|q5_0|q5_1|q8_0|q8_1|q2_k|q3_k|q4_k|q5_k|q6_k|q8_k|"
    "iq4_nl|iq4_xs|tq1_0|tq2_0|q1_0|q2_k_m|q3_k_s|q3_k_m|q4_k_s|q4_k_m|q5_k_s|q5_k_m";

#define OPTIONS                                                                                   \
    {.name = "format",                                                                            \
     .letter = 'f',                                                                               \
     .kind = CLI_TEXT,                                                                            \
     .value = "FORMAT",                                                                           \
     .help = "gguf, mlx, hf, safetensors, npz, or a plug-in's; otherwise the output's ending "    \
             "says, and none is a folder as MLX has it",                                          \
     .usual = "gguf|mlx|hf|safetensors|npz"},                                                     \
        {.name = "mode",                                                                          \
         .letter = 'm',                                                                           \
         .kind = CLI_TEXT,                                                                        \
         .value = "MODE",                                                                         \
         .help = "quantize matrices: affine, mxfp4, nvfp4, q8_0, q4_k, q4_k_m ...",               \
         .usual = cli_modes},                                                                     \
        {.name = "bits",                                                                          \
         .letter = 'b',                                                                           \
         .kind = CLI_INT,                                                                         \
         .value = "N",                                                                            \
         .help = "of affine",                                                                     \
         .least = 2,                                                                              \
         .most = 8},                                                                              \
        {.name = "group-size",                                                                    \
         .letter = 'g',                                                                           \
         .kind = CLI_INT,                                                                         \
         .value = "N",                                                                            \
         .help = "of affine",                                                                     \
         .least = 16,                                                                             \
         .most = 128},                                                                            \
        {.name = "keep",                                                                          \
         .letter = 'k',                                                                           \
         .kind = CLI_TEXTS,                                                                       \
         .value = "NAME=WHAT",                                                                    \
         .help = "an exception: lm_head=bf16, '*.ffn_down=q6_k', 'pooler*=drop'; the first that " \
                 "fits counts"},                                                                  \
        {.name = "dtype",                                                                         \
         .kind = CLI_CHOICE,                                                                      \
         .value = "float32|float16|bfloat16",                                                     \
         .help = "what numbers that are not quantized become"},                                   \
        {.name = "family",                                                                        \
         .kind = CLI_TEXT,                                                                        \
         .value = "NAME",                                                                         \
         .help = "of the model, where it is not to be found out; none keeps all names"},          \
        {.name = "max-size",                                                                      \
         .kind = CLI_BYTES,                                                                       \
         .value = "SIZE",                                                                         \
         .help = "of tensors in one file; more begin another one"},                               \
        {.name = "overwrite", .kind = CLI_FLAG, .help = "replace a file that is there"}

static const cli_option convert_options[] = {
    OPTIONS,
    {.name = "dequantize", .kind = CLI_FLAG, .help = "make numbers of what is quantized"},
    {0}};

static const cli_option quantize_options[] = {OPTIONS, {0}};

static const cli_example convert_examples[] = {
    {"mlx convert model.gguf model", "a folder that mlx-lm reads"},
    {"mlx convert model model.gguf", "and back, with all of its metadata"},
    {"mlx convert model.gguf model -f hf --dtype bfloat16", "numbers, for transformers"},
    {"mlx convert pytorch_model.bin weights.safetensors", "tensors under the names they have"},
    {0}};

static const cli_example quantize_examples[] = {
    {"mlx quantize model model.gguf", "about 4.8 bits a weight (q4_k_m)"},
    {"mlx quantize model model-4bit --bits 4 --group-size 32", "for mlx-lm"},
    {"mlx quantize model m.gguf -m q8_0 --keep 'output=float16'", "but for the output"},
    {0}};

const cli_command cli_convert = {
    .name = "convert",
    .summary = "make another format of a model",
    .arguments = "IN OUT",
    .least = 2,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "IN and OUT are GGUF files, folders with safetensors and config.json, or files of "
        "tensors (safetensors, npz, PyTorch's). Names, the order of rows, metadata and "
        "tokenizers follow the family of the model; between files of tensors names are kept.\n\n"
        "What stays as it is comes back bit for bit. OUT appears whole or not at all.",
    .options = convert_options,
    .examples = convert_examples,
    .run = run_convert};

const cli_command cli_quantize = {
    .name = "quantize",
    .summary = "make the weights of a model smaller",
    .arguments = "IN OUT",
    .least = 2,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "As convert, with a mode: q4_k_m for a GGUF file and affine (4 bits, groups of 64) for a "
        "folder unless --mode says otherwise. Norms, biases and what rows do not fit stay as "
        "they are, which is noted.",
    .options = quantize_options,
    .examples = quantize_examples,
    .run = run_quantize};
