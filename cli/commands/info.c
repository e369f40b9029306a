/* mlx info: what is in a model, from its headers. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

enum { SHOWN_VALUES = 8, SHOWN_TEXT = 160 };

/* --- the document ----------------------------------------------------------------------------- */

static json_t *files(mlx_file f) {
    json_t *list = json_array();
    const char *path;
    uint64_t bytes;
    for (int i = 0; i < mlx_file_part_count(f); i++)
        if (mlx_file_part(&path, &bytes, f, i) == 0)
            json_array_append_new(list, json_pack("{s:o, s:I}", "path", cli_json_text(path),
                                                  "bytes", (json_int_t)bytes));
    return list;
}

static json_t *tensor(const mlx_file_tensor *t) {
    return json_pack("{s:o, s:s, s:s, s:o, s:I, s:I, s:I, s:i}", "name", cli_json_text(t->name),
                     "storage", t->storage, "dtype", cli_dtype_name(t->dtype), "shape",
                     cli_json_shape(t->shape, t->ndim), "elements", (json_int_t)t->elements,
                     "bytes", (json_int_t)t->bytes, "offset", (json_int_t)t->offset, "file",
                     t->part);
}

static json_t *tensors(mlx_file f, const char *pattern) {
    json_t *list = json_array();
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++)
        if (mlx_file_get(&t, f, i) == 0 && (!pattern || fnmatch(pattern, t.name, 0) == 0))
            json_array_append_new(list, tensor(&t));
    return list;
}

static void add_to(json_t *object, const char *key, uint64_t more) {
    json_int_t now = json_integer_value(json_object_get(object, key));
    json_object_set_new(object, key, json_integer(now + (json_int_t)more));
}

/* How much there is of each storage, in the order in which they come. */
static json_t *storages(mlx_file f, uint64_t bytes) {
    json_t *list = json_array(), *seen = json_object(), *row;
    mlx_file_tensor t;
    size_t i;
    for (i = 0; i < mlx_file_count(f); i++) {
        if (mlx_file_get(&t, f, i))
            continue;
        if (!(row = json_object_get(seen, t.storage))) {
            row = json_pack("{s:s}", "storage", t.storage);
            json_object_set(seen, t.storage, row);
            json_array_append_new(list, row);
        }
        add_to(row, "tensors", 1);
        add_to(row, "elements", t.elements);
        add_to(row, "bytes", t.bytes);
    }
    json_array_foreach(list, i, row) {
        double share =
            json_number_value(json_object_get(row, "bytes")) / (double)(bytes ? bytes : 1);
        json_object_set_new(row, "share", json_real(share));
    }
    json_decref(seen);
    return list;
}

/* --- quantization ----------------------------------------------------------------------------- */

static bool is_dtype(const char *storage) {
    for (mlx_dtype t = MLX_BOOL; t <= MLX_COMPLEX64; t++)
        if (strcmp(cli_dtype_name(t), storage) == 0)
            return true;
    return false;
}

/* The storage of blocks that takes most bytes; NULL: none. */
static json_t *main_blocks(const json_t *storages) {
    json_t *row, *best = NULL;
    json_int_t most = 0;
    size_t i;
    json_array_foreach(storages, i, row) {
        json_int_t bytes = json_integer_value(json_object_get(row, "bytes"));
        json_t *name = json_object_get(row, "storage");
        if (bytes > most && !is_dtype(json_string_value(name)))
            best = name, most = bytes;
    }
    return json_incref(best);
}

/* What config.json's "quantization" says of a tensor: it has a word for the model, and for modules
   that are otherwise. */
static const json_t *quantization_of(const json_t *quantization, const char *tensor) {
    char module[512];
    const char *dot = strrchr(tensor, '.');
    snprintf(module, sizeof module, "%.*s", dot ? (int)(dot - tensor) : 0, tensor);
    const json_t *own = json_object_get(quantization, module);
    return json_is_object(own) ? own : quantization;
}

/* The same in words; NULL: nothing that is understood. */
static json_t *words_of(const json_t *quantization) {
    json_int_t bits = json_integer_value(json_object_get(quantization, "bits"));
    json_int_t group = json_integer_value(json_object_get(quantization, "group_size"));
    const char *mode = json_string_value(json_object_get(quantization, "mode"));
    if (bits <= 0 || group <= 0)
        return mode ? json_string(mode) : NULL;
    return json_sprintf("%s%s%lld bits, groups of %lld", mode ? mode : "", mode ? ", " : "",
                        (long long)bits, (long long)group);
}

