/* Requests in batches: an answer depends on nothing but its request. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "lm_run.h"

static mlx_lm lm;

static mlx_lm_request text_of(const char *text, int most) {
    return (mlx_lm_request){.text = text, .text_num = strlen(text), .most = most};
}

static mlx_lm_batch open_batch(const mlx_lm_batch_options *o) {
    mlx_lm_batch b = mlx_lm_batch_new();
    CHECK(mlx_lm_batch_open(&b, lm, o) == 0);
    return b;
}

/* --- several requests ------------------------------------------------------------------------ */

enum { MANY = 7 };
static const char *const prompts[MANY] = {
    "Once upon a time",
    "Lily and Tom",
    "The dog said",
    "Once upon a time",
    "A",
    "Once upon a time there was a little girl who liked to play with her big red ball in the park. "
    "Once upon a time there was a little girl who liked to play with her big red ball in the park. "
    "One day, she",
    "She was sad because"};
static mlx_sampler_options sampling[MANY] = {
    {0},
    {.temperature = 0.8, .seed = 3},
    {.temperature = 1, .top_k = 40, .seed = 9},
    {.temperature = 0.7, .seed = 5},
    {.temperature = 1, .mirostat_tau = 4, .seed = 2},
    {0},
    {.temperature = 0.9, .repetition_penalty = 1.1, .seed = 7}};

static mlx_lm_request request(int i) {
    mlx_lm_request r = text_of(prompts[i], 40 + 5 * i);
    r.sampling = &sampling[i];
    return r;
}

static answer alone[MANY], together[MANY];

static void each_alone(void) {
    for (int i = 0; i < MANY; i++) {
        mlx_lm_batch b = open_batch(NULL);
        CHECK(ask(b, request(i), &alone[i]) && run_all(b));
        CHECK_EQ_INT(alone[i].ended, 1);
        CHECK(alone[i].n > 0 && alone[i].n <= 40 + 5 * i);
        CHECK_EQ_INT(alone[i].last.generated, alone[i].n);
        CHECK_EQ_INT(alone[i].last.prompt_done, alone[i].last.prompt);
        mlx_lm_batch_free(b);
    }
}

/* All at once under some options: the same answers. */
static mlx_lm_batch_state all_under(const mlx_lm_batch_options *o, const char *what) {
    mlx_lm_batch_state s = {0};
    mlx_lm_batch b = open_batch(o);
    for (int i = 0; i < MANY; i++)
        CHECK(ask(b, request(i), &together[i]));
    CHECK_MSG(run_all(b), "%s: %s", what, mlx_last_error_message());
    for (int i = 0; i < MANY; i++)
        CHECK_MSG(same_answer(&alone[i], &together[i]), "%s: %d: %s\n---\n%s", what, i,
                  alone[i].text, together[i].text);
    CHECK(mlx_lm_batch_about(&s, b) == 0);
    CHECK_EQ_INT(s.running + s.waiting, 0);
    mlx_lm_batch_free(b);
    return s;
}

static void all_together(void) {
    all_under(NULL, "together");
    all_under(&(mlx_lm_batch_options){.requests = 2}, "two at a time");
    all_under(&(mlx_lm_batch_options){.chunk = 3}, "small chunks");
}

static void guesses(void) {
    mlx_lm_batch_state s = all_under(&(mlx_lm_batch_options){.lookup = 5}, "look-up");
    CHECK(s.guessed > 0 && s.accepted > 0 && s.accepted <= s.guessed);
    s = all_under(&(mlx_lm_batch_options){.draft = lm}, "a draft of its own");
    CHECK(s.accepted > s.guessed * 9 / 10); // mirostat's state alone is not guessed ahead
    s = all_under(&(mlx_lm_batch_options){.draft = lm, .lookup = 3, .draft_tokens = 1, .chunk = 5},
                  "both");
    CHECK(s.accepted > 0);
}

