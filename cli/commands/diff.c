/* mlx diff: what is different between two models. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* What the elements of two tensors say. NaN beside NaN is equal. */
typedef struct errors {
    uint64_t count, differing;
    double largest, sum, squares, norm; /* norm: the squares of the first one's */
} errors;

typedef struct comparison {
    cli_call *c;
    mlx_file file_a, file_b; /* as named */
    mlx_file a, b;           /* the same, or both as one family names and orders tensors */
    bool as_models;
    double absolute, relative; /* what is still equal */
    bool storages;             /* do they have to be the same? */
    json_t *rows;
    uint64_t same, different;
    cli_progress progress;
} comparison;

/* --- elements --------------------------------------------------------------------------------- */

static void compare_element(errors *e, double a, double b, const comparison *x) {
    if ((isnan(a) && isnan(b)) || a == b) {
        e->norm += isfinite(a) ? a * a : 0;
        return;
    }
    double error = fabs(a - b); // NaN or infinity where one of them is
    e->differing += !(error <= x->absolute + x->relative * fabs(a));
    if (!(error <= e->largest))
        e->largest = isnan(error) ? INFINITY : error;
    e->sum += error;
    e->squares += error * error;
    e->norm += a * a;
}

static int compare_readers(errors *e, cli_reader *a, cli_reader *b, const comparison *x) {
    const double *one, *other;
    size_t n, m;
    do {
        if (cli_interrupted() || cli_reader_next(a, &one, &n) || cli_reader_next(b, &other, &m))
            return 1;
        for (size_t i = 0; i < n && i < m; i++)
            compare_element(e, one[i], other[i], x);
        e->count += n < m ? n : m;
    } while (n && m);
    return 0;
}

static int read(cli_reader *r, mlx_file f, size_t i) {
    mlx_stream s = mlx_stream_new();
    mlx_array a = mlx_array_new();
    int status = mlx_file_read(&a, f, i, s) || cli_reader_open(r, a);
    mlx_array_free(a);
    mlx_stream_free(s);
    return status;
}

/* Are they equal byte by byte? */
static int same_bytes(bool *same, mlx_file f, size_t i, mlx_file g, size_t k) {
    mlx_stream s = mlx_stream_new();
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    cli_reader one = {0}, other = {0};
    int status = mlx_file_read_stored(&a, f, i, s) || mlx_file_read_stored(&b, g, k, s) ||
                 cli_reader_open(&one, a) || cli_reader_open(&other, b);
    size_t n = status ? 0 : mlx_array_nbytes(one.whole);
    *same = !status && n == mlx_array_nbytes(other.whole) &&
            (n == 0 || memcmp(cli_data(one.whole), cli_data(other.whole), n) == 0);
    cli_reader_close(&one), cli_reader_close(&other);
    mlx_array_free(a), mlx_array_free(b);
    mlx_stream_free(s);
    return status;
}

/* Integers of 64 bits, whose differences are exact where float64 tells their values not apart. */
static void compare_wide(errors *e, const cli_reader *a, const cli_reader *b, bool is_signed,
                         const comparison *x) {
    const uint64_t *one = cli_data(a->whole), *other = cli_data(b->whole);
    uint64_t top = is_signed ? (uint64_t)1 << 63 : 0; // in the order of unsigned ones
    e->count = mlx_array_size(a->whole);
    for (size_t i = 0; i < e->count; i++) {
        uint64_t u = one[i] ^ top, v = other[i] ^ top;
        double error = (double)(u > v ? u - v : v - u),
               value = is_signed ? (double)(int64_t)one[i] : (double)one[i];
        e->norm += value * value;
        e->differing += error > x->absolute + x->relative * fabs(value);
        e->largest = error > e->largest ? error : e->largest;
        e->sum += error;
        e->squares += error * error;
    }
}

static bool is_wide(mlx_dtype t) {
    return t == MLX_INT64 || t == MLX_UINT64;
}

