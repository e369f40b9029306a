/* What remains of some families: see build.h. */
#include <string.h>

#include "base/status.h"
#include "models/decoder/build.h"

static mx_layer *layer_of(const dec_build *b, int n) {
    return &b->d->layer[n];
}

bool dec_granite(dec_build *b, int n) {
    mx_decoder *d = b->d;
    double scaling = dec_number(b, "logits_scaling", 1);
    if (n >= 0) {
        layer_of(b, n)->attention.scale = (float)dec_number(b, "attention_multiplier", 1);
        return true;
    }
    d->embedding_scale = (float)dec_number(b, "embedding_multiplier", 1);
    d->residual_scale = (float)dec_number(b, "residual_multiplier", 1);
    d->logit_scale = (float)(1 / scaling);
    return scaling != 0 || dec_refuse(b, "logits_scaling", "by which nothing can be divided");
}

/* A list says which layers rotate, or each so many-th does not. */
bool dec_smollm3(dec_build *b, int n) {
    json_t *list = dec_at(b, "no_rope_layers");
    int64_t every = dec_size(b, "no_rope_layer_interval", 4);
    if (n < 0)
        return true;
    bool turns =
        list ? json_integer_value(json_array_get(list, (size_t)n)) != 0 : !every || (n + 1) % every;
    if (!turns)
        layer_of(b, n)->attention.rope = (mx_rotation){.magnitude = 1, .far_magnitude = 1};
    return true;
}

/* The pattern is a number, or letters, of which the last of four layers is G. */
static bool is_fourth(dec_build *b, const char *key) {
    json_t *v = dec_at(b, key);
    const char *text = json_string_value(v);
    return !v || json_integer_value(v) == 4 || (text && strcmp(text, "LLLG") == 0) ||
           dec_at(b, "layer_types") || dec_refuse(b, key, "4 or LLLG was expected");
}

/* Layers that see all do not rotate where there are others. */
bool dec_exaone4(dec_build *b, int n) {
    if (n < 0)
        return is_fourth(b, "sliding_window_pattern");
    if (dec_size(b, "sliding_window", 0) && dec_sees(b, n) == DEC_ALL)
        layer_of(b, n)->attention.rope = (mx_rotation){.magnitude = 1, .far_magnitude = 1};
    return true;
}

/* One key speaks of all biases. */
bool dec_ernie4_5(dec_build *b, int n) {
    static const char key[] = "use_bias";
    if (n < 0)
        return true;
    const mx_attender *a = &layer_of(b, n)->attention;
    const mx_feed *f = &layer_of(b, n)->feed;
    return dec_need_bias(b, key, &a->q, "attn_q", n) && dec_need_bias(b, key, &a->k, "attn_k", n) &&
           dec_need_bias(b, key, &a->v, "attn_v", n) &&
           dec_need_bias(b, key, &a->output, "attn_output", n) &&
           dec_need_bias(b, key, &f->gate, "ffn_gate", n) &&
           dec_need_bias(b, key, &f->up, "ffn_up", n) &&
           dec_need_bias(b, key, &f->down, "ffn_down", n);
}

/* Layers that see all do not rotate. */
bool dec_cohere2(dec_build *b, int n) {
    if (n < 0)
        b->d->logit_scale = (float)dec_number(b, "logit_scale", 0.0625);
    else if (dec_sees(b, n) == DEC_ALL)
        layer_of(b, n)->attention.rope = (mx_rotation){.magnitude = 1, .far_magnitude = 1};
    return true;
}

/* Tensors say it. */
bool dec_glm4_moe(dec_build *b, int n) {
    return n >= 0 || dec_flag(b, "use_qk_norm", false) || !mx_failed();
}

bool dec_seed_oss(dec_build *b, int n) {
    return n >= 0 || !dec_flag(b, "attention_out_bias", false) ||
           dec_refuse(b, "attention_out_bias", "false was expected");
}

bool dec_gpt2(dec_build *b, int n) {
    bool by_layer = dec_flag(b, "scale_attn_by_inverse_layer_idx", false);
    bool scales = dec_flag(b, "scale_attn_weights", true);
    if (n < 0)
        return dec_matrix(b, "position_embd", -1, &b->d->positions) &&
               dec_need(b, &b->d->positions, "position_embd", -1);
    mx_attender *a = &layer_of(b, n)->attention;
    a->scale = (scales ? a->scale : 1) / (by_layer ? (float)(n + 1) : 1);
    return true;
}

/* --- encoders -------------------------------------------------------------------------------- */

/* roberta counts positions behind the padding's number. */
static bool positions(dec_build *b) {
    mx_decoder *d = b->d;
    mx_weight all;
    int64_t first = strcmp(d->family->name, "roberta") ? 0 : dec_size(b, "pad_token_id", 1) + 1;
    if (!dec_matrix(b, "position_embd", -1, &all) || !dec_need(b, &all, "position_embd", -1))
        return false;
    if (first >= all.out)
        return dec_refuse(b, "pad_token_id", "behind which no position remains");
    d->context = all.out - first;
    return dec_rows(b, &all, first, all.out - first, &d->positions);
}

bool dec_bert(dec_build *b, int n) {
    const char *kind = dec_text(b, "position_embedding_type");
    if (n >= 0)
        return true;
    if (kind && strcmp(kind, "absolute"))
        return dec_refuse(b, "position_embedding_type", "absolute was expected");
    return dec_matrix(b, "token_types", -1, &b->d->types) && positions(b);
}

/* Keys of the first checkpoints, in which nothing else is understood. */
bool dec_nomic(dec_build *b, int n) {
    const char *act = dec_text(b, "activation_function");
    if (n >= 0)
        return true;
    if (act && strcmp(act, "swiglu"))
        return dec_refuse(b, "activation_function", "swiglu was expected");
    if (dec_number(b, "rotary_emb_fraction", 1) != 1)
        return dec_refuse(b, "rotary_emb_fraction", "1 was expected");
    return dec_matrix(b, "token_types", -1, &b->d->types);
}
