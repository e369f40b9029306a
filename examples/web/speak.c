/* A language model in a page: what the page's worker calls (mlx/c/lm.h does the work).
 *
 *     speak_open("model.gguf")     0, or 1 and speak_error() says why
 *     speak_ask(text, 100, 0, 1)
 *     while (speak_step())         text of each step, NULL at the end
 */
#include <emscripten.h>
#include <stdlib.h>
#include <string.h>

#include "mlx/c/mlx.h"

static mlx_lm model;
static mlx_lm_batch batch;
static char *said;    /* what the last step has added */
static char *problem; /* of a request that failed */
static int64_t request, made;
static bool busy, failed;

/* Errors are read with speak_error. */
static void be_quiet(const char *message, void *data) {
    (void)message, (void)data;
}

EMSCRIPTEN_KEEPALIVE int speak_open(const char *file) {
    mlx_set_error_handler(be_quiet, NULL, NULL);
    mlx_lm_batch_free(batch);
    mlx_lm_free(model);
    batch = mlx_lm_batch_new();
    model = mlx_lm_new();
    return mlx_lm_open(&model, file, NULL) || mlx_lm_batch_open(&batch, model, NULL);
}

EMSCRIPTEN_KEEPALIVE const char *speak_error(void) {
    return problem ? problem : mlx_last_error_message();
}

/* How many the model has; doubles, as what JavaScript counts with. */
EMSCRIPTEN_KEEPALIVE double speak_parameters(void) {
    mlx_lm_info about = {0};
    return mlx_lm_about(&about, model) ? -1 : (double)about.parameters;
}

/* An answer of `most` tokens to a text that goes on; temperature 0: the likeliest. */
EMSCRIPTEN_KEEPALIVE int speak_ask(const char *text, int most, double temperature, int seed) {
    mlx_sampler_options sampling = {
        .temperature = temperature, .top_p = 0.9, .seed = (uint64_t)seed};
    mlx_lm_request asked = {
        .text = text, .text_num = strlen(text), .most = most, .sampling = &sampling};
    mlx_lm_batch_cancel(batch, request);
    free(problem);
    problem = NULL;
    busy = mlx_lm_batch_add(&request, batch, &asked) == 0;
    failed = !busy;
    return failed;
}

static void append(char **to, const mlx_lm_event *event) {
    size_t before = *to ? strlen(*to) : 0;
    char *longer = realloc(*to, before + event->text_num + 1);
    if (!longer)
        return;
    memcpy(longer + before, event->text_num ? event->text : "", event->text_num);
    longer[before + event->text_num] = 0;
    *to = longer;
}

static int hear(const mlx_lm_event *event, void *payload) {
    (void)payload;
    if (event->id != request)
        return 0;
    append(event->finish == MLX_LM_FAILED ? &problem : &said, event);
    made = event->generated;
    return 0;
}

/* What one step has added, perhaps nothing; NULL: the answer has ended, or failed. */
EMSCRIPTEN_KEEPALIVE const char *speak_step(void) {
    if (!busy)
        return NULL;
    free(said);
    said = NULL;
    failed = mlx_lm_batch_step(&busy, batch, hear, NULL) || problem;
    busy = busy && !failed;
    return failed ? NULL : said ? said : "";
}

/* Why there are no more steps. */
EMSCRIPTEN_KEEPALIVE int speak_failed(void) {
    return failed;
}

EMSCRIPTEN_KEEPALIVE double speak_made(void) {
    return (double)made;
}