static int compare_values(errors *e, const comparison *x, size_t i, size_t k) {
    cli_reader a = {0}, b = {0};
    int status = read(&a, x->a, i) || read(&b, x->b, k);
    mlx_dtype t = status ? MLX_BOOL : mlx_array_dtype(a.whole);
    if (status == 0 && is_wide(t) && t == mlx_array_dtype(b.whole))
        compare_wide(e, &a, &b, t == MLX_INT64, x);
    else
        status = status || compare_readers(e, &a, &b, x);
    cli_reader_close(&a), cli_reader_close(&b);
    return status;
}

/* --- tensors ---------------------------------------------------------------------------------- */

static bool same_shape(const mlx_file_tensor *a, const mlx_file_tensor *b) {
    return a->ndim == b->ndim &&
           (a->ndim == 0 || memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0);
}

static json_t *row_of(const char *name, const char *verdict) {
    return json_pack("{s:o, s:s}", "name", cli_json_text(name), "verdict", verdict);
}

static void describe_side(json_t *row, const mlx_file_tensor *t, const char *storage,
                          const char *shape) {
    json_object_set_new(row, storage, json_string(t->storage));
    json_object_set_new(row, shape, cli_json_shape(t->shape, t->ndim));
}

static void describe_errors(json_t *row, const errors *e) {
    double n = (double)e->count;
    json_object_set_new(row, "differing", json_integer((json_int_t)e->differing));
    json_object_set_new(row, "elements", json_integer((json_int_t)e->count));
    json_object_set_new(row, "largest", cli_json_real(e->largest));
    json_object_set_new(row, "mean", cli_json_real(n > 0 ? e->sum / n : 0));
    json_object_set_new(row, "relative",
                        cli_json_real(e->squares > 0 ? sqrt(e->squares / e->norm) : 0));
}

static void add(comparison *x, json_t *row, bool same) {
    json_array_append_new(x->rows, row);
    x->same += same;
    x->different += !same;
}

static void add_pair(comparison *x, const mlx_file_tensor *t, const mlx_file_tensor *u,
                     const char *verdict, const errors *e) {
    json_t *row = row_of(t->name, verdict);
    describe_side(row, t, "storage_a", "shape_a");
    describe_side(row, u, "storage_b", "shape_b");
    if (e)
        describe_errors(row, e);
    add(x, row, strcmp(verdict, "same") == 0);
}

static int compare_pair(comparison *x, size_t i, size_t k) {
    mlx_file_tensor t, u;
    errors e = {0};
    bool same = false;
    if (mlx_file_get(&t, x->a, i) || mlx_file_get(&u, x->b, k))
        return 1;
    if (!same_shape(&t, &u)) {
        add_pair(x, &t, &u, "shape", NULL);
        return 0;
    }
    bool alike = strcmp(t.storage, u.storage) == 0;
    if (alike && same_bytes(&same, x->a, i, x->b, k))
        return 1;
    e.count = t.elements;
    if (!same) {
        e.count = 0;
        if (compare_values(&e, x, i, k))
            return 1;
    }
    add_pair(x, &t, &u, e.differing ? "values" : !alike && x->storages ? "storage" : "same", &e);
    return 0;
}

static void add_lone(comparison *x, const mlx_file_tensor *t, bool first) {
    json_t *row = row_of(t->name, first ? "only in A" : "only in B");
    describe_side(row, t, first ? "storage_a" : "storage_b", first ? "shape_a" : "shape_b");
    add(x, row, false);
}

static int compare_tensors(comparison *x) {
    mlx_file_tensor t;
    size_t k;
    int status = 0;
    for (size_t i = 0; status == 0 && i < mlx_file_count(x->a); i++) {
        status = cli_interrupted() || mlx_file_get(&t, x->a, i);
        if (status)
            break;
        if (mlx_file_find(&k, x->b, t.name) == 0)
            status = compare_pair(x, i, k);
        else
            add_lone(x, &t, true);
        cli_progress_step(&x->progress, t.bytes, t.name);
    }
    for (size_t i = 0; status == 0 && i < mlx_file_count(x->b); i++) {
        status = mlx_file_get(&t, x->b, i);
        if (status == 0 && mlx_file_find(&k, x->a, t.name))
            add_lone(x, &t, false);
    }
    return status;
}

/* --- metadata --------------------------------------------------------------------------------- */