/* One at a time fits; all together do not. */
static void little_room(void) {
    mlx_lm_batch_state s = {0};
    mlx_lm_batch b = open_batch(NULL);
    bool busy;
    CHECK(ask(b, request(5), &together[5]));
    for (int i = 0; i < 20; i++)
        mlx_lm_batch_step(&busy, b, take_event, NULL);
    CHECK(mlx_lm_batch_about(&s, b) == 0 && s.kv_bytes > 0);
    mlx_lm_batch_free(b);
    mlx_lm_batch_options o = {.kv_bytes = s.kv_bytes * 2};
    all_under(&o, "little room");
    o.lookup = 4, o.draft = lm;
    all_under(&o, "little room, and guesses");
    o = (mlx_lm_batch_options){.kv_bytes = s.kv_bytes, .shift = true, .keep = 2};
    b = open_batch(&o); // a page or two: the text goes on without its beginning
    CHECK(ask(b, text_of(prompts[0], 300), &together[0]) && run_all(b));
    CHECK_EQ_INT(together[0].n, 300);
    mlx_lm_batch_free(b);
    o = (mlx_lm_batch_options){.kv_bytes = s.kv_bytes};
    b = open_batch(&o);
    CHECK(ask(b, text_of(prompts[0], 450), &together[0]) && run_all(b));
    CHECK_EQ_INT(together[0].last.finish, MLX_LM_LENGTH);
    CHECK(together[0].n > 0 && together[0].n < 450);
    mlx_lm_batch_free(b);
}

static void come_and_go(void) {
    mlx_lm_batch b = open_batch(&(mlx_lm_batch_options){.requests = 3, .lookup = 2});
    bool busy;
    for (int i = 0; i < MANY; i++) {
        CHECK(ask(b, request(i), &together[i]));
        for (int j = 0; j < 11; j++)
            CHECK(mlx_lm_batch_step(&busy, b, take_event, NULL) == 0);
    }
    CHECK(run_all(b));
    for (int i = 0; i < MANY; i++)
        CHECK(same_answer(&alone[i], &together[i]));
    mlx_lm_batch_free(b);
}

/* Equal prompts are read once. */
static void shared_prompts(void) {
    mlx_lm_batch_state s;
    mlx_lm_batch b = open_batch(NULL);
    for (int i = 0; i < MANY; i++) {
        mlx_lm_request r = text_of(prompts[5], 20);
        CHECK(ask(b, r, &together[i]));
    }
    CHECK(run_all(b) && mlx_lm_batch_about(&s, b) == 0);
    for (int i = 1; i < MANY; i++)
        CHECK(same_answer(&together[0], &together[i]));
    CHECK_EQ_INT(together[0].last.cached, 0);
    CHECK(together[1].last.cached >= 64);
    CHECK(s.cached >= 64 * (MANY - 1) && s.prompt_tokens < 2 * together[0].last.prompt + 64 * MANY);
    mlx_lm_batch_free(b);
}

/* What the first program of this model wrote, from the beginning of a text. */
static void known_text(void) {
    char want[1024];
    const char *path = data_path("stories260K/expected_greedy_200.txt");
    FILE *f = path ? fopen(path, "rb") : NULL;
    size_t n = f ? fread(want, 1, sizeof want - 1, f) : 0;
    if (f)
        fclose(f);
    while (n && want[n - 1] == '\n')
        n--;
    want[n] = 0;
    int bos = 1;
    static answer a;
    mlx_lm_batch b = open_batch(&(mlx_lm_batch_options){.kv_bits = 32});
    CHECK(n && ask(b, (mlx_lm_request){.tokens = &bos, .token_num = 1, .most = 200}, &a));
    CHECK(run_all(b));
    CHECK_STR(a.text, want);
    mlx_lm_batch_free(b);
}

/* A cache that holds nothing is refused, and by one of the least size a prompt for which there is
   no room ever. */
static void no_room(void) {
    int64_t id = 0;
    answer a = {0};
    int tokens[130] = {0};
    mlx_lm_batch_options o = {.kv_bytes = 1};
    mlx_lm_batch b = mlx_lm_batch_new();
    mlx_lm_request r = {.tokens = tokens, .token_num = 130, .most = 5};
    for (; o.kv_bytes < 1 << 30 && mlx_lm_batch_open(&b, lm, &o); o.kv_bytes *= 2)
        CHECK(strstr(mlx_last_error_message(), "kv_bytes (--max-kv) is"));
    CHECK(o.kv_bytes > 64 && o.kv_bytes < 1 << 30);
    CHECK(mlx_lm_batch_add(&id, b, &r) && strstr(mlx_last_error_message(), "kv_bytes"));
    r.token_num = 20;
    CHECK(ask(b, r, &a) && run_all(b) && a.ended == 1);
    mlx_lm_batch_free(b);
    mlx_clear_last_error();
}