/* Is it what a matrix was packed into, words or blocks? */
static bool is_packed(const mlx_file_tensor *t) {
    return (t->dtype == MLX_UINT32 || t->dtype == MLX_UINT8) && t->ndim >= 2;
}

/* The words for most of the bytes; NULL: config.json says nothing. */
static json_t *main_words(mlx_file f, const json_t *quantization) {
    json_t *bytes = json_object(), *best = NULL, *words;
    json_int_t most = 0;
    mlx_file_tensor t;
    for (size_t i = 0; quantization && i < mlx_file_count(f); i++) {
        if (mlx_file_get(&t, f, i) || !is_packed(&t) ||
            !(words = words_of(quantization_of(quantization, t.name))))
            continue;
        add_to(bytes, json_string_value(words), t.bytes);
        json_int_t now = json_integer_value(json_object_get(bytes, json_string_value(words)));
        if (now > most) {
            most = now;
            json_decref(best);
            best = json_incref(words);
        }
        json_decref(words);
    }
    json_decref(bytes);
    return best;
}

/* general.file_type by the specification of GGUF; NULL: another one, or none. */
static json_t *file_type(mlx_file f) {
    static const char *const names[] = {
        [2] = "q4_0",    [3] = "q4_1",    [7] = "q8_0",    [8] = "q5_0",    [9] = "q5_1",
        [10] = "q2_k",   [11] = "q3_k_s", [12] = "q3_k_m", [13] = "q3_k_l", [14] = "q4_k_s",
        [15] = "q4_k_m", [16] = "q5_k_s", [17] = "q5_k_m", [18] = "q6_k"};
    mlx_array value = mlx_array_new();
    size_t i, type = 0;
    uint32_t number = 0;
    if (mlx_file_metadata_find(&i, f, "general.file_type") == 0 &&
        mlx_file_metadata_array(&value, f, i) == 0 && mlx_array_item_uint32(&number, value) == 0)
        type = number;
    mlx_array_free(value);
    return type < sizeof names / sizeof *names && names[type] ? json_string(names[type]) : NULL;
}

static void add_scheme(json_t *doc, mlx_file f) {
    json_t *words = main_words(f, json_object_get(doc, "quantization"));
    words = words ? words : file_type(f);
    words = words ? words : main_blocks(json_object_get(doc, "storages"));
    if (words)
        json_object_set_new(doc, "scheme", words);
}

/* --- the model -------------------------------------------------------------------------------- */

/* The words of a model's own files: GGUF's metadata, config.json. */
static void add_family(json_t *doc, mlx_file f, const json_t *config) {
    char *family = cli_metadata_text(f, "general.architecture");
    char *name = cli_metadata_text(f, "general.name");
    json_t *type = json_object_get(config, "model_type");
    if (family)
        json_object_set_new(doc, "family", cli_json_text(family));
    else if (json_is_string(type))
        json_object_set(doc, "family", type);
    if (name)
        json_object_set_new(doc, "name", cli_json_text(name));
    free(family), free(name);
}

/* How it is quantized: config.json says so, or a safetensors file itself. */
static void add_quantization(json_t *doc, mlx_file f, const json_t *config) {
    json_t *quantization = json_incref(json_object_get(config, "quantization"));
    if (!quantization)
        quantization = json_incref(json_object_get(config, "quantization_config"));
    char *own = quantization ? NULL : cli_metadata_text(f, "mlx.quantization");
    if (own)
        quantization = json_loads(own, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(quantization))
        json_object_set(doc, "quantization", quantization);
    json_decref(quantization);
    free(own);
}

static uint64_t elements_of(mlx_file f) {
    uint64_t n = 0;
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++)
        n += mlx_file_get(&t, f, i) ? 0 : t.elements;
    return n;
}

/* Is it the scales or biases of a matrix that is packed into words? */
static bool belongs_to_packed(mlx_file f, const char *name) {
    char weight[512];
    const char *dot = strrchr(name, '.');
    mlx_file_tensor t;
    size_t i;
    if (!dot || (strcmp(dot, ".scales") && strcmp(dot, ".biases")))
        return false;
    snprintf(weight, sizeof weight, "%.*s.weight", (int)(dot - name), name);
    return mlx_file_find(&i, f, weight) == 0 && mlx_file_get(&t, f, i) == 0 &&
           t.dtype == MLX_UINT32;
}

