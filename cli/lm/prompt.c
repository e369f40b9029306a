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

bool cli_lm_has_template(const cli_lm *m) {
    mlx_template t = mlx_template_new();
    bool has = mlx_template_open(&t, m->path, NULL) == 0;
    mlx_template_free(t);
    mlx_clear_last_error();
    return has;
}