/* --- how they end ---------------------------------------------------------------------------- */

static answer once(mlx_lm_request r, const mlx_lm_batch_options *o) {
    static answer a;
    mlx_lm_batch b = open_batch(o);
    a.cancel_at = 0;
    CHECK_MSG(ask(b, r, &a) && run_all(b), "%s", mlx_last_error_message());
    CHECK_EQ_INT(a.ended, 1);
    mlx_lm_batch_free(b);
    return a;
}

static void ends(void) {
    answer a = once(text_of(prompts[0], 30), NULL);
    CHECK(a.last.finish == MLX_LM_LENGTH && a.n == 30);
    mlx_lm_request r = text_of(prompts[0], 30);
    r.end_tokens = &a.token[9], r.end_token_num = 1;
    int first = 0;
    while (a.token[first] != a.token[9])
        first++;
    answer b = once(r, NULL);
    CHECK(b.last.finish == MLX_LM_END_TOKEN && b.n == first);
    r.ignore_end = true;
    CHECK_EQ_INT(once(r, NULL).n, 30);
    r = text_of(prompts[0], -1);
    b = once(r, NULL);
    CHECK(b.n == 0 && b.last.finish == MLX_LM_LENGTH && b.last.prompt_done == b.last.prompt);
}

static void stop_texts(void) {
    answer a = once(text_of(prompts[0], 60), NULL);
    char stop[16] = "";
    const char *list[] = {"\x01nothing", stop};
    snprintf(stop, sizeof stop, "%.5s", a.text + strlen(a.text) / 2);
    mlx_lm_request r = text_of(prompts[0], 60);
    r.stop = list, r.stop_num = 2;
    size_t want = (size_t)(strstr(a.text, stop) - a.text);
    for (int lookup = 0; lookup < 8; lookup += 5) {
        answer b = once(r, &(mlx_lm_batch_options){.lookup = lookup});
        CHECK_EQ_INT(b.last.finish, MLX_LM_STOP_TEXT);
        CHECK(strlen(b.text) == want && !strncmp(a.text, b.text, want));
    }
}

/* Tokens with their log probabilities are those that begin in the text, and each has its text. */
static void stop_texts_cut_tokens(void) {
    mlx_lm_request r = text_of(prompts[0], 40);
    r.log_probabilities = 2;
    answer a = once(r, NULL);
    const char *list[] = {a.text};
    char stop[32];
    for (size_t at = 0; at + 8 < strlen(a.text); at += 3) {
        snprintf(stop, sizeof stop, "%.*s", 1 + (int)(at % 8), a.text + at);
        size_t cut = (size_t)(strstr(a.text, stop) - a.text);
        list[0] = stop, r.stop = list, r.stop_num = 1;
        answer b = once(r, NULL);
        CHECK(b.last.finish == MLX_LM_STOP_TEXT && b.last.stop == 0 && strlen(b.text) == cut);
        CHECK(b.last.generated >= b.n);
        int n = 0;
        for (; n < a.n && (n ? a.end[n - 1] : 0) < cut; n++)
            CHECK(b.token[n] == a.token[n] && b.log_p[n] == a.log_p[n] &&
                  b.end[n] == (a.end[n] < cut ? a.end[n] : cut));
        CHECK_EQ_INT(b.n, n);
        CHECK(!n || b.cut == a.end[n - 1] - b.end[n - 1]);
    }
    list[0] = "\x01never";
    answer b = once(r, NULL);
    CHECK(same_answer(&a, &b) && b.last.stop == -1 &&
          !memcmp(a.log_p, b.log_p, (size_t)a.n * sizeof *a.log_p));
}

