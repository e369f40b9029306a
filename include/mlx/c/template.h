/* Chat templates: the text that a language model is given for a conversation.
 *
 *     mlx_template_open(&template, "model.gguf", NULL);
 *     const char *json = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}],"
 *                        " \"add_generation_prompt\": true}";
 *     mlx_template_render(&text, &size, template, json, strlen(json), NULL);
 *     mlx_tokenizer_encode(&tokens, tokenizer, mlx_string_data(text), size, MLX_ENCODE_BARE);
 *
 * Templates are Jinja, as transformers runs them: trim_blocks, lstrip_blocks, break and continue,
 * the immutable sandbox, raise_exception, strftime_now. docs/templates.md lists what is understood;
 * the rest is refused by name when a template is opened, or where it is met. An error names the
 * template and the line.
 *
 * Variables are a JSON object: messages, tools, documents, add_generation_prompt, and what else a
 * model's template asks for. What is not given is as transformers passes it: tools and documents
 * are null, add_generation_prompt is false, and bos_token, eos_token and their like are the
 * model's.
 *
 * A template does not change: any threads may render it at once. None of this is in mlx-c.
 */
#ifndef MLX_C_TEMPLATE_H
#define MLX_C_TEMPLATE_H

#include <stdint.h>

#include "mlx/c/string.h"
#include "mlx/c/tokenizer.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mlx_template_ {
    void *ctx;
} mlx_template;

/* Zero, in any member, is what the comment says. */
typedef struct mlx_template_options_ {
    uint64_t most_steps;  /* of work: 10,000,000 */
    uint64_t most_output; /* bytes of text: 64 MiB */
    uint64_t most_memory; /* bytes of values: 256 MiB */
    int64_t now;          /* what strftime_now shows, in seconds since 1970: the clock's */
} mlx_template_options;

/* A handle of no template. */
MLX_API mlx_template mlx_template_new(void);
/* The template of a model: a GGUF file, a folder, or a file in it. `name`: one of several (NULL:
   "default", or the only one). Errors: there is none. */
MLX_API int mlx_template_open(mlx_template *res, const char *file, const char *name);
/* A template from a text of n bytes; `name` is for messages. Errors: what is no template, with
   the place. */
MLX_API int mlx_template_open_bytes(mlx_template *res, const char *name, const char *bytes,
                                    size_t n);
/* Let go of it. */
MLX_API int mlx_template_free(mlx_template t);
/* The names of a model's templates. Errors: there is none. */
MLX_API int mlx_template_names(mlx_vector_string *res, const char *file);
/* The text of the template itself, the template's; it ends in a zero. */
MLX_API int mlx_template_text(const char **text, size_t *text_num, const mlx_template t);
/* The text for variables, a JSON object of n bytes; it ends in a zero behind its *text_num bytes.
   options: NULL, or limits. Errors: what the template raises, what it does not allow, a limit. */
MLX_API int mlx_template_render(mlx_string *text, size_t *text_num, const mlx_template t,
                                const char *variables, size_t n,
                                const mlx_template_options *options);

/* --- conversations as tokens --------------------------------------------------------------

   Special tokens that somebody wrote into messages, tools or documents are text. The noncharacters
   U+FDD0 and U+FDD1 are put around them as marks, and stand for nothing else in such a text: where
   they were written they become U+FFFD. mlx_chat_encode takes the marks out again. */

/* The text for variables, with marks. Errors: what the template raises, what it does not allow,
   a limit. */
MLX_API int mlx_chat_render(mlx_string *text, size_t *text_num, const mlx_template t,
                            const mlx_tokenizer tokenizer, const char *variables, size_t n);
/* A text of somebody with marks, to be put behind such a text. */
MLX_API int mlx_chat_mark(mlx_string *marked, size_t *marked_num, const mlx_tokenizer tokenizer,
                          const char *text, size_t n);
/* The tokens of a text with marks; nothing is put around it, as a template has. */
MLX_API int mlx_chat_encode(mlx_tokens *res, const mlx_tokenizer tokenizer, const char *text,
                            size_t n);
/* The tokens of a conversation, of which mlx_tokens_types says (1) which are the assistant's: a
   message, and what the template ends it with. Each is found by rendering the messages before
   it, so what a template changes once others follow is not among them. Errors: what the template
   raises, what it does not allow, a limit. */
MLX_API int mlx_chat_answers(mlx_tokens *res, const mlx_template t, const mlx_tokenizer tokenizer,
                             const char *variables, size_t n);

#ifdef __cplusplus
}
#endif

#endif
