/* mlx eval: call a function that was exported into a file. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model/model.h"

enum { SHOWN = 1000 };

typedef struct inputs {
    mlx_vector_array places;
    mlx_map_string_to_array names;
} inputs;

/* --- what goes in ----------------------------------------------------------------------------- */

/* "arr_3" (as NumPy calls what has no name) and "3" are places; -1: it is a name. */
static long place_of(const char *name) {
    const char *digits = strncmp(name, "arr_", 4) ? name : name + 4;
    char *end;
    long place = strtol(digits, &end, 10);
    return *digits >= '0' && *digits <= '9' && !*end ? place : -1;
}

static int read(mlx_array *out, mlx_file f, size_t i) {
    mlx_stream s = mlx_stream_new();
    int status = mlx_file_read(out, f, i, s);
    mlx_stream_free(s);
    return status;
}

static int add_place(inputs *in, mlx_file f, size_t i) {
    mlx_array a = mlx_array_new();
    int status = read(&a, f, i) || mlx_vector_array_append_value(in->places, a);
    mlx_array_free(a);
    return status;
}

static int add_name(inputs *in, mlx_file f, size_t i, const char *name) {
    mlx_array a = mlx_array_new();
    int status = read(&a, f, i) || mlx_map_string_to_array_insert(in->names, name, a);
    mlx_array_free(a);
    return status;
}

/* The tensor whose name stands for a place of `wanted`; -1: there is none. */
static long find_place(mlx_file f, long wanted) {
    mlx_file_tensor t;
    for (size_t i = 0; i < mlx_file_count(f); i++)
        if (mlx_file_get(&t, f, i) == 0 && place_of(t.name) == wanted)
            return (long)i;
    return -1;
}

/* Places first, in order; a file of one array alone is the next place. */
static int add_file(cli_call *c, inputs *in, mlx_file f) {
    mlx_file_tensor t;
    bool in_order = cli_flag(c, "in-order") || strcmp(mlx_file_format(f), "npy") == 0;
    int status = 0;
    if (!in_order)
        for (long place = 0, i; status == 0 && (i = find_place(f, place)) >= 0; place++)
            status = add_place(in, f, (size_t)i);
    for (size_t i = 0; status == 0 && i < mlx_file_count(f); i++) {
        status = mlx_file_get(&t, f, i);
        if (status == 0 && in_order)
            status = add_place(in, f, i);
        else if (status == 0 && place_of(t.name) < 0)
            status = add_name(in, f, i, t.name);
    }
    return status ? cli_library(c) : CLI_OK;
}

static int read_inputs(cli_call *c, inputs *in) {
    int status = CLI_OK;
    for (int i = 1; i < c->count && status == CLI_OK; i++) {
        mlx_file f = mlx_file_new();
        status = cli_open(c, &f, c->args[i]);
        status = status ? status : add_file(c, in, f);
        mlx_file_free(f);
    }
    return status;
}

/* --- what comes out --------------------------------------------------------------------------- */

static json_t *describe(mlx_array a, bool values) {
    mlx_string text = mlx_string_new();
    json_t *doc = NULL;
    if (mlx_array_tostring(&text, a) == 0) // evaluates
        doc = json_pack("{s:s, s:o, s:s}", "dtype", cli_dtype_name(mlx_array_dtype(a)), "shape",
                        cli_json_shape(mlx_array_shape(a), (int)mlx_array_ndim(a)), "text",
                        mlx_string_data(text));
    mlx_string_free(text);
    json_t *nested = doc && values ? cli_json_nested(a) : NULL;
    if (nested)
        json_object_set_new(doc, "values", nested);
    return doc;
}

static json_t *describe_all(cli_call *c, mlx_vector_array out) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < mlx_vector_array_size(out); i++) {
        mlx_array a = mlx_array_new();
        json_t *row = NULL;
        if (mlx_vector_array_get(&a, out, i) == 0)
            row = describe(a, mlx_array_size(a) <= SHOWN || cli_flag(c, "values"));
        mlx_array_free(a);
        if (row) {
            json_array_append_new(list, row);
            continue;
        }
        json_decref(list);
        list = NULL;
    }
    return list;
}

/* The results by the names that NumPy gives to what has none. */
static int name_all(mlx_map_string_to_array to, mlx_vector_array out) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < mlx_vector_array_size(out); i++) {
        mlx_array a = mlx_array_new();
        char name[32];
        snprintf(name, sizeof name, "arr_%zu", i);
        status = mlx_vector_array_get(&a, out, i) || mlx_map_string_to_array_insert(to, name, a);
        mlx_array_free(a);
    }
    return status;
}

static int save_one(const char *path, mlx_vector_array out) {
    mlx_array a = mlx_array_new();
    int status = mlx_vector_array_get(&a, out, 0) || mlx_save(path, a);
    mlx_array_free(a);
    return status;
}

