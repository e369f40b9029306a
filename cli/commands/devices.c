/* mlx devices: where operations can run. */
#include <unistd.h>

#include "cli.h"

static json_t *value_of(mlx_device_info info, const char *key) {
    const char *text;
    size_t number;
    if (mlx_device_info_get_string(&text, info, key) == 0)
        return cli_json_text(text);
    if (mlx_device_info_get_size(&number, info, key) == 0)
        return json_integer((json_int_t)number);
    return NULL;
}

/* All that the library knows of a device. */
static void add_known(json_t *row, mlx_device device) {
    mlx_device_info info = mlx_device_info_new();
    mlx_vector_string keys = mlx_vector_string_new();
    char *key;
    if (mlx_device_info_get(&info, device) == 0 && mlx_device_info_get_keys(&keys, info) == 0)
        for (size_t i = 0; i < mlx_vector_string_size(keys); i++)
            if (mlx_vector_string_get(&key, keys, i) == 0)
                json_object_set_new(row, key, value_of(info, key));
    mlx_vector_string_free(keys);
    mlx_device_info_free(info);
}

static json_t *describe(mlx_device_type type, int index, mlx_device usual) {
    mlx_device device = mlx_device_new_type(type, index);
    json_t *row = json_pack("{s:s, s:i, s:b}", "type", type == MLX_CPU ? "cpu" : "gpu", "index",
                            index, "default", mlx_device_equal(device, usual));
    if (type == MLX_CPU)
        json_object_set_new(row, "processors", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    add_known(row, device);
    mlx_device_free(device);
    return row;
}

static void show(cli_call *c, const json_t *doc) {
    static const cli_column columns[] = {{"type", "Type", CLI_LOOK_TEXT},
                                         {"index", "Index", CLI_LOOK_COUNT},
                                         {"device_name", "Name", CLI_LOOK_TEXT},
                                         {"architecture", "Architecture", CLI_LOOK_TEXT},
                                         {"processors", "Processors", CLI_LOOK_COUNT},
                                         {"memory_size", "Memory", CLI_LOOK_SIZE},
                                         {"default", "Default", CLI_LOOK_TEXT},
                                         {0}};
    (void)c;
    cli_table(json_object_get(doc, "devices"), columns);
}

static int run(cli_call *c) {
    mlx_device usual = mlx_device_new();
    json_t *rows = json_array();
    int status = 0;
    for (mlx_device_type type = MLX_CPU; type <= MLX_GPU && status == 0; type++) {
        int count = 0;
        status = mlx_device_count(&count, type);
        for (int i = 0; i < count && status == 0; i++)
            json_array_append_new(rows, describe(type, i, usual));
    }
    mlx_device_free(usual);
    json_t *doc = json_pack("{s:o}", "devices", rows);
    if (status == 0)
        return cli_show(c, doc, show);
    json_decref(doc);
    return cli_library(c);
}

static const cli_example examples[] = {{"mlx devices", "a line for each device"},
                                       {"mlx devices --json", "all that is known of each"},
                                       {0}};

const cli_command cli_devices = {.name = "devices",
                                 .summary = "list the devices that operations can run on",
                                 .examples = examples,
                                 .run = run};
