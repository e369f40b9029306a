/* Values for the table of all functions: see capi_values.h. By type, then by the parameter's name;
 * what one function needs beyond that is a row of `special`. */
#include "capi_values.h"
#include "capi_files.h"
#include "own_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mlx/c/catalog.h"
#include "mlx/c/extra.h"
#include "mlx/c/mlx.h"
#include "mlx/c/ops_more.h"

static char folder[256];

const char *in_folder(const char *name) {
    static char path[4][320];
    static int next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    return to;
}

/* --- arrays ------------------------------------------------------------------------ */

/* 2x2 and positive definite; what most operations take. */
static mlx_array square, whole, index_0, mask, scalar, count, key, line3, sequence, image, volume,
    heads, packed, scales, wide, tall, cube, halves, edges, probabilities, segments, bytes8, sorted,
    line, expanded, scalar3;

static mlx_array floats(const float *v, const int *shape, int ndim) {
    return mlx_array_new_data(v, shape, ndim, MLX_FLOAT32);
}
static mlx_array ramp(const int *shape, int ndim) {
    float v[256];
    for (int i = 0; i < 256; i++)
        v[i] = 1 + (float)(i % 7) / 8;
    return floats(v, shape, ndim);
}
#define RAMP(...) ramp((int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static void make_quantized(void) {
    mlx_vector_array parts = mlx_vector_array_new();
    wide = mlx_array_new();
    mlx_ones(&wide, (int[]){32, 64}, 2, MLX_FLOAT32, (mlx_stream){NULL});
    mlx_optional_int none = {0, false};
    mlx_quantize(&parts, wide, none, none, "mxfp4", mlx_array_empty, (mlx_stream){NULL});
    packed = mlx_array_new();
    scales = mlx_array_new();
    mlx_vector_array_get(&packed, parts, 0);
    mlx_vector_array_get(&scales, parts, 1);
    mlx_vector_array_free(parts);
}

static mlx_array *const all[] = {
    &square, &whole,         &index_0,  &mask,   &scalar, &count, &key,      &line3,  &sequence,
    &image,  &volume,        &heads,    &packed, &scales, &wide,  &tall,     &cube,   &halves,
    &edges,  &probabilities, &segments, &bytes8, &sorted, &line,  &expanded, &scalar3};

static void make_arrays(void) {
    square = floats((float[]){2, 1, 1, 3}, (int[]){2, 2}, 2);
    whole = mlx_array_new_data((int[]){1, 2, 3, 0}, (int[]){2, 2}, 2, MLX_INT32);
    index_0 = mlx_array_new_data((int[]){0, 1}, (int[]){2}, 1, MLX_INT32);
    mask = mlx_array_new_data((bool[]){true, false, true, true}, (int[]){2, 2}, 2, MLX_BOOL);
    scalar = mlx_array_new_float(0.5F);
    count = mlx_array_new_int(1);
    key = mlx_array_new();
    mlx_random_key(&key, 1);
    line3 = RAMP(3);
    sequence = RAMP(1, 4, 2);
    image = RAMP(1, 4, 4, 2);
    volume = RAMP(1, 4, 4, 4, 2);
    heads = RAMP(1, 2, 4, 8);
    halves = mlx_array_new_data((float[]){0.25F, 0.75F}, (int[]){2}, 1, MLX_FLOAT32);
    edges = floats((float[]){0, 1, 2, 4}, (int[]){4}, 1);
    probabilities = floats((float[]){0.5F, 0.5F}, (int[]){2}, 1);
    segments = mlx_array_new_data((uint32_t[]){0, 2}, (int[]){1, 2}, 2, MLX_UINT32);
    bytes8 = mlx_array_new_data((uint8_t[]){0, 1, 56, 64}, (int[]){2, 2}, 2, MLX_UINT8);
    sorted = floats((float[]){1, 2, 3}, (int[]){3}, 1);
    line = floats((float[]){1, 2}, (int[]){2}, 1);
    expanded = RAMP(2, 1, 2);
    scalar3 = RAMP(1, 1, 1);
    cube = RAMP(2, 2, 2);
    tall = mlx_array_new();
    mlx_ones(&tall, (int[]){64, 32}, 2, MLX_FLOAT32, (mlx_stream){NULL});
    make_quantized();
}

