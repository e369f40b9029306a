/* Opening models to run them (src/models/decoder): descriptions, and what is refused. */
#include "check.h"
#include "base/status.h"
#include "graph/trace/scope.h"
#include "models/decoder/decoder.h"
#include "ops/ops.h"

/* --- real files ------------------------------------------------------------------------------ */

static mx_decoder *open_real(const char *name) {
    char path[512];
    const char *folder = getenv("MLX_MODELS");
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "", name);
    if (!folder || !(f = fopen(path, "rb")))
        return NULL;
    fclose(f);
    mx_decoder *d = mx_decoder_open(path);
    CHECK_MSG(d, "%s", mx_error_message());
    return d;
}

static void smollm2(void) {
    mx_decoder *d = open_real("SmolLM2-135M-Instruct.Q4_1.gguf");
    if (!d)
        return;
    CHECK_EQ_INT(d->layers, 30);
    CHECK_EQ_INT(d->hidden, 576);
    CHECK_EQ_INT(d->layer[29].attention.kv_heads, 3);
    CHECK(d->layer[3].attention.rope.adjacent && d->layer[3].attention.q.kind == MX_WEIGHT_BLOCKS);
    CHECK(d->head.words == d->embedding.words && d->head.kind == MX_WEIGHT_BLOCKS);
    CHECK_MSG(d->parameters > 134000000 && d->parameters < 135000000, "%llu",
              (unsigned long long)d->parameters);
    mx_decoder_release(d);
}

static void gemma3(void) {
    mx_decoder *d = open_real("gemma-3-270m-q4_k_m.gguf");
    if (!d)
        return;
    CHECK(d->layer[0].attention.window == 512 && d->layer[5].attention.window == 0);
    CHECK_NEAR(d->layer[0].attention.rope.frequency[1], pow(1e4, -2.0 / 256), 1e-6);
    CHECK_NEAR(d->layer[5].attention.rope.frequency[1], pow(1e6, -2.0 / 256), 1e-6);
    CHECK(d->layer[0].attention.q_norm.weight && d->layer[0].after_feed.weight);
    mx_decoder_release(d);
}

int main(void) {
    mx_scope scope = mx_scope_open();
    RUN(smollm2);
    RUN(gemma3);
    mx_scope_close(scope);
    return check_done();
}
