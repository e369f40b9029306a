/* export.h through the C API: named arguments, exporters, errors. */
#include "check.h"
#include "io_files.h"
#include "mlx/c/mlx.h"

static mlx_stream cpu;
static int reports;
static char reported[512];

static void note(const char *message, void *data) {
    (void)data;
    reports++;
    snprintf(reported, sizeof reported, "%s", message);
}

/* One error was reported, and it says so. */
static void said(int result, const char *what) {
    CHECK_EQ_INT(result, 1);
    CHECK_EQ_INT(reports, 1);
    CHECK_HAS(reported, what);
    reports = 0;
}

static mlx_vector_array floats(int n, const float *v) {
    mlx_vector_array all = mlx_vector_array_new();
    for (int i = 0; i < n; i++) {
        mlx_array a = mlx_array_new_float32(v[i]);
        mlx_vector_array_append_value(all, a);
        mlx_array_free(a);
    }
    return all;
}

static float number(mlx_vector_array v) {
    mlx_array a = mlx_array_new();
    float f = NAN;
    if (mlx_vector_array_get(&a, v, 0) == 0)
        mlx_array_item_float32(&f, a);
    mlx_array_free(a);
    return f;
}

static mlx_map_string_to_array named(const char *const *key, const float *v, int n) {
    mlx_map_string_to_array m = mlx_map_string_to_array_new();
    for (int i = 0; i < n; i++) {
        mlx_array a = mlx_array_new_float32(v[i]);
        mlx_map_string_to_array_insert(m, key[i], a);
        mlx_array_free(a);
    }
    return m;
}

/* --- functions ----------------------------------------------------------------------- */

static int calls;

/* x, or x + 10 y */
static int sum(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array x = mlx_array_new(), y = mlx_array_new(), ten = mlx_array_new_float32(10);
    calls++;
    int failed = mlx_vector_array_get(&x, in, 0);
    if (!failed && mlx_vector_array_size(in) > 1)
        failed = mlx_vector_array_get(&y, in, 1) || mlx_multiply(&y, y, ten, cpu) ||
                 mlx_add(&x, x, y, cpu);
    failed = failed || mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    mlx_array_free(y);
    mlx_array_free(ten);
    return failed;
}

/* scale x + shift */
static int line(mlx_vector_array *res, const mlx_vector_array in, const mlx_map_string_to_array kw,
                void *data) {
    mlx_array x = mlx_array_new(), scale = mlx_array_new(), shift = mlx_array_new();
    ++*(int *)data;
    int failed =
        mlx_vector_array_get(&x, in, 0) || mlx_map_string_to_array_get(&scale, kw, "scale") ||
        mlx_map_string_to_array_get(&shift, kw, "shift") || mlx_multiply(&x, x, scale, cpu) ||
        mlx_add(&x, x, shift, cpu) || mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    mlx_array_free(scale);
    mlx_array_free(shift);
    return failed;
}

static int nothing(mlx_vector_array *res, const mlx_vector_array in) {
    (void)res, (void)in;
    return 0;
}

static int failing(mlx_vector_array *res, const mlx_vector_array in) {
    mlx_array a = mlx_array_new();
    (void)res;
    int failed = mlx_vector_array_get(&a, in, 7);
    mlx_array_free(a);
    return failed;
}

/* --- tests --------------------------------------------------------------------------- */

static void one_trace(void) {
    const char *path = own_path("one.mlxfn");
    mlx_closure f = mlx_closure_new_func(sum);
    mlx_vector_array in = floats(2, (float[]){1, 2}), out = mlx_vector_array_new();
    calls = 0;
    CHECK_EQ_INT(mlx_export_function(path, f, in, false), 0);
    mlx_closure_free(f);
    mlx_imported_function g = mlx_imported_function_new(path);
    CHECK_EQ_INT(mlx_imported_function_apply(&out, g, in), 0);
    CHECK_NEAR(number(out), 21, 0);
    CHECK_EQ_INT(mlx_vector_array_size(out), 1);
    CHECK_EQ_INT(calls, 1);
    mlx_vector_array three = floats(3, (float[]){1, 2, 3});
    said(mlx_imported_function_apply(&out, g, three),
         "Called with 3 positional inputs and 0 keyword inputs");
    mlx_vector_array_free(three);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_imported_function_free(g);
}