/* --- functions of the program --------------------------------------------------------- */

static int twice(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array a = mlx_array_new();
    int failed = mlx_vector_array_get(&a, in, 0) || mlx_add(&a, a, a, (mlx_stream){NULL}) ||
                 mlx_sum(&a, a, false, (mlx_stream){NULL}) || mlx_vector_array_set_value(res, a);
    mlx_array_free(a);
    return failed;
}
static int twice_payload(mlx_vector_array *res, const mlx_vector_array in, void *payload) {
    (void)payload;
    return twice(res, in);
}
static int unary(mlx_array *res, const mlx_array in) {
    return mlx_square(res, in, (mlx_stream){NULL});
}
static int named(mlx_vector_array *res, const mlx_vector_array in,
                 const mlx_map_string_to_array by_name) {
    (void)by_name;
    return twice(res, in);
}
static int named_payload(mlx_vector_array *res, const mlx_vector_array in,
                         const mlx_map_string_to_array by_name, void *payload) {
    (void)payload;
    return named(res, in, by_name);
}
static int with_gradient(mlx_vector_array *values, mlx_vector_array *gradients,
                         const mlx_vector_array in) {
    return twice(values, in) || mlx_vector_array_set(gradients, in);
}
static int with_gradient_payload(mlx_vector_array *values, mlx_vector_array *gradients,
                                 const mlx_vector_array in, void *payload) {
    (void)payload;
    return with_gradient(values, gradients, in);
}
static int backward(mlx_vector_array *res, const mlx_vector_array in, const mlx_vector_array cot,
                    const mlx_vector_array out) {
    (void)cot, (void)out;
    return mlx_vector_array_set(res, in);
}
static int backward_payload(mlx_vector_array *res, const mlx_vector_array in,
                            const mlx_vector_array cot, const mlx_vector_array out, void *payload) {
    (void)payload;
    return backward(res, in, cot, out);
}
static int forward(mlx_vector_array *res, const mlx_vector_array in, const mlx_vector_array tan,
                   const int *which, size_t n) {
    (void)tan, (void)which, (void)n;
    return mlx_vector_array_set(res, in);
}
static int forward_payload(mlx_vector_array *res, const mlx_vector_array in,
                           const mlx_vector_array tan, const int *which, size_t n, void *payload) {
    (void)payload;
    return forward(res, in, tan, which, n);
}
static int batched(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in,
                   const int *in_axes, size_t n) {
    (void)in_axes, (void)n;
    return mlx_vector_array_set(res, in) || mlx_vector_int_set_value(axes, 0);
}
static int batched_payload(mlx_vector_array *res, mlx_vector_int *axes, const mlx_vector_array in,
                           const int *in_axes, size_t n, void *payload) {
    (void)payload;
    return batched(res, axes, in, in_axes, n);
}
static void nothing(void *payload) {
    (void)payload;
}

/* --- a stream of bytes in memory ------------------------------------------------------- */

static struct {
    char bytes[4096];
    size_t at, size;
} disk;

static bool yes(void *d) {
    (void)d;
    return true;
}
static size_t tell(void *d) {
    (void)d;
    return disk.at;
}
static void seek(void *d, int64_t to, int whence) {
    (void)d;
    disk.at = whence == SEEK_END ? disk.size : (size_t)to;
}
static void get(void *d, char *to, size_t n) {
    (void)d;
    memcpy(to, disk.bytes + disk.at, n);
    disk.at += n;
}
static void get_at(void *d, char *to, size_t n, size_t at) {
    (void)d;
    memcpy(to, disk.bytes + at, n);
}
static void put(void *d, const char *from, size_t n) {
    (void)d;
    if (disk.at + n <= sizeof disk.bytes)
        memcpy(disk.bytes + disk.at, from, n);
    disk.at += n;
    disk.size = disk.at > disk.size ? disk.at : disk.size;
}
static const char *label(void *d) {
    (void)d;
    return "memory";
}
static const mlx_io_vtable table = {yes, yes, tell, seek, get, get_at, put, label, nothing};

