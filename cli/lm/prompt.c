#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

int cli_lm_prompt(cli_call *c, cli_lm *m, json_t *messages, mlx_tokens *prompt) {
    json_t *variables = json_pack("{s:O}", "messages", messages);
    char *text = variables ? json_dumps(variables, JSON_COMPACT) : NULL;
    int status = !text                                            ? cli_fail(c, "out of memory")
                 : mlx_lm_chat(prompt, m->lm, text, strlen(text)) ? cli_library(c)
                                                                  : CLI_OK;
    json_decref(variables);
    free(text);
    return status;
}

int cli_lm_has_template(cli_call *c, const cli_lm *m, bool *has) {
    mlx_template t = mlx_template_new();
    *has = mlx_template_open(&t, m->path, NULL) == 0;
    mlx_template_free(t);
    if (!*has && mlx_last_error_code() != MLX_ERROR_INVALID)
        return cli_library(c);
    mlx_clear_last_error();
    return CLI_OK;
}
