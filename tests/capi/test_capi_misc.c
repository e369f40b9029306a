/* Pictures of graphs, groups of one process, devices: those that are and those that are not. */
#include "io_files.h"

static mlx_stream none;

/* --- pictures --------------------------------------------------------------------- */

static char drawn[1 << 16];

/* What a drawing function writes; its code. */
static int draw(int (*fn)(FILE *, mlx_node_namer, mlx_vector_array), mlx_node_namer namer,
                mlx_vector_array outputs) {
    FILE *f = tmpfile();
    int code = fn(f, namer, outputs);
    rewind(f);
    drawn[fread(drawn, 1, sizeof drawn - 1, f)] = 0;
    fclose(f);
    return code;
}

/* exp(x) + x in halves: two outputs of one node. */
static mlx_vector_array halves(mlx_array x) {
    mlx_array e = mlx_array_new();
    mlx_vector_array parts = mlx_vector_array_new();
    CHECK_OK(mlx_exp(&e, x, none));
    CHECK_OK(mlx_add(&e, e, x, none));
    CHECK_OK(mlx_split(&parts, e, 2, 0, none));
    mlx_array_free(e);
    return parts;
}

static mlx_array some(void) {
    return mlx_array_new_data((float[]){1, 2}, (int[]){2}, 1, MLX_FLOAT32);
}

static void test_dot(void) {
    mlx_array x = some();
    mlx_vector_array outputs = halves(x);
    mlx_node_namer namer = mlx_node_namer_new();
    CHECK_OK(mlx_node_namer_set_name(namer, x, "x \"1\""));
    CHECK_OK(draw(mlx_export_to_dot, namer, outputs));
    CHECK_HAS(drawn, "digraph {\n{ rank=source; \"x \\\"1\\\"\"; }\n"
                     "{ op1 [label =\"Exp\", shape=rectangle]; }\n");
    CHECK_HAS(drawn, "\"x \\\"1\\\"\" -> op1\n{ \"A\"; }\nop1 -> \"A\"\n");
    CHECK_HAS(drawn,
              "{ op2 [label =\"Add\", shape=rectangle]; }\n\"A\" -> op2\n\"x \\\"1\\\"\" -> op2\n");
    CHECK_HAS(drawn, "{ rank=sink; \"C\"; }\n");
    CHECK_HAS(drawn, "{ rank=sink; \"D\"; }\n");
    CHECK_HAS(drawn, "\n}\n");
    mlx_node_namer_free(namer);
    mlx_vector_array_free(outputs);
    mlx_array_free(x);
}

static void test_lines(void) {
    mlx_array x = some();
    mlx_vector_array outputs = halves(x);
    mlx_node_namer namer = mlx_node_namer_new();
    CHECK_OK(draw(mlx_print_graph, namer, outputs));
    CHECK_HAS(drawn, "Inputs: A (2) float32\nOutputs: D (1) float32, E (1) float32\n"
                     "\nExp A -> B\nAdd B, A -> C\n");
    mlx_node_namer_free(namer);
    mlx_vector_array_free(outputs);
    mlx_array_free(x);
}

static void test_deep_graph(void) {
    mlx_array x = some();
    for (int i = 0; i < 200000; i++)
        if (mlx_sin(&x, x, none) != 0)
            return (void)CHECK(false);
    mlx_vector_array outputs = mlx_vector_array_new_value(x);
    mlx_node_namer namer = mlx_node_namer_new();
    CHECK_OK(draw(mlx_export_to_dot, namer, outputs));
    CHECK_HAS(drawn, "\"Z\" -> op26\n{ \"AA\"; }\n");
    mlx_node_namer_free(namer);
    mlx_vector_array_free(outputs);
    mlx_array_free(x);
}