static void load_disk(const char *name) {
    FILE *f = fopen(in_folder(name), "rb");
    disk.at = 0;
    disk.size = f ? fread(disk.bytes, 1, sizeof disk.bytes, f) : 0;
    if (f)
        fclose(f);
}

/* --- by type ---------------------------------------------------------------------------- */

#define AS(type) (*(type *)slot)

static mlx_array again(mlx_array a) {
    mlx_array res = mlx_array_new();
    if (a.ctx)
        mlx_array_set(&res, a);
    return res;
}
static mlx_vector_array two(mlx_array a, mlx_array b) {
    return mlx_vector_array_new_data((mlx_array[]){a, b}, 2);
}
static mlx_map_string_to_array a_map(void) {
    mlx_map_string_to_array m = mlx_map_string_to_array_new();
    mlx_map_string_to_array_insert(m, "key", square);
    return m;
}
static mlx_map_string_to_string a_string_map(void) {
    mlx_map_string_to_string m = mlx_map_string_to_string_new();
    mlx_map_string_to_string_insert(m, "key", "text");
    return m;
}
static mlx_io_gguf a_gguf(void) {
    mlx_io_gguf g = mlx_io_gguf_new();
    mlx_vector_string list = mlx_vector_string_new_value("text");
    mlx_io_gguf_set_array(g, "array", square);
    mlx_io_gguf_set_metadata_array(g, "numbers", line);
    mlx_io_gguf_set_metadata_string(g, "string", "text");
    mlx_io_gguf_set_metadata_vector_string(g, "strings", list);
    mlx_vector_string_free(list);
    return g;
}
static mlx_file a_file(void) {
    mlx_file f = mlx_file_new();
    mlx_file_open(&f, in_folder("in.gguf"), false);
    return f;
}
static mlx_file_writer a_file_writer(void) {
    mlx_file_writer w = mlx_file_writer_new();
    mlx_file_writer_open(&w, in_folder("out.gguf"), "gguf", 0);
    return w;
}
#include "capi_lm_values.h"
static mlx_profile a_profile(void) { /* stopped, of one event */
    mlx_profile p = mlx_profile_new();
    mlx_array a = mlx_array_new();
    mlx_exp(&a, square, (mlx_stream){NULL});
    mlx_profile_start(p, 1);
    mlx_array_eval(a);
    mlx_profile_stop(p);
    mlx_array_free(a);
    return p;
}
static mlx_device_info some_info(void) {
    mlx_device_info info = mlx_device_info_new();
    mlx_device cpu = mlx_device_new_type(MLX_CPU, 0);
    mlx_device_info_get(&info, cpu);
    mlx_device_free(cpu);
    return info;
}
static mlx_device cpu_device(void) {
    return mlx_device_new_type(MLX_CPU, 0);
}
static mlx_distributed_group a_group(void) {
    mlx_distributed_group g = mlx_distributed_group_new();
    mlx_distributed_init(&g, false, NULL);
    return g;
}
static mlx_function_exporter an_exporter(void) {
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func(named);
    mlx_function_exporter e =
        mlx_function_exporter_new_kwargs(in_folder("out.mlxfn"), f, false, "");
    mlx_closure_kwargs_free(f);
    return e;
}
static mlx_fast_cuda_kernel a_cuda_kernel(void) {
    mlx_vector_string names = mlx_vector_string_new_value("x");
    mlx_fast_cuda_kernel k = mlx_fast_cuda_kernel_new("k", names, names, "", "", true, 0);
    mlx_vector_string_free(names);
    return k;
}
static mlx_fast_metal_kernel a_metal_kernel(void) {
    mlx_vector_string names = mlx_vector_string_new_value("x");
    mlx_fast_metal_kernel k = mlx_fast_metal_kernel_new("k", names, names, "", "", true, false);
    mlx_vector_string_free(names);
    return k;
}