static json_t *by_key(mlx_file f) {
    json_t *rows = cli_metadata(f, 0), *map = rows ? json_object() : NULL, *row;
    size_t i;
    json_array_foreach(rows, i, row)
        json_object_set(map, json_string_value(json_object_get(row, "key")), row);
    json_decref(rows);
    return map;
}

static void compare_keys(json_t *out, const json_t *a, const json_t *b, bool first) {
    const char *key, *lone = first ? "only in A" : "only in B";
    json_t *row;
    json_object_foreach((json_t *)a, key, row) {
        json_t *other = json_object_get(b, key);
        if (!other || (first && !json_equal(row, other)))
            json_array_append_new(out, json_pack("{s:s, s:s}", "key", key, "verdict",
                                                 other ? "values" : lone));
    }
}

static json_t *compare_metadata(const comparison *x) {
    json_t *a = by_key(x->file_a), *b = by_key(x->file_b), *out = a && b ? json_array() : NULL;
    if (out) {
        compare_keys(out, a, b, true);
        compare_keys(out, b, a, false);
    }
    json_decref(a), json_decref(b);
    return out;
}

/* --- for people ------------------------------------------------------------------------------- */

static json_t *rows_to_show(const json_t *rows, bool all) {
    json_t *list = json_array(), *row;
    size_t i;
    json_array_foreach(rows, i,
                       row) if (all || strcmp(json_string_value(json_object_get(row, "verdict")),
                                              "same")) json_array_append(list, row);
    return list;
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {{"name", "Tensor", CLI_LOOK_TEXT},
                                         {"verdict", "Different in", CLI_LOOK_TEXT},
                                         {"storage_a", "A", CLI_LOOK_TEXT},
                                         {"storage_b", "B", CLI_LOOK_TEXT},
                                         {"shape_a", "Shape of A", CLI_LOOK_SHAPE},
                                         {"shape_b", "Shape of B", CLI_LOOK_SHAPE},
                                         {"differing", "Elements", CLI_LOOK_COUNT},
                                         {"largest", "Largest", CLI_LOOK_REAL},
                                         {"mean", "Mean", CLI_LOOK_REAL},
                                         {"relative", "Relative", CLI_LOOK_REAL},
                                         {0}};
    static const cli_column keys[] = {
        {"key", "Metadata", CLI_LOOK_TEXT}, {"verdict", "Different in", CLI_LOOK_TEXT}, {0}};
    static const cli_column totals[] = {
        {"same", "Same", CLI_LOOK_COUNT}, {"different", "Different", CLI_LOOK_COUNT}, {0}};
    json_t *rows = rows_to_show(json_object_get(doc, "tensors"), cli_flag(c, "all"));
    json_t *metadata = json_object_get(doc, "metadata");
    cli_table(rows, columns);
    if (json_array_size(rows))
        putchar('\n');
    if (json_array_size(metadata)) {
        cli_table(metadata, keys);
        putchar('\n');
    }
    cli_pairs(doc, totals);
    json_decref(rows);
}

static int report(comparison *x) {
    bool asked = cli_flag(x->c, "metadata");
    json_t *metadata = asked ? compare_metadata(x) : NULL;
    if (asked && !metadata)
        return cli_library(x->c);
    bool equal = x->different == 0 && json_array_size(metadata) == 0;
    json_t *doc = json_pack("{s:b, s:I, s:I, s:O}", "equal", equal, "same", (json_int_t)x->same,
                            "different", (json_int_t)x->different, "tensors", x->rows);
    if (metadata)
        json_object_set_new(doc, "metadata", metadata);
    int status = cli_show(x->c, doc, show);
    return status ? status : equal ? CLI_OK : CLI_FAILED;
}

static int compare(comparison *x) {
    x->progress = cli_progress_begin("comparing", cli_tensor_bytes(x->a), true, x->c->quiet);
    int status = compare_tensors(x);
    cli_progress_end(&x->progress);
    return status ? cli_library(x->c) : report(x);
}

/* What could not be read is no difference. */
static int no_answer(int status) {
    return status == CLI_FAILED ? CLI_NO_ANSWER : status;
}

static bool share_names(mlx_file a, mlx_file b) {
    mlx_file_tensor t;
    size_t k;
    for (size_t i = 0; i < mlx_file_count(a); i++)
        if (mlx_file_get(&t, a, i) || mlx_file_find(&k, b, t.name))
            return false;
    return mlx_file_count(a) == mlx_file_count(b);
}