/* What words stand for, by config.json's bits: of families that are not known. */
static uint64_t elements_of_words(mlx_file f, const json_t *quantization) {
    uint64_t n = 0;
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++) {
        if (mlx_file_get(&t, f, i) || belongs_to_packed(f, t.name))
            continue;
        json_t *word = json_object_get(quantization_of(quantization, t.name), "bits");
        json_int_t bits = json_integer_value(word);
        bool packed = t.dtype == MLX_UINT32 && bits > 0 && bits <= 8;
        n += packed ? t.elements * 32 / (uint64_t)bits : t.elements;
    }
    return n;
}

/* The parameters of the model: of matrices that are packed, what they stand for. */
static uint64_t count_parameters(cli_call *c, mlx_file f, const json_t *quantization) {
    char *path = NULL;
    mlx_file model = mlx_file_new();
    if (!quantization)
        return elements_of(f);
    bool known = cli_find(c, &path, c->args[0]) == CLI_OK && mlx_convert_open(&model, path) == 0;
    uint64_t n = known ? elements_of(model) : elements_of_words(f, quantization);
    mlx_file_free(model);
    free(path);
    return n;
}

static json_t *describe(cli_call *c, mlx_file f) {
    json_t *metadata = cli_metadata(f, cli_flag(c, "full") ? 0 : SHOWN_VALUES);
    if (!metadata)
        return NULL;
    json_error_t why;
    json_t *config = cli_beside(f, "config.json", &why);
    if (*why.text)
        cli_note(c, "config.json beside it is no JSON: %s", why.text);
    uint64_t bytes = cli_tensor_bytes(f);
    json_t *doc = json_pack("{s:s}", "format", mlx_file_format(f));
    add_family(doc, f, config);
    add_quantization(doc, f, config);
    uint64_t parameters = count_parameters(c, f, json_object_get(doc, "quantization"));
    json_object_set_new(doc, "tensor_count", json_integer((json_int_t)mlx_file_count(f)));
    json_object_set_new(doc, "parameters", json_integer((json_int_t)parameters));
    json_object_set_new(doc, "tensor_bytes", json_integer((json_int_t)bytes));
    if (parameters)
        json_object_set_new(doc, "bits_per_parameter",
                            json_real(8 * (double)bytes / (double)parameters));
    json_object_set_new(doc, "files", files(f));
    json_object_set_new(doc, "storages", storages(f, bytes));
    add_scheme(doc, f);
    json_object_set_new(doc, "metadata", metadata);
    json_object_set_new(doc, "tensors", tensors(f, cli_text(c, "match", NULL)));
    json_decref(config);
    return doc;
}

/* --- for people ------------------------------------------------------------------------------- */

static void show_totals(const json_t *doc) {
    static const cli_column columns[] = {{"format", "Format", CLI_LOOK_TEXT},
                                         {"family", "Family", CLI_LOOK_TEXT},
                                         {"name", "Name", CLI_LOOK_TEXT},
                                         {"scheme", "Quantization", CLI_LOOK_TEXT},
                                         {"files", "Files", CLI_LOOK_COUNT},
                                         {"tensor_count", "Tensors", CLI_LOOK_COUNT},
                                         {"parameters", "Parameters", CLI_LOOK_COUNT},
                                         {"tensor_bytes", "Size", CLI_LOOK_SIZE},
                                         {"bits_per_parameter", "Bits each", CLI_LOOK_REAL},
                                         {0}};
    json_t *copy = json_copy((json_t *)doc);
    json_object_set_new(copy, "files",
                        json_integer((json_int_t)json_array_size(json_object_get(doc, "files"))));
    cli_pairs(copy, columns);
    json_decref(copy);
}

