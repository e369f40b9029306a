/* Keys of config.json that GGUF has not, because the tensors tell them.
 *
 * Whoever reads config.json makes the tensors that it asks for: a key that transformers takes to be
 * `usual` where nothing is said is written where the tensors say otherwise. Whoever reads GGUF asks
 * for the tensors that the architecture's models have: llama.cpp opens no file with others, or
 * without one of them.
 */
#include <string.h>

#include "models/convert/convert.h"
#include "models/convert/tensors.h"

static const struct told {
    const char *key, *families;
    const char *modules; /* true: some layer has them all. Several with '|' between them */
    const char *part;
    bool usual;
    const char *closed; /* of which llama.cpp does not open files where it is otherwise */
} all[] = {
    {"attention_bias",
     "llama|qwen3|qwen3_moe|qwen3_next|gemma|gemma2|gemma3|smollm3|olmo2|olmo3|granite|cohere2|"
     "dots1|deepseek_v2|deepseek_v3|modernbert",
     "attn_q|attn_output", "bias", false,
     "qwen3|qwen3_moe|gemma|gemma2|gemma3|smollm3|olmo2|olmo3|cohere2|dots1|deepseek_v2|"
     "deepseek_v3"},
    {"attention_bias", "glm4|glm4_moe", "attn_q", "bias", false, ""},
    {"attention_bias", "seed_oss", "attn_q", "bias", true, ""},
    {"attention_bias", "gpt_oss", "attn_q|attn_output", "bias", true, "gpt_oss"},
    {"mlp_bias", "llama|granite|smollm3|modernbert|seed_oss", "ffn_up|ffn_down", "bias", false,
     "smollm3|seed_oss"},
    {"qkv_bias", "qwen2_moe", "attn_q", "bias", true, ""},
    {"use_bias", "ernie4_5", "attn_q|attn_output|ffn_up|ffn_down", "bias", false, "ernie4_5"},
    {"use_bias", "starcoder2", "attn_q|attn_output|ffn_up|ffn_down", "bias", true, "starcoder2"},
    {"use_bias", "mamba2", "ssm_in|ssm_out", "bias", false, "mamba2"},
    {"use_conv_bias", "mamba2", "ssm_conv1d", "bias", true, "mamba2"},
    {"conv_bias", "lfm2", "shortconv.in_proj|shortconv.conv|shortconv.out_proj", "bias", false,
     "lfm2"},
    {"use_qk_norm", "glm4_moe", "attn_q_norm|attn_k_norm", "weight", false, ""},
    {"norm_bias", "modernbert", "ffn_norm", "bias", false, ""},
};

/* The row of "blk.{n}.<module>". */
static const mx_tensor_row *row_of(const mx_family *f, const char *module, size_t n) {
    static const char layer[] = "blk.{n}.";
    const mx_tensor_row *r;
    for (size_t i = 0; (r = mx_family_row(f, i)); i++)
        if (r->gguf && strncmp(r->gguf, layer, sizeof layer - 1) == 0 &&
            strncmp(r->gguf + sizeof layer - 1, module, n) == 0 && !r->gguf[sizeof layer - 1 + n])
            return r;
    return NULL;
}

static bool has(const mx_model *m, const char *module, size_t n, const char *part) {
    const mx_tensor_row *r = row_of(m->family, module, n);
    for (int i = 0; r && i < mx_dim(&m->dims, 'l'); i++)
        if (mx_model_find(m, r, i, -1, part))
            return true;
    return false;
}

static bool holds(const mx_model *m, const struct told *t) {
    for (const char *p = t->modules; p; p = strchr(p, '|'), p = p ? p + 1 : NULL)
        if (!has(m, p, strcspn(p, "|"), t->part))
            return false;
    return true;
}

/* Is there no head but the embedding? */
static bool is_tied(const mx_model *m) {
    const mx_tensor_row *r;
    for (size_t i = 0; (r = mx_family_row(m->family, i)); i++)
        if (r->gguf && strcmp(r->gguf, "output") == 0 && mx_model_find(m, r, -1, -1, "weight"))
            return false;
    return true;
}

bool mx_model_tell(const mx_model *m, json_t *config) {
    const mx_family *f = m->family;
    bool ok = mx_name_is_of(f->name, "bert|roberta") ||
              mx_json_put(config, "tie_word_embeddings", json_boolean(is_tied(m)));
    for (size_t i = 0; ok && i < sizeof all / sizeof *all; i++) {
        const struct told *t = &all[i];
        if (mx_name_is_of(f->name, t->families) && holds(m, t) != t->usual)
            ok = mx_json_put(config, t->key, json_boolean(!t->usual));
    }
    return ok;
}

bool mx_model_note_told(const mx_model *m, const mx_convert_options *o) {
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof all / sizeof *all; i++)
        if (mx_name_is_of(m->family->name, all[i].closed) && holds(m, &all[i]) != all[i].usual)
            ok = mx_note(o, all[i].key,
                         "it is %s, which is unusual: llama.cpp does not open the file",
                         all[i].usual ? "false" : "true");
    return ok;
}