/* Numbers and a word; then nothing more may come, or the end alone. */
static void structures(void) {
    mlx_structure s = mlx_structure_new();
    mlx_sampler_options hot = {.temperature = 3, .seed = 5};
    mlx_lm_request r = text_of(prompts[0], 200);
    r.sampling = &hot;
    CHECK(mlx_structure_open_regex(&s, "[0-9]{3} (cat|dog)s(, big)*!") == 0);
    r.structure = s;
    answer a = once(r, NULL);
    int digits = 0, used = 0;
    CHECK_EQ_INT(a.last.finish, MLX_LM_END_TOKEN);
    CHECK_MSG(sscanf(a.text, "%3d %n", &digits, &used) == 1 && used == 4, "%s", a.text);
    CHECK_MSG(!strncmp(a.text + 4, "cats", 4) || !strncmp(a.text + 4, "dogs", 4), "%s", a.text);
    CHECK(a.text[strlen(a.text) - 1] == '!');
    for (int i = 0; i < 2; i++) {
        answer b = once(r, i ? &(mlx_lm_batch_options){.lookup = 5}
                             : &(mlx_lm_batch_options){.draft = lm});
        CHECK(same_answer(&a, &b));
    }
    r.end_tokens = &a.token[0], r.end_token_num = 1;
    CHECK(once(r, NULL).last.finish == MLX_LM_END_TOKEN);
    mlx_structure_free(s);
}

/* An answer goes on with its prompt: the blank before its first word is part of it, and what a
   structure allows is what is shown. */
static void blanks(void) {
    static const char *const pattern[] = {" a", "\\s", "[^a]", "[ -~]{5}"};
    static const int length[] = {2, 1, 1, 5};
    mlx_lm_request r = text_of("Once", 3);
    CHECK_HAS(once(r, NULL).text, " upon a");
    for (int i = 0; i < 4; i++) {
        mlx_structure s = mlx_structure_new();
        CHECK(mlx_structure_open_regex(&s, pattern[i]) == 0);
        r.structure = s, r.most = 10;
        answer a = once(r, NULL);
        CHECK_MSG((int)strlen(a.text) == length[i], "%s: '%s'", pattern[i], a.text);
        CHECK(a.text[0] == (i == 2 ? a.text[0] : ' ') && (i || a.text[1] == 'a'));
        mlx_structure_free(s);
    }
}

/* A bias that forbids all that a structure allows ends one request and not the others. */
static void failures(void) {
    static int tokens[512];
    static float bias[512];
    for (int i = 0; i < 512; i++)
        tokens[i] = i, bias[i] = -INFINITY;
    mlx_sampler_options none = {.bias_tokens = tokens, .bias = bias, .bias_count = 512};
    mlx_lm_request r = text_of(prompts[0], 20);
    r.sampling = &none;
    mlx_lm_batch b = open_batch(NULL);
    CHECK(ask(b, request(1), &together[0]) && ask(b, r, &together[1]) && run_all(b));
    CHECK(same_answer(&together[0], &alone[1]));
    CHECK_EQ_INT(together[1].last.finish, MLX_LM_FAILED);
    CHECK_EQ_INT(together[1].last.error, MLX_ERROR_INVALID);
    CHECK_EQ_INT(together[0].last.error, 0);
    CHECK(*together[1].text);
    mlx_lm_batch_free(b);
}

static int count_only(const mlx_lm_event *e, void *payload) {
    *(int *)payload += e->finish == MLX_LM_CANCELLED;
    return 0;
}

static void cancels(void) {
    answer a = {.cancel_at = 5};
    mlx_lm_batch b = open_batch(NULL);
    bool busy;
    int cancelled = 0;
    CHECK(ask(b, text_of(prompts[0], 60), &a) && run_all(b));
    CHECK(a.n == 5 && a.last.finish == MLX_LM_CANCELLED && a.ended == 1);
    a.cancel_at = 0;
    CHECK(ask(b, text_of(prompts[1], 60), &a));
    CHECK(mlx_lm_batch_step(&busy, b, count_only, &cancelled) == 0 && busy);
    CHECK(mlx_lm_batch_cancel(b, a.id) == 0 && mlx_lm_batch_cancel(b, 999) == 0);
    CHECK(mlx_lm_batch_step(&busy, b, count_only, &cancelled) == 0 && !busy);
    CHECK_EQ_INT(cancelled, 1);
    CHECK(ask(b, text_of(prompts[2], 60), &a)); // is gone with the batch
    mlx_lm_batch_free(b);
}

static int add_another(const mlx_lm_event *e, void *payload) {
    mlx_lm_batch *b = payload;
    bool busy;
    int64_t id;
    mlx_lm_request r = text_of("The", 3);
    if (!e->finish || e->id > 3)
        return 0;
    CHECK(mlx_lm_batch_add(&id, *b, &r) == 0 && id == e->id + 1);
    CHECK(mlx_lm_batch_step(&busy, *b, NULL, NULL) == 1);
    return 0;
}

