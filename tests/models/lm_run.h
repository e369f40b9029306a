/* Requests run to their end, for tests of language models. */
#ifndef LM_RUN_H
#define LM_RUN_H

#include "check.h"
#include "data_path.h"
#include "mlx/c/mlx.h"

/* What a request answered. */
typedef struct answer {
    char text[8192];
    int token[1024];
    double log_p[1024];
    size_t end[1024]; /* of the text, with this token's */
    size_t cut;       /* of the last one */
    int n, events, progress, ended;
    int cancel_at; /* the callback cancels after so many tokens; 0: never */
    int64_t id;
    mlx_lm_event last;
} answer;

__attribute__((unused)) static const char *stories(void) {
    static char path[1024];
    const char *found = data_path("stories260K/stories260K.gguf");
    if (found) // another look-up overwrites it
        snprintf(path, sizeof path, "%s", found);
    return found ? path : NULL;
}

__attribute__((unused)) static const char *smol(void) {
    static char path[1024];
    const char *root = getenv("MLX_MODELS");
    snprintf(path, sizeof path, "%s/SmolLM2-135M-Instruct.Q4_1.gguf", root ? root : "build/models");
    FILE *f = fopen(path, "rb");
    if (f)
        fclose(f);
    return f ? path : NULL;
}

__attribute__((unused)) static int take_event(const mlx_lm_event *e, void *payload) {
    answer *a = e->payload;
    (void)payload;
    a->events++;
    a->progress += e->token < 0 && !e->finish;
    if (e->token >= 0 && a->n < 1024) {
        a->log_p[a->n] = e->log_p;
        a->token[a->n++] = e->token;
    }
    if (strlen(a->text) + e->text_num < sizeof a->text)
        memcpy(a->text + strlen(a->text), e->text, e->text_num + 1);
    if (e->token >= 0 && a->n <= 1024) {
        a->end[a->n - 1] = strlen(a->text);
        a->cut = e->cut;
    }
    if (!e->finish)
        return a->cancel_at && a->n >= a->cancel_at;
    a->ended++;
    a->last = *e;
    return 0;
}

/* Steps until nothing is left; false: a step failed. */
__attribute__((unused)) static bool run_all(mlx_lm_batch b) {
    bool busy = true;
    for (int i = 0; busy && i < 100000; i++)
        if (mlx_lm_batch_step(&busy, b, take_event, NULL))
            return false;
    return !busy;
}

__attribute__((unused)) static bool ask(mlx_lm_batch b, mlx_lm_request r, answer *a) {
    *a = (answer){.cancel_at = a->cancel_at};
    r.payload = a;
    return mlx_lm_batch_add(&a->id, b, &r) == 0 && a->id > 0;
}

__attribute__((unused)) static bool same_answer(const answer *a, const answer *b) {
    return a->n == b->n && !strcmp(a->text, b->text) && a->last.finish == b->last.finish &&
           !memcmp(a->token, b->token, (size_t)a->n * sizeof *a->token);
}

#endif