/* X(type, how to make one) for each kind of handle; mlx_x_free lets go. */
#define HANDLES(X)                                                                    \
    X(mlx_array, again(square))                                                       \
    X(mlx_vector_array, two(square, square))                                          \
    X(mlx_vector_int, mlx_vector_int_new_value(1))                                    \
    X(mlx_vector_string, mlx_vector_string_new_value("x"))                            \
    X(mlx_string, mlx_string_new_data("text"))                                        \
    X(mlx_stream, mlx_default_cpu_stream_new())                                       \
    X(mlx_device, cpu_device())                                                       \
    X(mlx_device_info, some_info())                                                   \
    X(mlx_distributed_group, a_group())                                               \
    X(mlx_closure, mlx_closure_new_func(twice))                                       \
    X(mlx_closure_kwargs, mlx_closure_kwargs_new_func(named))                         \
    X(mlx_closure_value_and_grad, mlx_closure_value_and_grad_new_func(with_gradient)) \
    X(mlx_closure_custom, mlx_closure_custom_new_func(backward))                      \
    X(mlx_closure_custom_jvp, mlx_closure_custom_jvp_new_func(forward))               \
    X(mlx_closure_custom_vmap, mlx_closure_custom_vmap_new_func(batched))             \
    X(mlx_map_string_to_array, a_map())                                               \
    X(mlx_map_string_to_string, a_string_map())                                       \
    X(mlx_io_reader, mlx_io_reader_new(&disk, table))                                 \
    X(mlx_io_writer, mlx_io_writer_new(&disk, table))                                 \
    X(mlx_io_gguf, a_gguf())                                                          \
    X(mlx_file, a_file())                                                             \
    X(mlx_file_writer, a_file_writer())                                               \
    X(mlx_function_exporter, an_exporter())                                           \
    X(mlx_imported_function, mlx_imported_function_new(in_folder("in.mlxfn")))        \
    X(mlx_node_namer, mlx_node_namer_new())                                           \
    X(mlx_profile, a_profile())                                                       \
    X(mlx_sampler, a_sampler())                                                       \
    X(mlx_stop, a_stop())                                                             \
    X(mlx_tokenizer, a_tokenizer())                                                   \
    X(mlx_template, a_template())                                                     \
    X(mlx_tokens, some_tokens())                                                      \
    X(mlx_token_stream, a_token_stream())                                             \
    X(mlx_structure, a_structure())                                                   \
    X(mlx_structure_vocabulary, a_structure_vocabulary())                             \
    X(mlx_structure_matcher, a_structure_matcher())                                   \
    X(mlx_lm, a_language_model())                                                     \
    X(mlx_lm_batch, a_batch())                                                        \
    X(mlx_train, a_training())                                                        \
    X(mlx_fast_cuda_kernel_config, mlx_fast_cuda_kernel_config_new())                 \
    X(mlx_fast_cuda_kernel, a_cuda_kernel())                                          \
    X(mlx_fast_metal_kernel_config, mlx_fast_metal_kernel_config_new())               \
    X(mlx_fast_metal_kernel, a_metal_kernel())

typedef struct handle_row {
    const char *type;
    void (*make)(void *slot);
    void (*let_go)(void *slot);
} handle_row;

#define MAKER(type, value)                \
    static void make_##type(void *slot) { \
        *(type *)slot = value;            \
    }                                     \
    static void free_##type(void *slot) { \
        type##_free(*(type *)slot);       \
    }
HANDLES(MAKER)

/* Vectors of vectors, and iterators of maps that live on. */
static mlx_map_string_to_array the_map;
static mlx_map_string_to_string the_words;

static void make_vectors(void *slot) {
    mlx_vector_array v = two(square, square);
    AS(mlx_vector_vector_array) = mlx_vector_vector_array_new_value(v);
    mlx_vector_array_free(v);
}
static void free_vectors(void *slot) {
    mlx_vector_vector_array_free(AS(mlx_vector_vector_array));
}
static void make_array_iterator(void *slot) {
    AS(mlx_map_string_to_array_iterator) = mlx_map_string_to_array_iterator_new(the_map);
}
static void free_array_iterator(void *slot) {
    mlx_map_string_to_array_iterator_free(AS(mlx_map_string_to_array_iterator));
}
static void make_string_iterator(void *slot) {
    AS(mlx_map_string_to_string_iterator) = mlx_map_string_to_string_iterator_new(the_words);
}
static void free_string_iterator(void *slot) {
    mlx_map_string_to_string_iterator_free(AS(mlx_map_string_to_string_iterator));
}