/* What is long is cut, and says so. */
static json_t *short_row(const json_t *row) {
    json_t *value = json_object_get(row, "value"), *copy = json_copy((json_t *)row);
    size_t count = (size_t)json_integer_value(json_object_get(row, "count"));
    char note[64] = "";
    if (json_is_array(value) && json_array_size(value) < count)
        snprintf(note, sizeof note, "... %zu values", count);
    if (json_is_string(value) && json_string_length(value) > SHOWN_TEXT)
        snprintf(note, sizeof note, "... %zu bytes", json_string_length(value));
    if (!*note)
        return copy;
    json_object_set_new(copy, "note", json_string(note));
    if (json_is_string(value)) {
        char *text = strdup(json_string_value(value));
        size_t n = SHOWN_TEXT;
        while (text && n && (text[n] & 0xC0) == 0x80)
            n--; // not within a character
        if (text)
            text[n] = 0;
        json_object_set_new(copy, "value", json_string(text));
        free(text);
    }
    return copy;
}

static void show_metadata(const json_t *rows, bool full) {
    static const cli_column columns[] = {{"key", "Key", CLI_LOOK_TEXT},
                                         {"value", "Value", CLI_LOOK_REAL},
                                         {"note", "", CLI_LOOK_TEXT},
                                         {0}};
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(rows, i, row)
        json_array_append_new(list, full ? json_incref(row) : short_row(row));
    // a value is what it is: numbers stand left, as texts do
    cli_heading("Metadata");
    cli_records(list, columns);
    json_decref(list);
}

static void show_storages(const json_t *rows) {
    static const cli_column columns[] = {
        {"storage", "Storage", CLI_LOOK_TEXT},    {"tensors", "Tensors", CLI_LOOK_COUNT},
        {"elements", "Elements", CLI_LOOK_COUNT}, {"bytes", "Size", CLI_LOOK_SIZE},
        {"share", "Share", CLI_LOOK_PERCENT},     {0}};
    putchar('\n');
    cli_table(rows, columns);
}

static void show_tensors(const json_t *rows) {
    static const cli_column columns[] = {{"name", "Tensor", CLI_LOOK_TEXT},
                                         {"storage", "Storage", CLI_LOOK_TEXT},
                                         {"shape", "Shape", CLI_LOOK_SHAPE},
                                         {"bytes", "Size", CLI_LOOK_SIZE},
                                         {0}};
    putchar('\n');
    cli_table(rows, columns);
}

static void show(cli_call *c, const json_t *doc) {
    const json_t *metadata = json_object_get(doc, "metadata"),
                 *list = json_object_get(doc, "tensors");
    show_totals(doc);
    if (json_array_size(json_object_get(doc, "storages")))
        show_storages(json_object_get(doc, "storages"));
    if (json_array_size(metadata))
        show_metadata(metadata, cli_flag(c, "full"));
    if (json_array_size(list) && !cli_flag(c, "summary"))
        show_tensors(list);
}

static int run(cli_call *c) {
    mlx_file f = mlx_file_new();
    int status = cli_open(c, &f, c->args[0]);
    if (status == CLI_OK) {
        json_t *doc = describe(c, f);
        status = doc ? cli_show(c, doc, show) : cli_library(c);
    }
    mlx_file_free(f);
    return status;
}

static const cli_option options[] = {
    {.name = "match",
     .letter = 'm',
     .kind = CLI_TEXT,
     .value = "PATTERN",
     .help = "list the tensors of these names alone, as a shell matches files"},
    {.name = "summary", .letter = 's', .help = "do not list tensors"},
    {.name = "full", .letter = 'f', .help = "all values of long lists and texts of the metadata"},
    {0}};

static const cli_example examples[] = {
    {"mlx info model.gguf", "format, family, quantization, metadata, tensors and totals"},
    {"mlx info models/SmolLM2 --summary", "a folder of shards, without the list of tensors"},
    {"mlx info model.safetensors -m '*.mlp.*'", "the tensors whose names match"},
    {"mlx info model.gguf --json | jq .parameters", "for a script"},
    {0}};

const cli_command cli_info = {
    .name = "info",
    .summary = "say what is in a model file or folder",
    .arguments = "FILE|DIR",
    .least = 1,
    .most = 1,
    .takes = CLI_TAKES_FILES,
    .text =
        "The format is told by the content: safetensors, GGUF, npy, npz, PyTorch's checkpoints and "
        "those of plug-ins. Of a folder, or an index, all shards are one model. Headers are read and "
        "nothing else, so that the size of a model does not matter.",
    .options = options,
    .examples = examples,
    .run = run};
