#include <stdlib.h>
#include <string.h>

#include "lm/lm.h"

/* The name of a file behind an @; NULL: the option has the text itself. */
static const char *file_of(const char *given) {
    return *given == '@' ? given + 1 : NULL;
}

/* For free. NULL: the reason was said. */
static char *text_or_file(cli_call *c, const char *given) {
    size_t n;
    return file_of(given) ? cli_take_file(c, file_of(given), &n) : strdup(given);
}

static int open_choices(cli_call *c, mlx_structure *s) {
    size_t n;
    const char *const *texts = cli_texts(c, "choice", &n);
    mlx_vector_string list = mlx_vector_string_new_data((const char **)(uintptr_t)texts, n);
    int status = mlx_structure_open_choices(s, list) ? cli_library(c) : CLI_OK;
    mlx_vector_string_free(list);
    return status;
}

static int open_schema(mlx_structure *s, const char *text) {
    return mlx_structure_open_schema(s, text, MLX_STRUCTURE_SPACED);
}

int cli_lm_structure(cli_call *c, mlx_structure *s) {
    static const struct {
        const char *name;
        int (*open)(mlx_structure *s, const char *text);
    } kinds[] = {{"schema", open_schema},
                 {"regex", mlx_structure_open_regex},
                 {"grammar", mlx_structure_open_gbnf}};
    int given = cli_text(c, "choice", NULL) != NULL, status = CLI_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        given += cli_text(c, kinds[i].name, NULL) != NULL;
    if (given > 1)
        return cli_usage(c, "one structure at a time");
    for (size_t i = 0; status == CLI_OK && i < sizeof kinds / sizeof *kinds; i++) {
        const char *value = cli_text(c, kinds[i].name, NULL);
        char *text = value ? text_or_file(c, value) : NULL;
        if (value && (!text || kinds[i].open(s, text)))
            status = text ? cli_library_about(c, file_of(value)) : CLI_FAILED;
        free(text);
    }
    return status == CLI_OK && cli_text(c, "choice", NULL) ? open_choices(c, s) : status;
}