#define ROW(type, value) {#type, make_##type, free_##type},
static const handle_row handles[] = {
    HANDLES(ROW){"mlx_vector_vector_array", make_vectors, free_vectors},
    {"mlx_map_string_to_array_iterator", make_array_iterator, free_array_iterator},
    {"mlx_map_string_to_string_iterator", make_string_iterator, free_string_iterator}};

static const handle_row *handle(const char *type) {
    size_t n = strcspn(type, " ");
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        if (strlen(handles[i].type) == n && !strncmp(handles[i].type, type, n))
            return &handles[i];
    return NULL;
}

bool value_is_handle(const char *type) {
    return handle(type) && !strchr(type, '*');
}
bool value_is_pointer(const char *type) {
    return strchr(type, '*') != NULL;
}

/* --- what one function needs ---------------------------------------------------------- */

typedef struct special_row {
    /* the function's name begins so (mlx_ left out); the parameter's name */
    const char *function, *name;
    const mlx_array *array, *arrays[2];
    const int *ints;
    double number;
    const char *text;
} special_row;

#define INTS(...)           \
    .ints = (const int[]) { \
        __VA_ARGS__         \
    }

/* The first row that fits counts. */
static const special_row special[] = {
#include "capi_special.def"
};

static const special_row *special_of(const capi_call_row *row, int i) {
    const char *function = row->name + (row->name[0] == '_' ? 5 : 4),
               *name = row->parameter[i].name;
    for (size_t j = 0; j < sizeof special / sizeof *special; j++) {
        const special_row *s = &special[j];
        if (!strncmp(function, s->function, strlen(s->function)) &&
            !strncmp(name, s->name, strlen(s->name)) &&
            (!*s->name || strlen(name) == strlen(s->name) || s->name[strlen(s->name) - 1] == '_'))
            return s;
    }
    return NULL;
}

/* --- the rest by type and name ----------------------------------------------------------- */

static mlx_array array_of(const char *name) {
    if (strstr(name, "ind"))
        return index_0;
    if (!strcmp(name, "mask") || !strcmp(name, "condition"))
        return mask;
    if (!strcmp(name, "key"))
        return key;
    bool left_out =
        !strcmp(name, "biases") || strstr(name, "global_scale") || !strcmp(name, "sinks");
    return left_out ? mlx_array_empty : square;
}

static const char *text_of(const char *name) {
    if (!strcmp(name, "file") || !strcmp(name, "path"))
        return in_folder("out.file");
    return !strcmp(name, "mode") ? "mxfp4" : !strcmp(name, "bk") ? "any" : "key";
}

static double number_of(const char *name) {
    if (strstr(name, "_num") || !strcmp(name, "size"))
        return strstr(name, "shape") || strstr(name, "strides") || !strcmp(name, "dim") ? 2 : 1;
    if (strstr(name, "dtype") || !strcmp(name, "type"))
        return MLX_FLOAT32;
    bool one = !strcmp(name, "stop") || !strcmp(name, "step") || !strcmp(name, "num") ||
               !strcmp(name, "num_splits") || !strcmp(name, "repeats") || !strcmp(name, "d") ||
               !strcmp(name, "M") || !strcmp(name, "num_samples") || !strncmp(name, "grid", 4) ||
               !strncmp(name, "thread", 6) || !strncmp(name, "eps", 3) || !strcmp(name, "scale") ||
               !strcmp(name, "n");
    return one ? 1 : !strcmp(name, "dim") ? 2 : 0;
}

