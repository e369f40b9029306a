/* What mlx lora is asked to do: options of the command line over a file of them, over the usual. */
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "model/model.h"

typedef struct cli_train {
    mlx_train_options options; /* texts lie in the call or in `config` */
    const char *model, *data;
    bool train, test;
    const char *keys[64];
    json_t *config;   /* of -c; NULL: none */
    const char *from; /* where it is read */
} cli_train;

/* CLI_OK, or what the command returns, after the reason was said. cli_train_close in any case. */
int cli_train_read(cli_call *c, cli_train *t);
void cli_train_close(cli_train *t);

#endif
