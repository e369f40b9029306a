/* What is told of a request. */
#include <math.h>

#include "models/generate/work.h"

/* Positions of the text that the cache has, of those of the prompt. */
static int64_t prompt_done(const gen_work *w) {
    size_t done = gen_work_computed(w);
    return (int64_t)(done < w->prompt && !w->generated ? done : w->prompt);
}

mx_event gen_event_of(const gen_work *w) {
    return (mx_event){.id = w->id,
                      .payload = w->payload,
                      .token = -1,
                      .text = mx_text_view(&w->shown),
                      .text_num = w->shown.len,
                      .prompt = (int64_t)w->prompt,
                      .prompt_done = prompt_done(w),
                      .cached = w->cached,
                      .generated = w->generated,
                      .log_p = NAN,
                      .stop = -1,
                      .top_tokens = w->top,
                      .top_log_p = w->top_p};
}

void gen_tell(gen_work *w, const mx_event *e, gen_call c) {
    if (c.call && c.call(e, c.payload))
        atomic_store(&w->cancelled, true);
}