/* Memory that results and lists point to, one piece for each parameter. */
static char rooms[CAPI_MOST_PARAMETERS][sizeof(mlx_signature) + 64];
static mlx_array two_arrays[2];
static mlx_vector_array one_vector[1];
static const char *two_texts[2] = {"a", "b"};
static mlx_export_visitor visitor;
static float data[16];

static bool is(const char *a, const char *b) {
    return !strcmp(a, b);
}

static void make_function(void *slot, const char *type) {
    bool payload = strstr(type, "void *)") != NULL;
    void (*f)(void) = NULL;
#define PICK(part, plain, with)   \
    if (!f && strstr(type, part)) \
    f = payload ? (void (*)(void))with : (void (*)(void))plain
    PICK("(mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const "
         "mlx_vector_array",
         backward, backward_payload);
    PICK("(mlx_vector_array *, const mlx_vector_array, const mlx_vector_array, const int", forward,
         forward_payload);
    PICK("(mlx_vector_array *, const mlx_vector_array, const mlx_map", named, named_payload);
    PICK("(mlx_vector_array *, mlx_vector_array *", with_gradient, with_gradient_payload);
    PICK("(mlx_vector_array *, mlx_vector_int *", batched, batched_payload);
    PICK("(mlx_vector_array *, const mlx_vector_array", twice, twice_payload);
    PICK("(mlx_array *", unary, unary);
    PICK("void (*)(void *", nothing, nothing);
#undef PICK
    *(void (**)(void))slot = f;
}

static bool names_a_file(const char *parameter) {
    return is(parameter, "file") || is(parameter, "out") || is(parameter, "data") ||
           is(parameter, "adapter");
}

static void make_pointer(void *slot, const capi_call_row *row, int i, const special_row *s) {
    const char *type = row->parameter[i].type, *name = row->parameter[i].name;
    static const int ones[4] = {1, 1, 1, 1}, twos[4] = {2, 2, 2, 2}, zeros[4] = {0};
    static const int64_t steps[4] = {2, 1};
    static const double numbers[2] = {1, 2};
    static const uint32_t all_bits[] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static const uint64_t constants[2] = {1, 2};
    memset(rooms[i], 0, sizeof rooms[i]);
    void *p = rooms[i];
    if (strstr(type, "(*)"))
        make_function(slot, type);
    if (strstr(type, "(*)"))
        return;
    if (is(type, "const char *"))
        p = (void *)(!s || !s->text       ? text_of(name)
                     : names_a_file(name) ? in_folder(s->text)
                                          : s->text);
    else if (is(type, "const int *") || (is(type, "int *") && is(name, "data")))
        p = (void *)(s && s->ints            ? s->ints
                     : strstr(name, "shape") ? twos
                     : strstr(name, "ax")    ? zeros
                                             : ones);
    else if (is(type, "const int64_t *"))
        p = (void *)steps;
    else if (is(type, "const double *"))
        p = (void *)numbers;
    else if (is(type, "const uint32_t *"))
        p = (void *)all_bits;
    else if (is(type, "const uint64_t *"))
        p = (void *)constants;
    else if (is(type, "const mlx_array *"))
        p = two_arrays;
    else if (is(type, "const mlx_vector_array *"))
        p = one_vector;
    else if ((is(type, "const char **") && is(name, "data")) || is(type, "const char *const *"))
        p = two_texts;
    else if (is(type, "FILE *"))
        p = fopen("/dev/null", "w");
    else if (is(type, "const mlx_convert_options *"))
        *(mlx_convert_options *)p = (mlx_convert_options){.overwrite = true};
    else if (is(type, "const mlx_hub_options *"))
        *(mlx_hub_options *)p = (mlx_hub_options){0};
    else if (is(type, "const mlx_lm_request *"))
        *(mlx_lm_request *)p = (mlx_lm_request){.text = "text", .text_num = 4};
    else if (is(type, "const mlx_lm_batch_options *"))
        *(mlx_lm_batch_options *)p = (mlx_lm_batch_options){0};
    else if (is(type, "const mlx_train_options *"))
        *(mlx_train_options *)p = mlx_train_options_default();
    else if (is(type, "const mlx_export_visitor *"))
        p = &visitor;
    else if (strstr(type, "void *"))
        p = data;
    else if (is(type, "const mlx_operation *"))
        p = (void *)mlx_catalog_get(0);
    else if (is(type, "mlx_value *") && is(row->name, "mlx_operation_call") && is(name, "args"))
        *(mlx_value *)p = (mlx_value){.kind = MLX_VALUE_ARRAY, .as.array = square};
    else if (is(type, "mlx_value *") && !is(name, "res"))
        *(mlx_value *)p = (mlx_value){.kind = MLX_VALUE_INT, .as.integer = 3};
    AS(void *) = p;
}

