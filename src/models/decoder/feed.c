/* Feed-forward parts: see build.h. */
#include <string.h>

#include "base/status.h"
#include "models/decoder/build.h"

/* gemma: what was trained is the gelu by tanh, which its first files call "gelu". */
static const char *tanh_name(dec_build *b) {
    const char *own = dec_text(b, "hidden_activation"), *other = dec_text(b, "hidden_act");
    const char *name = other ? other : own;
    return name && strcmp(name, "gelu") ? name : "gelu_pytorch_tanh";
}

static const char *activation_name(dec_build *b) {
    if (b->trait->tanh_gelu)
        return tanh_name(b);
    const char *own = dec_text(b, "hidden_activation"), *other = dec_text(b, "hidden_act");
    const char *third = b->trait->encoder ? NULL : dec_text(b, "activation_function");
    return own ? own : other ? other : third ? third : "silu";
}

bool dec_activation(dec_build *b, mx_activation *out) {
    static const struct {
        const char *names;
        mx_activation act;
    } all[] = {{"silu|swish", MX_ACT_SILU},
               {"gelu", MX_ACT_GELU},
               {"gelu_pytorch_tanh|gelu_new|gelu_fast", MX_ACT_GELU_TANH},
               {"relu", MX_ACT_RELU},
               {"relu2", MX_ACT_RELU2}};
    const char *name = activation_name(b);
    *out = MX_ACT_CLAMPED_SWIGLU;
    if (b->trait->clamps)
        return true;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (mx_name_is_of(name, all[i].names)) {
            *out = all[i].act;
            return true;
        }
    return mx_fail(MX_UNSUPPORTED, "[model] '%s': the activation '%.80s' is not known", b->name,
                   name);
}

/* Gate and up of the one that holds both. */
static bool halves(dec_build *b, mx_feed *f) {
    mx_weight both = f->up;
    if (f->gate.kind != MX_WEIGHT_NONE || both.kind == MX_WEIGHT_NONE || both.out != 2 * f->down.in)
        return true;
    return dec_rows(b, &both, 0, f->down.in, &f->gate) &&
           dec_rows(b, &both, f->down.in, f->down.in, &f->up);
}

bool dec_feed(dec_build *b, int n, mx_feed *f) {
    return dec_activation(b, &f->act) && dec_matrix(b, "blk.{n}.ffn_gate", n, &f->gate) &&
           dec_matrix(b, "blk.{n}.ffn_up", n, &f->up) &&
           dec_matrix(b, "blk.{n}.ffn_down", n, &f->down) && halves(b, f) &&
           (b->d->layer[n].mixer == MX_MIXER_MAMBA2 ||
            (dec_need(b, &f->up, "ffn_up", n) && dec_need(b, &f->down, "ffn_down", n))) &&
           dec_need_bias(b, "mlp_bias", &f->gate, "ffn_gate", n) &&
           dec_need_bias(b, "mlp_bias", &f->up, "ffn_up", n) &&
           dec_need_bias(b, "mlp_bias", &f->down, "ffn_down", n);
}