static void named_arguments(void) {
    const char *path = own_path("named.mlxfn");
    static const char *const keys[] = {"shift", "scale"}, *const turned[] = {"scale", "shift"};
    int count = 0;
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func_payload(line, &count, NULL);
    mlx_vector_array in = floats(1, (float[]){2}), out = mlx_vector_array_new();
    mlx_map_string_to_array kw = named(keys, (float[]){1, 5}, 2),
                            other = named(turned, (float[]){3, 4}, 2);
    mlx_map_string_to_array few = named(keys, (float[]){1}, 1);
    CHECK_EQ_INT(mlx_export_function_kwargs(path, f, in, kw, false), 0);
    CHECK_EQ_INT(count, 1);
    mlx_imported_function g = mlx_imported_function_new(path);
    CHECK_EQ_INT(mlx_imported_function_apply_kwargs(&out, g, in, kw), 0);
    CHECK_NEAR(number(out), 11, 0);
    CHECK_EQ_INT(mlx_imported_function_apply_kwargs(&out, g, in, other), 0);
    CHECK_NEAR(number(out), 10, 0);
    said(mlx_imported_function_apply_kwargs(&out, g, in, few), "\"scale\": () float32");
    said(mlx_imported_function_apply(&out, g, in),
         "Called with 1 positional inputs and 0 keyword inputs");
    // it misses an argument
    said(mlx_export_function_kwargs(path, f, in, few, false), "the function returned 1");
    mlx_imported_function_free(g);
    mlx_map_string_to_array_free(kw);
    mlx_map_string_to_array_free(other);
    mlx_map_string_to_array_free(few);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_kwargs_free(f);
}

static void exporters(void) {
    const char *path = own_path("several.mlxfn");
    static const char *const keys[] = {"unused"};
    mlx_closure f = mlx_closure_new_func(sum);
    mlx_vector_array one = floats(1, (float[]){3}), two = floats(2, (float[]){3, 4}),
                     out = mlx_vector_array_new();
    mlx_map_string_to_array kw = named(keys, (float[]){1}, 1);
    mlx_function_exporter e = mlx_function_exporter_new(path, f, false);
    mlx_closure_free(f);
    CHECK_EQ_INT(mlx_function_exporter_apply(e, one), 0);
    CHECK_EQ_INT(mlx_function_exporter_apply(e, two), 0);
    said(mlx_function_exporter_apply(e, two), "twice with the same signature");
    // another signature; f sees the positional ones
    CHECK_EQ_INT(mlx_function_exporter_apply_kwargs(e, two, kw), 0);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ_INT(mlx_function_exporter_free(e), 0);
    mlx_imported_function g = mlx_imported_function_new(path);
    CHECK_EQ_INT(mlx_imported_function_apply(&out, g, one), 0);
    CHECK_NEAR(number(out), 3, 0);
    CHECK_EQ_INT(mlx_imported_function_apply(&out, g, two), 0);
    CHECK_NEAR(number(out), 43, 0);
    CHECK_EQ_INT(mlx_imported_function_apply_kwargs(&out, g, two, kw), 0);
    CHECK_NEAR(number(out), 43, 0);
    mlx_imported_function_free(g);
    mlx_map_string_to_array_free(kw);
    mlx_vector_array_free(one);
    mlx_vector_array_free(two);
    mlx_vector_array_free(out);
}

/* A file stays as it was when an exporter to it is abandoned, which goes on in memory. */
static void abandoned(void) {
    const char *path = own_path("abandoned.mlxfn");
    mlx_closure f = mlx_closure_new_func(sum);
    mlx_vector_array one = floats(1, (float[]){3}), two = floats(2, (float[]){3, 4}),
                     out = mlx_vector_array_new();
    CHECK_EQ_INT(mlx_export_function(path, f, one, false), 0);
    mlx_function_exporter e = mlx_function_exporter_new(path, f, false);
    CHECK_EQ_INT(mlx_function_exporter_apply(e, two), 0);
    CHECK_EQ_INT(mlx_function_exporter_abandon(e), 0);
    CHECK_EQ_INT(mlx_function_exporter_abandon(e), 0);
    said(mlx_function_exporter_apply(e, two), "twice with the same signature");
    CHECK_EQ_INT(mlx_function_exporter_apply(e, one), 0);
    CHECK_EQ_INT(mlx_function_exporter_free(e), 0);
    said(mlx_function_exporter_abandon((mlx_function_exporter){NULL}), "empty handle");
    mlx_imported_function g = mlx_imported_function_new(path);
    CHECK_EQ_INT(mlx_imported_function_apply(&out, g, one), 0);
    CHECK_NEAR(number(out), 3, 0);
    said(mlx_imported_function_apply(&out, g, two), "");
    mlx_imported_function_free(g);
    mlx_closure_free(f);
    mlx_vector_array_free(one);
    mlx_vector_array_free(two);
    mlx_vector_array_free(out);
}

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    if (f && fputs(text, f) >= 0)
        fclose(f);
}

