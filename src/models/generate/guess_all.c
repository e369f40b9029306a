/* Which requests have their next tokens guessed, how many, and by what. */
#include "models/generate/work.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool runs(const gen_work *w) {
    return w->sequence && !w->finish;
}

/* So many guesses may come true: behind them there is a token to pick. */
static int64_t room(const mx_batch *b, const gen_work *w) {
    if (!runs(w) || gen_work_pending(w) != 1 || (w->echo && w->echoed < w->prompt))
        return 0;
    return least(GEN_MOST_GUESSES, least(w->most - w->generated - 1, //
                                         b->limits.context - (int64_t)w->n));
}

bool gen_step_guess(mx_batch *b) {
    size_t asks = 0;
    for (size_t i = 0; i < b->n; i++) {
        gen_work *w = b->now[i];
        int64_t most = b->lookup || b->draft ? room(b, w) : 0;
        w->guesses = 0;
        if (most > 0 && b->lookup)
            w->guesses =
                (int64_t)gen_look_up(w->token, w->n, w->guess, (size_t)least(most, b->lookup));
        bool reads = gen_draft_is_ahead(b->draft) && runs(w) && w->hidden_rows;
        if ((most > 0 || reads) && b->draft && !w->guesses) {
            b->asks[asks] = w;
            b->guesses[asks++] = most;
        }
    }
    return !asks || gen_draft_guess(b->draft, b->asks, b->guesses, asks);
}