/* Are both models of one family? */
static bool are_of_family(const char *a, const char *b) {
    mlx_string one = mlx_string_new(), other = mlx_string_new();
    bool same = mlx_convert_family(&one, a) == 0 && mlx_convert_family(&other, b) == 0 &&
                *mlx_string_data(one) && strcmp(mlx_string_data(one), mlx_string_data(other)) == 0;
    mlx_string_free(one), mlx_string_free(other);
    return same;
}

/* Two conventions of one family: both by Hugging Face's names, as real numbers. */
static int open_as_models(comparison *x) {
    char *a = NULL, *b = NULL;
    int status = cli_find(x->c, &a, x->c->args[0]);
    status = status ? status : cli_find(x->c, &b, x->c->args[1]);
    if (status == CLI_OK && are_of_family(a, b)) {
        x->as_models = true;
        x->storages = false;
        x->a = x->b = mlx_file_new();
        if (mlx_convert_open(&x->a, a) || mlx_convert_open(&x->b, b))
            status = cli_library(x->c);
    }
    free(a), free(b);
    return status;
}

static int open_both(comparison *x) {
    int status = cli_open(x->c, &x->file_a, x->c->args[0]);
    status = status ? status : cli_open(x->c, &x->file_b, x->c->args[1]);
    x->a = x->file_a, x->b = x->file_b;
    return status || share_names(x->a, x->b) ? status : open_as_models(x);
}

static void close_both(comparison *x) {
    if (x->as_models)
        mlx_file_free(x->a), mlx_file_free(x->b);
    mlx_file_free(x->file_a), mlx_file_free(x->file_b);
}

static int run(cli_call *c) {
    bool close_is_enough = cli_text(c, "tolerance", NULL) || cli_text(c, "relative", NULL);
    comparison x = {.c = c,
                    .file_a = mlx_file_new(),
                    .file_b = mlx_file_new(),
                    .absolute = cli_real(c, "tolerance", 0),
                    .relative = cli_real(c, "relative", 0),
                    .storages = !cli_flag(c, "values") && !close_is_enough,
                    .rows = json_array()};
    int status = open_both(&x);
    status = status ? status : compare(&x);
    close_both(&x);
    json_decref(x.rows);
    return c->shown ? status : no_answer(status);
}

static const cli_option options[] = {
    {.name = "tolerance",
     .letter = 't',
     .kind = CLI_REAL,
     .value = "T",
     .help = "elements whose difference is at most T are equal, and so are storages",
     .most = 1e308},
    {.name = "relative",
     .letter = 'r',
     .kind = CLI_REAL,
     .value = "R",
     .help = "the same of R times the element of A; both are added",
     .most = 1e308},
    {.name = "values", .letter = 'v', .help = "values alone count, not how they are stored"},
    {.name = "metadata", .letter = 'm', .help = "compare the metadata, too"},
    {.name = "all", .letter = 'a', .help = "list tensors that are the same, too"},
    {0}};

static const cli_example examples[] = {
    {"mlx diff a.safetensors b.safetensors", "the tensors that differ, and by how much"},
    {"mlx diff model/ model-q4.gguf --tolerance 0.01", "is each value within a hundredth?"},
    {"mlx diff -q a.gguf b.gguf >/dev/null && echo equal", "for a script"},
    {0}};

const cli_command cli_diff = {
    .name = "diff",
    .summary = "compare two models tensor by tensor",
    .arguments = "A B",
    .least = 2,
    .most = 2,
    .takes = CLI_TAKES_FILES,
    .text =
        "Tensors are paired by name; models of one family whose names differ (GGUF, MLX, Hugging "
        "Face) by Hugging Face's, as real numbers. What is stored in another way, blocks, say, is compared by "
        "its values. Largest and mean are of the absolute differences; relative is the norm of the "
        "difference over the norm of A. NaN beside NaN is equal, beside a number it differs.\n\n"
        "The status is 0 if both are equal, 1 if they differ, 3 if one cannot be read.",
    .options = options,
    .examples = examples,
    .run = run};