static void refusals(void) {
    const char *path = own_path("no.mlxfn");
    mlx_closure f = mlx_closure_new_func(sum), bad = mlx_closure_new_func(failing),
                none = mlx_closure_new_func(nothing);
    mlx_vector_array in = floats(1, (float[]){3}), out = mlx_vector_array_new();
    said(mlx_export_function(NULL, f, in, false), "the file name is NULL");
    said(mlx_export_function(path, mlx_closure_new(), in, false), "an empty handle");
    said(mlx_export_function(path, f, (mlx_vector_array){NULL}, false), "empty handle");
    said(mlx_export_function("/no/such/folder/f.mlxfn", f, in, false),
         "[export_function] cannot create");
    said(mlx_export_function(path, bad, in, false), "[mlx_vector_array_get]");
    said(mlx_export_function(path, none, in, false), "gave no result");
    CHECK(access(path, F_OK) != 0);
    mlx_function_exporter e = mlx_function_exporter_new("/no/such/folder/f.mlxfn", f, false);
    said(e.ctx == NULL, "[export_function] cannot create");
    said(mlx_function_exporter_apply(e, in), "empty handle");
    CHECK_EQ_INT(mlx_function_exporter_free(e), 0);
    mlx_imported_function g = mlx_imported_function_new(path);
    said(g.ctx == NULL, "no.mlxfn");
    said(mlx_imported_function_apply(&out, g, in), "empty handle");
    write_text(path, "a file of text, of which the first bytes are a count");
    g = mlx_imported_function_new(path);
    said(g.ctx == NULL, "a count of 8007511653763915873 for the version is too large");
    CHECK_EQ_INT(mlx_imported_function_free(g), 0);
    mlx_vector_array_free(in);
    mlx_vector_array_free(out);
    mlx_closure_free(f);
    mlx_closure_free(bad);
    mlx_closure_free(none);
}

/* --- visits ----------------------------------------------------------------------------- */

typedef struct seen {
    char text[1024];
    const char *stop; /* at this part */
    float constant;
} seen;

static int tell(seen *s, const char *what, const mlx_exported_array *a, size_t n) {
    size_t at = strlen(s->text);
    at += (size_t)snprintf(s->text + at, sizeof s->text - at, "%s", what);
    for (size_t i = 0; i < n && at < sizeof s->text; i++)
        at += (size_t)snprintf(s->text + at, sizeof s->text - at, " %zu/%zu/%d", a[i].id, a[i].ndim,
                               (int)a[i].dtype);
    snprintf(s->text + at, sizeof s->text - at, "; ");
    return s->stop && strcmp(s->stop, what) == 0;
}

static int tell_inputs(void *s, const mlx_exported_array *a, size_t n) {
    return tell(s, "inputs", a, n);
}

static int tell_keywords(void *s, const char *const *names, const mlx_exported_array *a, size_t n) {
    if (n == 2) {
        CHECK_STR(names[0], "scale");
        CHECK_STR(names[1], "shift");
    }
    return tell(s, "keywords", a, n);
}

static int tell_outputs(void *s, const mlx_exported_array *a, size_t n) {
    return tell(s, "outputs", a, n);
}

static int tell_constants(void *s, const mlx_exported_array *a, const mlx_array *values, size_t n) {
    if (n == 1)
        CHECK_EQ_INT(mlx_array_item_float32(&((seen *)s)->constant, values[0]), 0);
    return tell(s, "constants", a, n);
}

static int tell_primitive(void *s, const mlx_exported_primitive *p) {
    if (strcmp(p->name, "Reduce") == 0) {
        CHECK_EQ_INT(p->argument_count, 2);
        CHECK_EQ_INT(p->arguments[0].kind, MLX_EXPORTED_INT);
        CHECK_EQ_INT(p->arguments[0].integer, 2);
        CHECK_EQ_INT(p->arguments[1].kind, MLX_EXPORTED_LIST);
        CHECK_EQ_INT(p->arguments[1].count, 2);
        CHECK_EQ_INT(p->arguments[1].list[1], 1);
    } else
        CHECK_EQ_INT(p->argument_count, 0);
    return tell(s, p->name, p->inputs, p->input_count) || tell(s, "=", p->outputs, p->output_count);
}

static mlx_export_visitor visitor_for(seen *s) {
    return (mlx_export_visitor){
        s, tell_inputs, tell_keywords, tell_outputs, tell_constants, tell_primitive};
}

