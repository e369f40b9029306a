/* Which matrices deserve more bits: see mixture.h. */
#include "models/convert/mixture.h"

#include <string.h>
#include <strings.h>

static const mx_mixture mixtures[] = {
    {"q2_k_m", "q2_k", "q6_k", "q4_k", "attn_v|attn_qkv|attn_output", false, 10},
    {"q3_k_s", "q3_k", "q6_k", NULL, NULL, false, 11},
    {"q3_k_m", "q3_k", "q6_k", "q4_k", "attn_v|attn_qkv|attn_output|ffn_down|ffn_down_exps", false,
     12},
    {"q4_k_s", "q4_k", "q6_k", NULL, NULL, false, 14},
    {"q4_k_m", "q4_k", "q6_k", "q6_k", "attn_v|attn_qkv|ffn_down|ffn_down_exps", true, 15},
    {"q5_k_s", "q5_k", "q6_k", NULL, NULL, false, 16},
    {"q5_k_m", "q5_k", "q6_k", "q6_k", "attn_v|attn_qkv|ffn_down|ffn_down_exps", true, 17},
};

const mx_mixture *mx_mixture_named(const char *name) {
    for (size_t i = 0; i < sizeof mixtures / sizeof *mixtures; i++)
        if (strcasecmp(mixtures[i].name, name) == 0)
            return &mixtures[i];
    return NULL;
}

/* The first and the last eighth of the layers, whose errors cost most, and each third between. */
static bool is_in_half(int layer, int64_t layers) {
    return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

static bool makes_logits(const mx_model *m, const mx_place *p) {
    const char *name = p->row->gguf;
    if (strcmp(name, "output") == 0)
        return true;
    const mx_tensor_row *r;
    for (size_t i = 0; strcmp(name, "token_embd") == 0 && (r = mx_family_row(m->family, i)); i++)
        if (r->gguf && strcmp(r->gguf, "output") == 0)
            return !mx_model_find(m, r, -1, -1, "weight");
    return false;
}

bool mx_mixture_for(const mx_mixture *x, const mx_model *m, const mx_place *p, mx_elements *e) {
    const char *mode = NULL, *dot;
    if (!p->row || !p->row->gguf)
        return true;
    if (makes_logits(m, p))
        mode = x->output;
    else if (x->rows && (dot = strrchr(p->row->gguf, '.')) && mx_name_is_of(dot + 1, x->rows) &&
             (!x->half || is_in_half(p->layer, mx_dim(&m->dims, 'l'))))
        mode = x->some;
    return !mode || mx_elements_mode("convert", mode, 0, 0, MX_FLOAT16, e);
}