static void test_names(void) {
    mlx_array x = some(), y = some();
    mlx_node_namer namer = mlx_node_namer_new(), empty = {NULL};
    mlx_vector_array outputs = mlx_vector_array_new_value(x);
    const char *name = NULL, *again = NULL;
    CHECK_OK(mlx_node_namer_get_name(&name, namer, x));
    CHECK_STR(name, "A");
    CHECK_OK(mlx_node_namer_get_name(&name, namer, y));
    CHECK_STR(name, "B");
    CHECK_OK(mlx_node_namer_get_name(&again, namer, y));
    CHECK(name == again);
    CHECK_OK(mlx_node_namer_set_name(namer, y, "y"));
    CHECK_OK(mlx_node_namer_get_name(&name, namer, y));
    CHECK_STR(name, "y");
    CHECK_FAILS(mlx_node_namer_set_name(empty, x, "x"), "empty");
    CHECK_FAILS(mlx_node_namer_set_name(namer, (mlx_array){NULL}, "x"), "empty");
    CHECK_FAILS(mlx_node_namer_set_name(namer, x, NULL), "NULL");
    CHECK_FAILS(mlx_node_namer_get_name(&name, empty, x), "empty");
    CHECK_FAILS(mlx_node_namer_get_name(NULL, namer, x), "NULL");
    CHECK_FAILS(mlx_node_namer_get_name(&name, namer, (mlx_array){NULL}), "empty");
    CHECK_FAILS(mlx_export_to_dot(NULL, namer, outputs), "NULL");
    CHECK_FAILS(mlx_export_to_dot(stderr, empty, outputs), "empty");
    CHECK_FAILS(mlx_print_graph(stderr, namer, (mlx_vector_array){NULL}), "empty");
    CHECK_FAILS(mlx_print_graph(NULL, namer, outputs), "NULL");
    FILE *full = fopen("/dev/full", "w"), *unwritable = fopen("/dev/null", "r");
    CHECK(full && unwritable);
    CHECK_FAILS(mlx_print_graph(full, namer, outputs), "could not be written");
    CHECK_FAILS(mlx_export_to_dot(full, namer, outputs), "could not be written");
    CHECK_FAILS(mlx_print_graph(unwritable, namer, outputs), "could not be written");
    fclose(full), fclose(unwritable);
    CHECK_OK(mlx_node_namer_free(empty));
    CHECK_OK(mlx_node_namer_free(namer));
    mlx_vector_array_free(outputs);
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- groups of one ---------------------------------------------------------------- */

static void test_group(void) {
    mlx_distributed_group g = mlx_distributed_group_new(), part = {NULL};
    CHECK(!mlx_distributed_is_available(NULL));
    CHECK(!mlx_distributed_is_available("mpi"));
    CHECK_EQ_INT(mlx_distributed_group_rank(g), 0);
    CHECK_EQ_INT(mlx_distributed_group_size(g), 1);
    CHECK_OK(mlx_distributed_init(&g, false, NULL));
    CHECK_OK(mlx_distributed_init(&g, false, "ring"));
    CHECK_EQ_INT(mlx_distributed_group_rank(g), 0);
    CHECK_EQ_INT(mlx_distributed_group_size(g), 1);
    CHECK_FAILS(mlx_distributed_init(&g, true, NULL),
                "[distributed] Couldn't initialize any backend");
    CHECK_FAILS(mlx_distributed_init(&g, false, "foo"), "but 'foo' was provided");
    CHECK_FAILS(mlx_distributed_init(NULL, false, NULL), "NULL");
    CHECK_OK(mlx_distributed_group_split(&part, g, 3, 4));
    CHECK_EQ_INT(mlx_distributed_group_size(part), 1);
    CHECK_FAILS(mlx_distributed_group_split(NULL, g, 0, 0), "NULL");
    CHECK_OK(mlx_distributed_group_free(part));
    CHECK_OK(mlx_distributed_group_free(g));
}

typedef int collective(mlx_array *, mlx_array, mlx_distributed_group, mlx_stream);

static void test_collectives(void) {
    static collective *const all[] = {mlx_distributed_all_gather, mlx_distributed_all_sum,
                                      mlx_distributed_all_max, mlx_distributed_all_min,
                                      mlx_distributed_sum_scatter};
    mlx_distributed_group g = {NULL};
    mlx_array x = some(), y = mlx_array_new();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_OK(all[i](&y, x, g, none));
        CHECK(mlx_array_size(y) == 2 && mlx_array_data_float32(y)[1] == 2);
        CHECK_FAILS(all[i](&y, (mlx_array){NULL}, g, none), "empty");
        CHECK_FAILS(all[i](NULL, x, g, none), "NULL");
    }
    CHECK_FAILS(mlx_distributed_send(&y, x, 0, g, none), "[send] Cannot send to a singleton group");
    CHECK_FAILS(mlx_distributed_send(&y, (mlx_array){NULL}, 0, g, none), "empty");
    CHECK_FAILS(mlx_distributed_recv(&y, (int[]){2}, 1, MLX_FLOAT32, 1, g, none),
                "[recv] Cannot recv from");
    CHECK_FAILS(mlx_distributed_recv(&y, NULL, 1, MLX_FLOAT32, 1, g, none), "NULL");
    CHECK_FAILS(mlx_distributed_recv(&y, NULL, 0, (mlx_dtype)99, 1, g, none), "not a dtype");
    CHECK_FAILS(mlx_distributed_recv_like(&y, x, 1, g, none), "[recv] Cannot recv from");
    CHECK_FAILS(mlx_distributed_recv_like(&y, (mlx_array){NULL}, 1, g, none), "empty");
    mlx_array_free(x);
    mlx_array_free(y);
}

