/* Handles of what language models are made of: a part of capi_values.c, whose folder they use. */
#ifndef CAPI_LM_VALUES_H
#define CAPI_LM_VALUES_H

#include "mlx/c/mlx.h"

static mlx_sampler a_sampler(void) {
    mlx_sampler s = mlx_sampler_new();
    mlx_sampler_open(&s, &(mlx_sampler_options){.temperature = 1});
    return s;
}
static mlx_stop a_stop(void) {
    mlx_stop s = mlx_stop_new();
    mlx_vector_string texts = mlx_vector_string_new_value("stop");
    mlx_stop_open(&s, texts);
    mlx_vector_string_free(texts);
    return s;
}
#define WORDS "{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"text\": 0, \"more\": 1}}}"
static const char two_words[] = WORDS;
static mlx_tokenizer a_tokenizer(void) {
    mlx_tokenizer t = mlx_tokenizer_new();
    mlx_tokenizer_open_bytes(&t, "words", two_words, sizeof two_words - 1);
    return t;
}
static mlx_tokens some_tokens(void) {
    mlx_tokenizer t = a_tokenizer();
    mlx_tokens made = mlx_tokens_new();
    mlx_tokenizer_encode(&made, t, "text", 4, MLX_ENCODE_OFFSETS);
    mlx_tokenizer_free(t);
    return made;
}
static mlx_token_stream a_token_stream(void) {
    mlx_tokenizer t = a_tokenizer();
    mlx_token_stream s = mlx_token_stream_new();
    mlx_token_stream_open(&s, t, false);
    mlx_tokenizer_free(t);
    return s;
}
static mlx_structure a_structure(void) {
    mlx_structure s = mlx_structure_new();
    mlx_structure_open_regex(&s, "(text)*");
    return s;
}
static mlx_structure_vocabulary a_structure_vocabulary(void) {
    mlx_tokenizer t = a_tokenizer();
    mlx_structure_vocabulary v = mlx_structure_vocabulary_new();
    mlx_structure_vocabulary_open(&v, t, (int[]){1}, 1);
    mlx_tokenizer_free(t);
    return v;
}
static mlx_structure_matcher a_structure_matcher(void) {
    mlx_structure s = a_structure();
    mlx_structure_vocabulary v = a_structure_vocabulary();
    mlx_structure_matcher m = mlx_structure_matcher_new();
    mlx_structure_matcher_open(&m, s, v);
    mlx_structure_free(s);
    mlx_structure_vocabulary_free(v);
    return m;
}
static mlx_lm a_language_model(void) {
    mlx_lm lm = mlx_lm_new();
    mlx_lm_open(&lm, in_folder("lm.gguf"), NULL);
    return lm;
}
static mlx_lm_batch a_batch(void) {
    mlx_lm lm = a_language_model();
    mlx_lm_batch b = mlx_lm_batch_new();
    mlx_lm_batch_open(&b, lm, NULL);
    mlx_lm_free(lm);
    return b;
}
static mlx_template a_template(void) {
    mlx_template t = mlx_template_new();
    mlx_template_open_bytes(&t, "words", "{{ x }}", 7);
    return t;
}

#endif
