/* Conversions and fusing without memory: each allocation fails once, which is an error and leaves
 * nothing. */
#include "models/convert/convert.h"
#include "models/train/fuse.h"
#include "train_files.h"

enum { MOST_STEPS = 60000 };

typedef struct job {
    const char *in, *out, *adapter; /* adapter NULL: a conversion */
    mx_convert_options options;
} job;

static bool once(const job *j) {
    return j->adapter ? mx_train_fuse(j->in, j->adapter, j->out, &j->options)
                      : mx_convert(j->in, j->out, &j->options);
}

static void scarce(const job *j, const char *what) {
    bool ok = false;
    char why[256] = "";
    uint64_t step = 0;
    for (; !ok && step < MOST_STEPS; step += 1 + step / 20) {
        int64_t live = mx_alloc_live();
        mx_alloc_fail_at(step + 1);
        ok = once(j);
        mx_alloc_fail_at(0);
        CHECK_MSG(ok || mx_failed(), "%s: allocation %llu fails and nobody says so", what,
                  (unsigned long long)step + 1);
        snprintf(why, sizeof why, "%s", mx_error_message());
        mx_error_clear();
        CHECK_MSG(ok || mx_alloc_live() <= live + 8, "%s: %lld are left", what,
                  (long long)(mx_alloc_live() - live));
    }
    CHECK_MSG(ok && step > 100, "%s: %llu steps: %s", what, (unsigned long long)step, why);
}

/* To GGUF and back, and in other elements. */
static void conversions(void) {
    static const char *const names[] = {"llama.json",   "gemma.json",         "qwen3.json",
                                        "mixtral.json", "gpt_oss_mxfp4.json", "gpt2.json",
                                        "mamba2.json",  "rope_llama3.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tiny_model t;
        if (!tiny_open(&t, names[i]))
            continue;
        char gguf[600], folder_out[600], packed[600];
        snprintf(gguf, sizeof gguf, "%s.gguf", t.path);
        snprintf(folder_out, sizeof folder_out, "%s-out", t.path);
        snprintf(packed, sizeof packed, "%s-words", t.path);
        scarce(&(job){t.path, gguf, NULL, {.overwrite = true}}, names[i]);
        if (!strstr(names[i], "mxfp4")) // which GGUF alone is made of
            scarce(&(job){t.path, packed, NULL, {.mode = "q4_0"}}, names[i]);
        scarce(&(job){gguf, folder_out, NULL, {0}}, gguf);
        tiny_close(&t);
    }
}

static void fusing(void) {
    static const char *const names[] = {"llama.json", "mixtral.json", "gpt2.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tiny_model t;
        seen s = {0};
        mlx_train_options o = quick(2);
        char gguf[600], adapter[600];
        if (!open_tiny(&t, names[i]))
            continue;
        snprintf(gguf, sizeof gguf, "%s-fused.gguf", t.path);
        snprintf(adapter, sizeof adapter, "%s-adapter", t.path);
        o.adapter_path = adapter;
        CHECK(train(t.path, data_folder("data", lines, NULL, NULL), &o, &s));
        scarce(&(job){t.path, gguf, adapter, {.mode = "q4_0", .overwrite = true}}, adapter);
        tiny_close(&t);
    }
}

int main(void) {
    RUN(conversions);
    RUN(fusing);
    files_done();
    return check_done();
}