/* --- devices ---------------------------------------------------------------------- */

static void test_no_gpu(void) {
    bool there = true;
    CHECK_OK(mlx_metal_is_available(&there));
    CHECK(!there);
    CHECK_FAILS(mlx_metal_is_available(NULL), "NULL");
    CHECK_OK(mlx_metal_start_capture("x.gputrace"));
    CHECK_FAILS(mlx_metal_start_capture(NULL), "NULL");
    CHECK_OK(mlx_metal_stop_capture());
    CHECK_OK(mlx_cuda_is_available(&there));
    CHECK_FAILS(mlx_cuda_is_available(NULL), "NULL");
}

static void test_device_info(void) {
    mlx_device cpu = mlx_device_new_type(MLX_CPU, 0), far = mlx_device_new_type(MLX_CPU, 1000);
    mlx_device_info info = mlx_device_info_new();
    mlx_vector_string keys = mlx_vector_string_new();
    const char *text = NULL;
    size_t bytes = 0;
    bool flag = false;
    CHECK_OK(mlx_device_info_get(&info, cpu));
    CHECK_OK(mlx_device_info_get(&info, (mlx_device){NULL}));
    CHECK_OK(mlx_device_info_get_keys(&keys, info));
    CHECK_EQ_INT(mlx_vector_string_size(keys), 3);
    CHECK_OK(mlx_device_info_has_key(&flag, info, "architecture"));
    CHECK(flag);
    CHECK_OK(mlx_device_info_is_string(&flag, info, "device_name"));
    CHECK(flag);
    CHECK_OK(mlx_device_info_get_string(&text, info, "architecture"));
    CHECK(text && *text);
    CHECK_OK(mlx_device_info_is_string(&flag, info, "memory_size"));
    CHECK(!flag);
    CHECK_OK(mlx_device_info_get_size(&bytes, info, "memory_size"));
    CHECK(bytes > 1 << 20);
    CHECK_OK(mlx_device_info_has_key(&flag, info, "absent"));
    CHECK(!flag);
    CHECK_EQ_INT(mlx_device_info_is_string(&flag, info, "absent"), 2);
    CHECK_EQ_INT(mlx_device_info_get_string(&text, info, "absent"), 2);
    CHECK_EQ_INT(mlx_device_info_get_size(&bytes, info, "absent"), 2);
    CHECK_EQ_INT(mlx_device_info_get_string(&text, info, "memory_size"), 3);
    CHECK_EQ_INT(mlx_device_info_get_size(&bytes, info, "architecture"), 3);
    CHECK_FAILS(mlx_device_info_get(&info, far), "not available");
    CHECK_FAILS(mlx_device_info_get(NULL, cpu), "NULL");
    CHECK_OK(mlx_device_info_free(info));
    mlx_vector_string_free(keys);
    mlx_device_free(cpu);
    mlx_device_free(far);
}

static void test_device_info_bad_arguments(void) {
    mlx_device_info info = mlx_device_info_new(), empty = {NULL};
    mlx_vector_string keys = mlx_vector_string_new();
    const char *text;
    size_t bytes;
    bool flag;
    CHECK_FAILS(mlx_device_info_has_key(&flag, empty, "x"), "empty");
    CHECK_FAILS(mlx_device_info_is_string(&flag, empty, "x"), "empty");
    CHECK_FAILS(mlx_device_info_get_string(&text, empty, "x"), "empty");
    CHECK_FAILS(mlx_device_info_get_size(&bytes, empty, "x"), "empty");
    CHECK_FAILS(mlx_device_info_get_keys(&keys, empty), "empty");
    CHECK_OK(mlx_device_info_get(&info, (mlx_device){NULL}));
    CHECK_FAILS(mlx_device_info_has_key(NULL, info, "x"), "NULL");
    CHECK_FAILS(mlx_device_info_is_string(&flag, info, NULL), "NULL");
    CHECK_FAILS(mlx_device_info_get_string(NULL, info, "architecture"), "NULL");
    CHECK_FAILS(mlx_device_info_get_size(NULL, info, "memory_size"), "NULL");
    CHECK_FAILS(mlx_device_info_get_keys(NULL, info), "NULL");
    CHECK_OK(mlx_device_info_free(empty));
    mlx_device_info_free(info);
    mlx_vector_string_free(keys);
}