static void make_number(void *slot, const char *type, double v) {
    if (is(type, "int") || is(type, "const int") || is(type, "mlx_dtype") ||
        is(type, "mlx_fft_norm") || is(type, "mlx_device_type") || is(type, "mlx_compile_mode"))
        AS(int) = (int)v;
    else if (is(type, "size_t") || is(type, "uint64_t") || is(type, "uintptr_t"))
        AS(size_t) = (size_t)v;
    else if (is(type, "bool"))
        AS(bool) = v != 0;
    else if (is(type, "double"))
        AS(double) = v;
    else if (is(type, "float"))
        AS(float) = (float)v;
    else if (is(type, "mlx_optional_float"))
        AS(mlx_optional_float) = (mlx_optional_float){10000, true};
    else if (is(type, "mlx_io_vtable"))
        AS(mlx_io_vtable) = table;
}

static const char *file_read_by(const char *function) {
    return strstr(function, "safetensors") ? "in.safetensors"
           : strstr(function, "npz")       ? "in.npz"
           : strstr(function, "gguf")      ? "in.gguf"
                                           : "in.npy";
}

void value_make(void *slot, const capi_call_row *row, int i) {
    const char *type = row->parameter[i].type, *name = row->parameter[i].name;
    const special_row *s = special_of(row, i);
    memset(slot, 0, CAPI_SLOT);
    if (is(type, "mlx_array"))
        AS(mlx_array) = s && s->array ? again(*s->array) : again(array_of(name));
    else if (is(type, "mlx_vector_array") && s && s->arrays[0])
        AS(mlx_vector_array) =
            mlx_vector_array_new_data((mlx_array[]){*s->arrays[0],
                                                    s->arrays[1] ? *s->arrays[1] : square},
                                      s->arrays[1] ? 2 : 1);
    else if (value_is_handle(type))
        handle(type)->make(slot);
    else if (value_is_pointer(type))
        make_pointer(slot, row, i, s);
    else
        make_number(slot, type, s ? s->number : number_of(name));
    if (is(type, "mlx_io_reader"))
        load_disk(file_read_by(row->name));
    if (is(type, "mlx_file_writer") && is(row->name, "mlx_file_writer_put"))
        mlx_file_writer_declare(AS(mlx_file_writer), "key", "float32", (int[]){2, 2}, 2);
    if (is(type, "mlx_io_writer"))
        disk.at = disk.size = 0;
}

void value_free(void *slot, const capi_call_row *row, int i) {
    const char *type = row->parameter[i].type, *star = strchr(type, '*');
    const handle_row *h = handle(type);
    if (h && !star)
        h->let_go(slot);
    else if (h && strncmp(type, "const", 5) && !strcmp(star, "*"))
        h->let_go(rooms[i]);
    else if (is(type, "mlx_value *"))
        mlx_value_free((mlx_value *)(void *)rooms[i]);
    else if (is(type, "FILE *") && AS(FILE *))
        fclose(AS(FILE *));
}

bool value_is_untouched(const capi_call_row *row, int i) {
    const char *type = row->parameter[i].type, *star = strchr(type, '*');
    bool is_result = handle(type) && star && strncmp(type, "const", 5) && !strcmp(star, "*");
    return !is_result || !*(void **)(void *)rooms[i];
}