static int sum_named(mlx_vector_array *res, const mlx_vector_array in,
                     const mlx_map_string_to_array kw, void *data) {
    (void)kw;
    (void)data;
    return sum(res, in);
}

static int total(mlx_vector_array *res, const mlx_vector_array in, const mlx_map_string_to_array kw,
                 void *data) {
    mlx_array x = mlx_array_new();
    (void)kw;
    (void)data;
    int failed = mlx_vector_array_get(&x, in, 0) || mlx_sum(&x, x, true, cpu) ||
                 mlx_vector_array_set_value(res, x);
    mlx_array_free(x);
    return failed;
}

static void visits(void) {
    seen s = {.stop = NULL};
    mlx_export_visitor v = visitor_for(&s);
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func_payload(sum_named, NULL, NULL);
    mlx_function_exporter e = mlx_function_exporter_new_memory(f, false);
    mlx_vector_array one = floats(1, (float[]){1}), two = floats(2, (float[]){1, 2});
    CHECK_EQ_INT(mlx_function_exporter_visit(e, &v), 0);
    CHECK_STR(s.text, "");
    CHECK_EQ_INT(mlx_function_exporter_apply(e, two), 0);
    CHECK_EQ_INT(mlx_function_exporter_visit(e, &v), 0);
    CHECK_STR(s.text, "inputs 0/0/10 1/0/10; keywords; outputs 2/0/10; constants 3/0/10; "
                      "Multiply 1/0/10 3/0/10; = 4/0/10; Add 0/0/10 4/0/10; = 2/0/10; ");
    CHECK_EQ_INT(s.constant, 10);
    CHECK_EQ_INT(mlx_function_exporter_apply(e, one), 0);
    s = (seen){.stop = "constants"};
    said(mlx_function_exporter_visit(e, &v), "returned 1");
    CHECK_STR(s.text, "inputs 0/0/10 1/0/10; keywords; outputs 2/0/10; constants 3/0/10; ");
    s = (seen){.stop = "Add"};
    said(mlx_function_exporter_visit(e, &v), "returned 1");
    CHECK_EQ_INT(mlx_function_exporter_visit(e, &(mlx_export_visitor){0}), 0);
    said(mlx_function_exporter_visit(e, NULL), "the visitor is NULL");
    said(mlx_function_exporter_visit((mlx_function_exporter){NULL}, &v), "empty handle");
    CHECK_EQ_INT(mlx_function_exporter_free(e), 0);
    said(mlx_function_exporter_new_memory((mlx_closure_kwargs){NULL}, false).ctx == NULL, "");
    mlx_vector_array_free(one);
    mlx_vector_array_free(two);
    mlx_closure_kwargs_free(f);
}

static void visits_of_named_inputs(void) {
    seen s = {.stop = NULL};
    mlx_export_visitor v = visitor_for(&s);
    mlx_closure_kwargs f = mlx_closure_kwargs_new_func_payload(total, NULL, NULL);
    const char *path = own_path("visited.mlxfn");
    mlx_function_exporter e = mlx_function_exporter_new_kwargs(path, f, false, NULL);
    mlx_array x = mlx_array_new_data((float[]){1, 2, 3, 4}, (int[]){2, 2}, 2, MLX_FLOAT32);
    mlx_vector_array in = mlx_vector_array_new_value(x);
    mlx_map_string_to_array kw = named((const char *[]){"shift", "scale"}, (float[]){1, 2}, 2);
    CHECK_EQ_INT(mlx_function_exporter_apply_kwargs(e, in, kw), 0);
    CHECK_EQ_INT(mlx_function_exporter_visit(e, &v), 0);
    CHECK_STR(s.text,
              "inputs 0/2/10 1/0/10 2/0/10; keywords 1/0/10 2/0/10; outputs 3/2/10; constants; "
              "Reduce 0/2/10; = 3/2/10; ");
    CHECK_EQ_INT(mlx_function_exporter_free(e), 0);
    CHECK(access(path, F_OK) == 0);
    mlx_map_string_to_array_free(kw);
    mlx_vector_array_free(in);
    mlx_array_free(x);
    mlx_closure_kwargs_free(f);
}

int main(void) {
    cpu = mlx_default_cpu_stream_new();
    mlx_set_error_handler(note, NULL, NULL);
    RUN(one_trace);
    RUN(named_arguments);
    RUN(exporters);
    RUN(abandoned);
    RUN(refusals);
    RUN(visits);
    RUN(visits_of_named_inputs);
    mlx_stream_free(cpu);
    files_done();
    return check_done();
}