static void test_device_handles(void) {
    mlx_device cpu = mlx_device_new(), gpu = mlx_device_new_type(MLX_GPU, 0), empty = {NULL};
    mlx_device_type type = MLX_GPU;
    mlx_string s = mlx_string_new();
    int index = -1, count = -1;
    bool there = false;
    CHECK_OK(mlx_device_tostring(&s, cpu));
    CHECK_STR(mlx_string_data(s), "Device(cpu, 0)");
    CHECK_OK(mlx_device_get_index(&index, cpu));
    CHECK_EQ_INT(index, 0);
    CHECK_OK(mlx_device_get_type(&type, cpu));
    CHECK_EQ_INT(type, MLX_CPU);
    CHECK(mlx_device_equal(cpu, cpu) && !mlx_device_equal(cpu, gpu));
    CHECK(!mlx_device_equal(cpu, empty));
    CHECK_OK(mlx_device_is_available(&there, cpu));
    CHECK(there);
    CHECK_OK(mlx_device_count(&count, MLX_CPU));
    CHECK_EQ_INT(count, 1);
    CHECK_OK(mlx_set_default_device(cpu));
    CHECK_OK(mlx_set_thread_device(&gpu, cpu));
    CHECK(gpu.ctx == NULL);
    CHECK_OK(mlx_set_thread_device(&gpu, gpu));
    CHECK(mlx_device_equal(cpu, gpu));
    CHECK_OK(mlx_device_set(&gpu, cpu));
    CHECK(mlx_device_equal(cpu, gpu));
    CHECK_OK(mlx_get_default_device(&gpu));
    CHECK(mlx_device_equal(cpu, gpu));
    mlx_device_free(cpu);
    mlx_device_free(gpu);
    mlx_string_free(s);
}

static void test_device_bad_arguments(void) {
    mlx_device cpu = mlx_device_new(), far = mlx_device_new_type(MLX_CPU, 1000), empty = {NULL};
    mlx_device_type type;
    mlx_string s = mlx_string_new();
    int index;
    bool there = true;
    CHECK_OK(mlx_device_is_available(&there, far));
    CHECK(!there);
    CHECK_FAILS(mlx_set_default_device(far), "not available");
    CHECK_FAILS(mlx_set_default_device(empty), "empty");
    CHECK_FAILS(mlx_get_default_device(NULL), "NULL");
    CHECK_FAILS(mlx_device_tostring(&s, empty), "empty");
    CHECK_FAILS(mlx_device_tostring(NULL, cpu), "NULL");
    CHECK_FAILS(mlx_device_get_index(&index, empty), "empty");
    CHECK_FAILS(mlx_device_get_type(&type, empty), "empty");
    CHECK_FAILS(mlx_device_is_available(&there, empty), "empty");
    CHECK_FAILS(mlx_device_count(NULL, MLX_CPU), "NULL");
    CHECK_FAILS(mlx_device_set(&cpu, empty), "empty");
    CHECK_FAILS(mlx_device_set(NULL, cpu), "NULL");
    CHECK_FAILS(mlx_device_get_index(NULL, cpu), "NULL");
    CHECK_FAILS(mlx_device_get_type(NULL, cpu), "NULL");
    CHECK_FAILS(mlx_device_is_available(NULL, cpu), "NULL");
    CHECK_OK(mlx_device_free(empty));
    mlx_device_free(cpu);
    mlx_device_free(far);
    mlx_string_free(s);
}

int main(void) {
    mlx_set_error_handler(count_told, NULL, NULL);
    RUN(test_dot);
    RUN(test_lines);
    RUN(test_deep_graph);
    RUN(test_names);
    RUN(test_group);
    RUN(test_collectives);
    RUN(test_no_gpu);
    RUN(test_device_info);
    RUN(test_device_info_bad_arguments);
    RUN(test_device_handles);
    RUN(test_device_bad_arguments);
    return check_done();
}
