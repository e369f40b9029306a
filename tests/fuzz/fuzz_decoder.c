/* Models to run: config.json and the shapes of the tensors, which lie as they say. What opens
 * computes. See fuzz.h. */
#include "fuzz.h"
#include "models/tiny_models.h"

/* Elements of all tensors; -1: too many, or no shapes. */
static int64_t elements(const json_t *tensors) {
    const char *name;
    json_t *list;
    int64_t all = 0;
    json_object_foreach((json_t *)(uintptr_t)tensors, name, list) {
        int64_t n = 1;
        if (!json_is_array(list) || json_array_size(list) > 8 || strlen(name) > 500)
            return -1;
        for (size_t i = 0; i < json_array_size(list); i++) {
            int64_t d = json_integer_value(json_array_get(list, i));
            if (d < 0 || d > 1 << 16 || (n *= d) > 1 << 16)
                return -1;
        }
        all += n;
    }
    return all > 1 << 18 ? -1 : all;
}

static void compute(const mx_decoder *d) {
    static const int tokens[] = {3, 17, 42};
    mx_span span = {0, 3, 0, NULL};
    mx_pass pass = {.token = tokens, .rows = 3, .span = &span, .spans = 1};
    if (d->vocabulary < 1 << 12 && d->hidden < 1 << 10)
        fuzz_use(mx_decoder_graph(d, &pass));
}

static void use(const json_t *document) {
    static char path[512], file[600];
    json_t *config = json_object_get(document, "config"),
           *tensors = json_object_get(document, "tensors");
    if (!json_is_object(config) || elements(tensors) <= 0)
        return;
    if (!*path) {
        snprintf(path, sizeof path, "%s", own_path("fuzz"));
        snprintf(file, sizeof file, "%s/model.safetensors", path);
        mkdir(path, 0777);
        atexit(files_done);
    }
    if (tiny_write_config(config, path) && tiny_write_tensors(document, file)) {
        mx_decoder *d = mx_decoder_open(path);
        if (d)
            compute(d);
        mx_decoder_release(d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mx_scope scope = mx_scope_open();
    json_t *document = json_loadb((const char *)data, size, 0, NULL);
    use(document);
    json_decref(document);
    mx_error_clear();
    mx_scope_close(scope);
    return 0;
}

void fuzz_seeds(fuzz_add *add) {
    static char names[64][64];
    int n = tiny_names(names, 64, NULL);
    for (int i = 0; i < n; i++) {
        char path[1200];
        snprintf(path, sizeof path, "%.1000s/tests/data/families/%.64s", check_source(), names[i]);
        json_t *document = json_load_file(path, 0, NULL);
        json_object_del(document, "rows");
        char *text = json_dumps(document, 0);
        if (text)
            add(text, strlen(text));
        free(text);
        json_decref(document);
    }
}
