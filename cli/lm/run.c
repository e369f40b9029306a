#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lm/lm.h"

/* --- events ---------------------------------------------------------------------------------- */

static bool keep(cli_lm_answer *a, const char *text, size_t n) {
    char *more = realloc(a->text, a->text_num + n + 1);
    if (!more)
        return false;
    memcpy(more + a->text_num, text, n);
    a->text = more;
    a->text_num += n;
    more[a->text_num] = 0;
    return true;
}

static int take(const mlx_lm_event *e, void *payload) {
    cli_lm_answer *a = e->payload;
    (void)payload;
    if (e->generated && !a->first)
        a->first = cli_seconds();
    if (e->token >= 0 && !e->generated && !isnan(e->log_p))
        a->log_p += e->log_p, a->log_ps++;
    if (e->finish == MLX_LM_FAILED) {
        snprintf(a->error, sizeof a->error, "%s", e->text);
    } else if (e->text_num) {
        if (!keep(a, e->text, e->text_num))
            return 1;
        if (!a->silent)
            cli_say(e->text, e->text_num);
        a->shown = true;
    }
    if (e->finish) {
        a->end = *e;
        a->ended = cli_seconds();
    }
    return 0;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* After Control-C the request ends as one that was cancelled. */
static int stop(cli_call *c, cli_lm *m, int64_t id, cli_lm_answer *a, bool *busy) {
    if (mlx_last_error_code() != MLX_ERROR_INTERRUPTED && !cli_interrupted())
        return cli_library(c);
    a->interrupted = true;
    cli_interrupt_clear();
    mlx_lm_batch_cancel(m->batch, id);
    return mlx_lm_batch_step(busy, m->batch, take, NULL) ? cli_library(c) : CLI_OK;
}

/* A file that is to be written at the end: whether that may be is seen before. */
static bool can_be_made(const char *path) {
    char folder[4096];
    struct stat s;
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) + 1 : 0;
    if (stat(path, &s) == 0) {
        errno = EISDIR;
        return !S_ISDIR(s.st_mode);
    }
    snprintf(folder, sizeof folder, "%.*s", n < 4095 ? n : 4095, path);
    return access(n ? folder : ".", W_OK) == 0;
}

int cli_lm_run(cli_call *c, cli_lm *m, mlx_lm_request r, cli_lm_answer *a) {
    int64_t id;
    bool busy = true;
    int status = CLI_OK;
    r.payload = a;
    a->began = cli_seconds();
    if (!keep(a, "", 0))
        return cli_fail(c, "out of memory");
    if (r.save_cache && !can_be_made(r.save_cache))
        return cli_fail(c, "%s: %s", r.save_cache, strerror(errno));
    if (mlx_lm_batch_add(&id, m->batch, &r))
        return cli_library(c);
    while (busy && status == CLI_OK)
        if (mlx_lm_batch_step(&busy, m->batch, take, NULL) || cli_interrupted())
            status = stop(c, m, id, a, &busy);
    if (status != CLI_OK || a->end.finish != MLX_LM_FAILED)
        return status;
    if (a->shown && !a->silent)
        cli_say("\n", 1); // what was shown stays on its own line
    return cli_library_said(c, NULL, a->error);
}

/* --- what is said about it ------------------------------------------------------------------- */

const char *cli_lm_finish(mlx_lm_finish finish) {
    static const char *const names[] = {"", "end", "stop", "length", "cancelled", "failed"};
    return names[finish];
}

uint64_t cli_lm_memory(void) {
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (uint64_t)u.ru_maxrss * 1024;
}

static double rate(double count, double seconds) {
    return seconds > 0 ? count / seconds : 0;
}

static double prompt_rate(const cli_lm_answer *a) {
    double until = a->first ? a->first : a->ended;
    int64_t read = a->end.prompt_done - a->end.cached;
    return rate(read > 0 ? (double)read : 0, until - a->began);
}

/* Of the tokens behind the first, whose time is the prompt's. */
static double rate_of(const cli_lm_answer *a) {
    return a->first ? rate((double)(a->end.generated - 1), a->ended - a->first) : 0;
}

json_t *cli_lm_numbers(const cli_lm_answer *a) {
    bool timed = a->end.generated > 1;
    json_t *first = a->first ? json_real(a->first - a->began) : json_null();
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:f, s:f, s:o, s:I}", "finish",
                     cli_lm_finish(a->end.finish), "prompt_tokens", (json_int_t)a->end.prompt,
                     "read_tokens", (json_int_t)a->end.prompt_done, "cached_tokens",
                     (json_int_t)a->end.cached, "generated_tokens", (json_int_t)a->end.generated,
                     "first_token_seconds", first, "seconds", a->ended - a->began,
                     "prompt_tokens_per_second", prompt_rate(a), "generated_tokens_per_second",
                     timed ? json_real(rate_of(a)) : json_null(), "memory_bytes",
                     (json_int_t)cli_lm_memory());
}

void cli_lm_summary(cli_call *c, const cli_lm_answer *a) {
    char read[64] = "", cached[64] = "", first[64] = "no token", rate[64] = "";
    if (a->end.prompt_done < a->end.prompt)
        snprintf(read, sizeof read, "%lld of ", (long long)a->end.prompt_done);
    if (a->end.cached)
        snprintf(cached, sizeof cached, " (%lld of them cached)", (long long)a->end.cached);
    if (a->first)
        snprintf(first, sizeof first, "first token %.0f ms", (a->first - a->began) * 1000);
    if (a->end.generated > 1)
        snprintf(rate, sizeof rate, ", %.1f tokens/s", rate_of(a));
    cli_note(c,
             "prompt %s%lld tokens%s, %.1f tokens/s; %s; generated %lld tokens%s; "
             "memory %.0f MiB",
             read, (long long)a->end.prompt, cached, prompt_rate(a), first,
             (long long)a->end.generated, rate, (double)cli_lm_memory() / (1 << 20));
}