void value_free_result(void *result, const capi_call_row *row) {
    void *slot = result;
    if (is(row->result, "mlx_map_string_to_array_iterator"))
        // the map is the argument
        mlx_map_string_to_array_iterator_free(AS(mlx_map_string_to_array_iterator));
    else if (is(row->result, "mlx_map_string_to_string_iterator"))
        mlx_map_string_to_string_iterator_free(AS(mlx_map_string_to_string_iterator));
    else if (handle(row->result))
        handle(row->result)->let_go(result);
}

/* --- files ------------------------------------------------------------------------------- */

/* One function, called with and without a named array. */
static bool export_both(mlx_vector_array args, mlx_map_string_to_array by_name) {
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func(named);
    mlx_function_exporter e = mlx_function_exporter_new_kwargs(in_folder("in.mlxfn"), f, false, "");
    bool ok = !mlx_function_exporter_apply(e, args) &&
              !mlx_function_exporter_apply_kwargs(e, args, by_name);
    mlx_closure_kwargs_free(f);
    return !mlx_function_exporter_free(e) && ok;
}

static bool make_files(void) {
    mlx_map_string_to_array arrays = a_map();
    mlx_map_string_to_string words = a_string_map();
    mlx_io_gguf gguf = a_gguf();
    mlx_vector_array args = mlx_vector_array_new_value(square);
    bool ok = !mlx_save(in_folder("in.npy"), square) &&
              !mlx_save_npz(in_folder("in.npz"), arrays, false) &&
              !mlx_save_safetensors(in_folder("in.safetensors"), arrays, words) &&
              !mlx_save_gguf(in_folder("in.gguf"), gguf) && export_both(args, arrays);
    mlx_map_string_to_array_free(arrays);
    mlx_map_string_to_string_free(words);
    mlx_io_gguf_free(gguf);
    mlx_vector_array_free(args);
    return ok;
}

static bool make_tokenizer(void) {
    FILE *f = fopen(in_folder("in.json"), "w");
    bool ok = f && fputs(WORDS, f) >= 0;
    return f && fclose(f) == 0 && ok;
}

static int same_bytes(void *to, const void *from, size_t n) {
    memcpy(to, from, n);
    return 0;
}

/* A cache of the hub that has the model, and a hub that is not asked. */
static const char *const cache_folders[] = {"hub", "hub/models--org--model",
                                            "hub/models--org--model/snapshots",
                                            "hub/models--org--model/snapshots/main"};
enum { CACHE_FOLDERS = sizeof cache_folders / sizeof *cache_folders };

static bool make_cache(void) {
    setenv("HF_HOME", folder, 1);
    setenv("HF_HUB_OFFLINE", "1", 1);
    unsetenv("HF_HUB_CACHE");
    for (int i = 0; i < CACHE_FOLDERS; i++)
        if (mkdir(in_folder(cache_folders[i]), 0777))
            return false;
    return true;
}

bool values_begin(void) {
    make_arrays();
    mlx_plugin_storage plain = {sizeof plain, "plug", 1, 1, MLX_UINT8, same_bytes, same_bytes};
    mlx_storage_register(&plain);
    two_arrays[0] = two_arrays[1] = square;
    one_vector[0] = two(square, square);
    the_map = a_map();
    the_words = a_string_map();
    own_folder(folder, sizeof folder, "capi-values");
    return make_cache() && make_files() && make_tokenizer() && make_models();
}

void values_end(void) {
    mlx_array_shared_remove("/mlx-capi-values");
    static const char *const names[] = {
        "in.npy",       "in.npz",   "in.safetensors",       "in.gguf",   "in.mlxfn", "in.json",
        "out.npy",      "out.gguf", "out.file.safetensors", "out.mlxfn", "out.file", "out.file.npy",
        "out.file.npz", "out.npz",  "out.safetensors",      "lm.gguf",   "in.jinja"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i]));
    remove_models();
    for (int i = CACHE_FOLDERS; i--;)
        rmdir(in_folder(cache_folders[i]));
    rmdir(folder);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mlx_array_free(*all[i]);
    mlx_vector_array_free(one_vector[0]);
    mlx_map_string_to_array_free(the_map);
    mlx_map_string_to_string_free(the_words);
}
