/* Conversion of a model: plain beside what cp takes, and quantized, in bytes of bfloat16 a second.
 *
 *     bench_convert [folder]     prints name<tab>seconds<tab>GB/s<tab>peak MB<tab>CPU seconds; the
 *                                folder (/dev/shm where it is large enough, /tmp otherwise) gets 4
 *GB for a while 
 * The model is llama's with random weights, 1.3 GB of bfloat16. Each conversion is a process of its
 * own, so that its peak of memory is its own; cp and it take turns, and the best of each counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mlx/c/mlx.h"

enum { HIDDEN = 2048, FORWARD = 5632, LAYERS = 14, VOCAB = 32000, ROUNDS = 3 };

static char folder[512], model[600], out[600];
static unsigned long long model_bytes;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- the model -------------------------------------------------------------------------------- */

typedef struct tensor {
    const char *name;  /* %d: the layer */
    int rows, columns; /* columns 0: a vector */
} tensor;
static const tensor ends[] = {{"model.embed_tokens.weight", VOCAB, HIDDEN},
                              {"model.norm.weight", HIDDEN, 0},
                              {"lm_head.weight", VOCAB, HIDDEN}};
static const tensor layer[] = {{"model.layers.%d.input_layernorm.weight", HIDDEN, 0},
                               {"model.layers.%d.post_attention_layernorm.weight", HIDDEN, 0},
                               {"model.layers.%d.self_attn.q_proj.weight", HIDDEN, HIDDEN},
                               {"model.layers.%d.self_attn.k_proj.weight", HIDDEN / 8, HIDDEN},
                               {"model.layers.%d.self_attn.v_proj.weight", HIDDEN / 8, HIDDEN},
                               {"model.layers.%d.self_attn.o_proj.weight", HIDDEN, HIDDEN},
                               {"model.layers.%d.mlp.gate_proj.weight", FORWARD, HIDDEN},
                               {"model.layers.%d.mlp.up_proj.weight", FORWARD, HIDDEN},
                               {"model.layers.%d.mlp.down_proj.weight", HIDDEN, FORWARD}};
enum { ENDS = sizeof ends / sizeof *ends, LAYER = sizeof layer / sizeof *layer };

typedef int each_fn(mlx_file_writer w, const char *name, const int *shape, size_t n);

static int declare(mlx_file_writer w, const char *name, const int *shape, size_t n) {
    return mlx_file_writer_declare(w, name, "bfloat16", shape, n);
}

static int put(mlx_file_writer w, const char *name, const int *shape, size_t n) {
    mlx_array a = mlx_array_new(), none = {NULL};
    mlx_stream s = {NULL};
    int bad = mlx_random_normal(&a, shape, n, MLX_BFLOAT16, 0, 0.02f, none, s) ||
              mlx_file_writer_put(w, name, a);
    mlx_array_free(a);
    return bad;
}

static int one(mlx_file_writer w, each_fn *f, const tensor *t, int number) {
    char name[96];
    snprintf(name, sizeof name, t->name, number);
    return f(w, name, (int[]){t->rows, t->columns}, t->columns ? 2 : 1);
}

static int each(mlx_file_writer w, each_fn *f) {
    int bad = 0;
    for (int i = 0; i < ENDS; i++)
        bad = bad || one(w, f, &ends[i], 0);
    for (int n = 0; n < LAYERS; n++)
        for (int i = 0; i < LAYER; i++)
            bad = bad || one(w, f, &layer[i], n);
    return bad;
}

static unsigned long long bytes_of(const tensor *t) {
    return 2ull * (unsigned)t->rows * (t->columns ? (unsigned)t->columns : 1);
}

static void count_bytes(void) {
    for (int i = 0; i < ENDS; i++)
        model_bytes += bytes_of(&ends[i]);
    for (int i = 0; i < LAYER; i++)
        model_bytes += LAYERS * bytes_of(&layer[i]);
}