static int save_all(const char *path, mlx_vector_array out) {
    mlx_map_string_to_array arrays = mlx_map_string_to_array_new();
    mlx_map_string_to_string none = mlx_map_string_to_string_new();
    int status = name_all(arrays, out);
    if (status == 0)
        status = cli_ends_with(path, ".safetensors") ? mlx_save_safetensors(path, arrays, none)
                                                     : mlx_save_npz(path, arrays, false);
    mlx_map_string_to_array_free(arrays);
    mlx_map_string_to_string_free(none);
    return status;
}

/* Neither the function nor its inputs are replaced, and other files where that was said. */
static int check_place(cli_call *c, const char *path) {
    struct stat there, own;
    if (stat(path, &there))
        return CLI_OK;
    for (int i = 0; i < c->count; i++)
        if (stat(c->args[i], &own) == 0 && own.st_dev == there.st_dev && own.st_ino == there.st_ino)
            return cli_fail(c, "'%s' is read, and cannot be written", path);
    return cli_flag(c, "overwrite")
               ? CLI_OK
               : cli_fail(c, "'%s' exists, and may not be overwritten (--overwrite)", path);
}

static int save(cli_call *c, const char *path, mlx_vector_array out) {
    bool npy = cli_ends_with(path, ".npy");
    if (!npy && !cli_ends_with(path, ".npz") && !cli_ends_with(path, ".safetensors"))
        return cli_usage(c, "--output is a file .npz, .npy or .safetensors, not '%s'", path);
    if (npy && mlx_vector_array_size(out) != 1)
        return cli_fail(c, "'%s' holds one array, and there are %zu results: name a file .npz",
                        path, mlx_vector_array_size(out));
    return (npy ? save_one(path, out) : save_all(path, out)) ? cli_library(c) : CLI_OK;
}

static void show(cli_call *c, const json_t *doc) {
    json_t *row;
    size_t i;
    (void)c;
    json_array_foreach(json_object_get(doc, "outputs"), i, row)
        printf("%s\n", json_string_value(json_object_get(row, "text")));
}

static void show_nothing(cli_call *c, const json_t *doc) {
    (void)c, (void)doc; // it is in the file
}

static int report(cli_call *c, mlx_vector_array out) {
    const char *path = cli_text(c, "output", NULL);
    int status = path ? save(c, path, out) : CLI_OK;
    if (status)
        return status;
    json_t *rows = describe_all(c, out);
    if (!rows)
        return cli_library(c);
    json_t *doc = json_pack("{s:o}", "outputs", rows);
    if (path)
        json_object_set_new(doc, "path", cli_json_text(path));
    return cli_show(c, doc, path ? show_nothing : show);
}

static int apply(cli_call *c, mlx_imported_function f, const inputs *in) {
    mlx_vector_array out = mlx_vector_array_new();
    int status = mlx_imported_function_apply_kwargs(&out, f, in->places, in->names)
                     ? cli_library(c)
                     : report(c, out);
    mlx_vector_array_free(out);
    return status;
}

static int run(cli_call *c) {
    mlx_imported_function f = mlx_imported_function_new(c->args[0]);
    inputs in = {mlx_vector_array_new(), mlx_map_string_to_array_new()};
    const char *path = cli_text(c, "output", NULL);
    int status = path ? check_place(c, path) : CLI_OK;
    status = status ? status : f.ctx ? read_inputs(c, &in) : cli_library(c);
    status = status ? status : apply(c, f, &in);
    mlx_vector_array_free(in.places);
    mlx_map_string_to_array_free(in.names);
    if (f.ctx)
        mlx_imported_function_free(f);
    return status;
}

static const cli_option options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "write the results there: .npz, .npy or .safetensors"},
    {.name = "in-order",
     .help = "arrays of .npz files are arguments in order, whatever their names"},
    {.name = "overwrite", .help = "replace a file that is there"},
    {.name = "values", .help = "with --json: all values also of large results"},
    {0}};

static const cli_example examples[] = {
    {"mlx eval model.mlxfn inputs.npz", "print what the function makes of the arrays"},
    {"mlx eval model.mlxfn x.npy y.npy -o out.npz", "two arguments, and the results in a file"},
    {0}};

const cli_command cli_eval = {
    .name = "eval",
    .summary = "call a function of a .mlxfn file",
    .arguments = "FILE.mlxfn [INPUTS...]",
    .least = 1,
    .most = -1,
    .takes = CLI_TAKES_FILES,
    .text =
        "Inputs are files of arrays. One of .npy is the next argument; of the others arrays called "
        "arr_0, arr_1 or 0, 1 are arguments in that order, and other names are keywords.",
    .options = options,
    .examples = examples,
    .run = run};