static void adds_from_within(void) {
    mlx_lm_batch_state s;
    mlx_lm_batch b = open_batch(NULL);
    int64_t id;
    bool busy = true;
    mlx_lm_request r = text_of("The", 3);
    CHECK(mlx_lm_batch_add(&id, b, &r) == 0);
    for (int i = 0; busy && i < 1000; i++)
        CHECK(mlx_lm_batch_step(&busy, b, add_another, &b) == 0);
    CHECK(mlx_lm_batch_about(&s, b) == 0 && s.generated == 12);
    mlx_lm_batch_free(b);
}

/* Requests of several threads, while another one steps. */
enum { THREADS = 4, EACH = 6 };
static mlx_lm_batch shared;
static answer of_threads[THREADS][EACH];
static atomic_int added;

static void *add_some(void *data) {
    answer *a = data;
    for (int i = 0; i < EACH; i++) {
        mlx_lm_request r = request(i);
        r.most = 12;
        r.payload = &a[i];
        int64_t id = 0;
        mlx_lm_batch_state s;
        if (mlx_lm_batch_add(&id, shared, &r) == 0 && id > 0)
            a[i].id = id;
        if (i % 3 == 2)
            mlx_lm_batch_cancel(shared, id);
        mlx_lm_batch_about(&s, shared);
        atomic_fetch_add(&added, 1);
    }
    return NULL;
}