static int write_config(void) {
    char path[1400];
    snprintf(path, sizeof path, "%s/config.json", model);
    FILE *f = fopen(path, "w");
    if (!f)
        return 1;
    fprintf(f,
            "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":%d,"
            "\"intermediate_size\":%d,\"num_hidden_layers\":%d,\"num_attention_heads\":32,"
            "\"num_key_value_heads\":4,\"vocab_size\":%d,\"max_position_embeddings\":2048,"
            "\"rms_norm_eps\":1e-05}",
            HIDDEN, FORWARD, LAYERS, VOCAB);
    return fclose(f);
}

static int make_model(const void *unused) {
    (void)unused;
    char path[1400];
    mlx_file_writer w = mlx_file_writer_new();
    snprintf(path, sizeof path, "mkdir -p '%s'", model);
    int bad = system(path);
    snprintf(path, sizeof path, "%s/model.safetensors", model);
    bad = bad || mlx_file_writer_open(&w, path, "safetensors", 0) || each(w, declare) ||
          each(w, put) || mlx_file_writer_finish(w) || write_config();
    mlx_file_writer_free(w);
    return bad;
}

/* --- measuring -------------------------------------------------------------------------------- */

typedef struct result {
    double seconds, peak, busy; /* MB; CPU seconds */
} result;

static int convert(const void *options) {
    return mlx_convert(model, out, options, NULL, NULL);
}

/* What people would do instead; what is written reaches the disk as it does with us. */
static int copy(const void *sync) {
    char line[2400];
    snprintf(line, sizeof line, "cp -r '%s' '%s'%s%s%s", model, out, sync ? " && sync '" : "",
             sync ? out : "", sync ? "'/*" : "");
    return system(line) != 0;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static result in_a_process(int (*run)(const void *), const void *options) {
    struct rusage used;
    int status = 1;
    double began = now();
    pid_t child = fork();
    if (child == 0)
        _exit(run(options));
    wait4(child, &status, 0, &used);
    double busy = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    result r = {now() - began, (double)used.ru_maxrss / 1e3, busy};
    if (status)
        r.seconds = -1;
    return r;
}

static void clear(void) {
    char line[1400];
    snprintf(line, sizeof line, "rm -rf '%s'; sync", out);
    if (system(line))
        fprintf(stderr, "cannot remove %s\n", out);
}

static void row(const char *name, int (*run)(const void *), const void *options) {
    result best = {1e9, 0, 0};
    for (int i = 0; i < ROUNDS; i++) {
        clear();
        result r = in_a_process(run, options);
        if (r.seconds < best.seconds)
            best = r;
    }
    clear();
    printf("%s\t%.3f\t%.2f\t%.0f\t%.2f\n", name, best.seconds,
           (double)model_bytes / best.seconds / 1e9, best.peak, best.busy);
    fflush(stdout);
}

static void choose_folder(const char *given) {
    struct statvfs v;
    const char *memory = "/dev/shm";
    int large = statvfs(memory, &v) == 0 && (double)v.f_bavail * (double)v.f_frsize > 5e9;
    snprintf(folder, sizeof folder, "%s", given ? given : large ? memory : "/tmp");
    snprintf(model, sizeof model, "%s/bench_convert_model", folder);
    snprintf(out, sizeof out, "%s/bench_convert_out", folder);
}

int main(int count, char **words) {
    static const char *const modes[] = {"affine", "mxfp4", "q4_0", "q4_k", "q4_k_m", "q8_0"};
    choose_folder(count > 1 ? words[1] : NULL);
    // the thread pool is no child's: nothing is computed here
    if (in_a_process(make_model, NULL).seconds < 0)
        return 1;
    count_bytes();
    row("cp", copy, NULL);
    row("cp_and_sync", copy, "");
    row("convert_to_a_folder", convert, &(mlx_convert_options){.format = "mlx"});
    row("convert_to_gguf", convert, &(mlx_convert_options){.format = "gguf"});
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char name[64];
        const char *format = modes[i][0] == 'q' ? "gguf" : "mlx";
        snprintf(name, sizeof name, "quantize_%s", modes[i]);
        row(name, convert, &(mlx_convert_options){.format = format, .mode = modes[i]});
    }
    char line[1400];
    snprintf(line, sizeof line, "rm -rf '%s'", model);
    return system(line) != 0;
}