static void many_threads(void) {
    pthread_t t[THREADS];
    bool busy = true;
    shared = open_batch(&(mlx_lm_batch_options){.requests = 3});
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, add_some, of_threads[i]);
    while (busy || atomic_load(&added) < THREADS * EACH)
        CHECK(mlx_lm_batch_step(&busy, shared, take_event, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK(run_all(shared));
    for (int i = 0; i < THREADS * EACH; i++) {
        answer *a = &of_threads[i / EACH][i % EACH], *same = &of_threads[0][i % EACH];
        CHECK(a->id > 0 && a->ended == 1);
        if (i % EACH % 3 != 2)
            CHECK(a->n == same->n && !strcmp(a->text, same->text));
    }
    mlx_lm_batch_free(shared);
}

/* --- several batches, a thread for each, while another computes arrays ----------------------- */

enum { ENGINES = 3 };
static answer of_engines[ENGINES][MANY];
static atomic_bool engines_ran;

static void *run_engine(void *data) {
    answer *a = data;
    mlx_lm_batch b = mlx_lm_batch_new();
    bool ok = mlx_lm_batch_open(&b, lm, NULL) == 0;
    for (int i = 0; ok && i < MANY; i++)
        ok = ask(b, request(i), &a[i]);
    ok = ok && run_all(b);
    mlx_lm_batch_free(b);
    return ok ? data : NULL;
}

static void *compute_arrays(void *data) {
    const int shape[2] = {64, 64};
    mlx_stream s = mlx_default_cpu_stream_new();
    mlx_array a = mlx_array_new(), b = mlx_array_new();
    bool ok = mlx_ones(&a, shape, 2, MLX_FLOAT32, s) == 0;
    float sum = 0;
    while (ok && !atomic_load(&engines_ran))
        ok = mlx_matmul(&b, a, a, s) == 0 && mlx_sum(&b, b, false, s) == 0 &&
             mlx_array_item_float32(&sum, b) == 0 && sum == 64.0f * 64 * 64;
    mlx_array_free(a);
    mlx_array_free(b);
    mlx_stream_free(s);
    return ok ? data : NULL;
}

static void several_engines(void) {
    pthread_t t[ENGINES], arrays;
    void *ran;
    CHECK(pthread_create(&arrays, NULL, compute_arrays, &engines_ran) == 0);
    for (int i = 0; i < ENGINES; i++)
        CHECK(pthread_create(&t[i], NULL, run_engine, of_engines[i]) == 0);
    for (int i = 0; i < ENGINES; i++)
        CHECK(pthread_join(t[i], &ran) == 0 && ran);
    atomic_store(&engines_ran, true);
    CHECK(pthread_join(arrays, &ran) == 0 && ran);
    for (int i = 0; i < ENGINES; i++)
        for (int j = 0; j < MANY; j++)
            CHECK(same_answer(&of_engines[i][j], &alone[j]));
}

static void long_texts(void) {
    mlx_lm_request r = text_of(prompts[0], 0);
    r.ignore_end = true;
    answer b, a = once(r, &(mlx_lm_batch_options){.context = 64});
    CHECK_EQ_INT(a.last.finish, MLX_LM_LENGTH);
    CHECK_EQ_INT(a.last.prompt + a.n, 64);
    b = once(r, &(mlx_lm_batch_options){.context = 64, .lookup = 4});
    CHECK(same_answer(&a, &b));
    b = once(r, &(mlx_lm_batch_options){.context = (int)a.last.prompt});
    CHECK(b.n == 0 && b.last.finish == MLX_LM_LENGTH); // there is no room for an answer
    r.most = 200;
    a = once(r, &(mlx_lm_batch_options){.context = 64, .shift = true, .keep = 4});
    CHECK_EQ_INT(a.n, 200);
    b = once(r, &(mlx_lm_batch_options){.context = 64, .shift = true, .keep = 4, .lookup = 4});
    CHECK(same_answer(&a, &b));
    r = text_of(prompts[5], 10);
    mlx_lm_batch small = open_batch(&(mlx_lm_batch_options){.context = 40});
    CHECK(!ask(small, r, &b));
    CHECK_HAS(mlx_last_error_message(), "the context is 40");
    mlx_lm_batch_free(small);
    a = once(r, &(mlx_lm_batch_options){.context = 40, .shift = true, .keep = 1});
    CHECK(a.n == 10 && a.last.prompt == 20);
}

/* What the file says of drawing: nothing. */
static void usual_sampling(void) {
    mlx_sampler_options o = {.temperature = 3, .top_k = 9};
    CHECK(mlx_lm_usual_sampling(&o, lm) == 0 && o.temperature == 0 && o.top_k == 0 && o.top_p == 0);
    CHECK(mlx_lm_usual_sampling(NULL, lm) == 1);
}

static void log_probabilities(void) {
    mlx_lm_request r = text_of(prompts[5], 8);
    r.log_probabilities = 3;
    r.echo = true;
    answer a = once(r, NULL);
    int prompt = (int)a.last.prompt;
    CHECK_EQ_INT(a.n, prompt + 8);
    CHECK(isnan(a.log_p[0]));
    r.text = NULL, r.tokens = a.token, r.token_num = (size_t)a.n;
    r.most = -1;
    answer b = once(r, &(mlx_lm_batch_options){.chunk = 9});
    CHECK_EQ_INT(b.n, a.n);
    CHECK_STR(b.text, "");
    for (int i = 1; i < a.n; i++)
        CHECK(a.log_p[i] < 0 && a.log_p[i] == b.log_p[i]);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void refuses(void) {
    mlx_lm_batch b = open_batch(&(mlx_lm_batch_options){.requests = 1, .waiting = 2});
    mlx_sampler_options bad = {.top_p = 2}, lists[] = {{.bias_count = 1},
                                                       {.bias_count = 1, .bias_tokens = (int[]){1}},
                                                       {.bias_count = 1, .bias = (float[]){1}},
                                                       {.dry_breaker_count = 3}};
    const char *empty = "";
    int64_t id = 7;
    int token = 99999, below = -5, beyond = 512;
    mlx_lm_request r[] = {
        {.tokens = &token},
        {.tokens = &token, .token_num = 1},
        {.text = "a", .text_num = 1, .most = -2},
        {.text = "a", .text_num = 1, .sampling = &bad},
        {.text = "a", .text_num = 1, .stop = &empty, .stop_num = 1},
        {.text = "a", .text_num = 1, .log_probabilities = 1 << 30},
        {.text = "a", .text_num = 1, .sampling = &lists[0]},
        {.text = "a", .text_num = 1, .sampling = &lists[1]},
        {.text = "a", .text_num = 1, .sampling = &lists[2]},
        {.text = "a", .text_num = 1, .sampling = &lists[3]},
        {.text = "a", .text_num = 1, .stop_num = 1},
        {.text = "a", .text_num = 1, .end_token_num = 1},
        {.tokens = &token, .token_num = (size_t)1 << 62},
        {.text = "a", .text_num = 1, .stop = &empty, .stop_num = (size_t)1 << 61},
        {.text = "a", .text_num = 1, .end_tokens = &token, .end_token_num = SIZE_MAX / 4 + 1},
        {.text = "a", .text_num = 1, .end_tokens = (int[]){1, 99999}, .end_token_num = 2},
        {.text = "a", .text_num = 1, .end_tokens = &below, .end_token_num = 1},
        {.text = "a", .text_num = 1, .end_tokens = &beyond, .end_token_num = 1},
        {.text = "a", .text_num = 1, .tokens = &token},
        {.text = "a", .text_num = 1, .token_num = 1},
        {0}};
    for (size_t i = 0; i < sizeof r / sizeof *r; i++)
        CHECK_MSG(mlx_lm_batch_add(&id, b, &r[i]) == 1, "request %zu", i);
    mlx_lm_request fine = text_of("a", 1);
    for (int i = 1; i <= 3; i++)
        CHECK(mlx_lm_batch_add(&id, b, &fine) == 0 && id == i);
    CHECK(mlx_lm_batch_add(&id, b, &fine) == 0 && id == 0);
    mlx_lm_batch_free(b);
    mlx_lm_batch_options o[] = {{.requests = -1}, {.context = 1}, {.context = 1 << 30},
                                {.kv_bits = 5},   {.lookup = 65}, {.keep = -1},
                                {.kv_bytes = 1},  {.keep = 1},    {.draft_tokens = 2}};
    for (size_t i = 0; i < sizeof o / sizeof *o; i++) {
        b = mlx_lm_batch_new();
        CHECK_MSG(mlx_lm_batch_open(&b, lm, &o[i]) == 1, "options %zu", i);
    }
    mlx_lm none = mlx_lm_new();
    CHECK(mlx_lm_open(&none, "/nowhere/model.gguf", NULL) == 1);
}

static int everything(void) {
    mlx_lm_batch b = mlx_lm_batch_new();
    mlx_lm_batch_options o = {.lookup = 3, .draft = lm};
    const char *stop = "zebra";
    answer a = {0};
    mlx_lm_request r = text_of(prompts[5], 3);
    mlx_structure s = mlx_structure_new();
    r.stop = &stop, r.stop_num = 1, r.log_probabilities = 2;
    bool ok = mlx_structure_open_regex(&s, "[a-z ]+") == 0;
    r.structure = s;
    ok = ok && mlx_lm_batch_open(&b, lm, &o) == 0 && ask(b, r, &a) && run_all(b) &&
         a.last.finish != MLX_LM_FAILED;
    mlx_lm_batch_free(b);
    mlx_structure_free(s);
    return !ok;
}

static void no_memory(void) {
    CHECK(everything() == 0);
    int64_t live = mx_alloc_live();
    uint64_t steps = 0;
    for (int status = 1; status && steps < 2000;) {
        mx_alloc_fail_at(++steps);
        status = everything();
        mx_alloc_fail_at(0);
        // a tokenizer may let go of a table of words
        if (!CHECK_MSG(mx_alloc_live() <= live, "%d allocations lost without number %d",
                       (int)(mx_alloc_live() - live), (int)steps))
            break;
    }
    CHECK(steps > 20 && steps < 2000);
}

static void keep_silent(const char *message, void *data) {
    (void)message, (void)data;
}

int main(void) {
    mlx_set_error_handler(keep_silent, NULL, NULL);
    if (!stories()) {
        SKIP("no stories260K: set MLX_TEST_DATA");
        return check_done();
    }
    if (!CHECK_MSG(mlx_lm_open(&lm, stories(), NULL) == 0, "%s", mlx_last_error_message()))
        return check_done();
    RUN(each_alone);
    RUN(all_together);
    RUN(guesses);
    RUN(little_room);
    RUN(come_and_go);
    RUN(shared_prompts);
    RUN(known_text);
    RUN(no_room);
    RUN(ends);
    RUN(stop_texts);
    RUN(stop_texts_cut_tokens);
    RUN(structures);
    RUN(blanks);
    RUN(failures);
    RUN(cancels);
    RUN(adds_from_within);
    RUN(many_threads);
    RUN(several_engines);
    RUN(long_texts);
    RUN(usual_sampling);
    RUN(log_probabilities);
    RUN(refuses);
    RUN(no_memory);
    mlx_lm_free(lm);
    return check_done();
}
