/* What a request for an answer asks, in whatever protocol's words. */
#ifndef SERVE_PARAMS_H
#define SERVE_PARAMS_H

#include "serve/serve.h"

enum { SRV_MOST_CHOICES = 128, SRV_MOST_STOPS = 16, SRV_MOST_TOP = 20 };

typedef struct srv_params {
    const char *model;
    bool stream, stream_usage;
    int64_t most, most_too; /* tokens, by either of two names; -1: as many as there is room for */
    int64_t n;
    int64_t context; /* of prompt and answer together, which the request asks for; 0: the model's */
    bool echo, ignore_end;

    /* sampling; SRV_UNSET in `seed`: any */
    int64_t seed, top_k, dry_allowed, mirostat;
    int64_t penalty_last, dry_last; /* tokens that are looked back on; -1: all, 0: no penalty */
    double temperature, top_p, min_p, typical_p, xtc_probability, xtc_threshold;
    double repetition_penalty, presence_penalty, frequency_penalty;
    double dry_multiplier, dry_base, mirostat_tau, mirostat_eta;
    const json_t *bias; /* {"token": number} */
    const json_t *stop; /* a text, or a list */

    /* log probabilities: -1 none, else how many others with each token */
    int64_t log_probabilities;

    /* the structure of the answer */
    srv_structure structure;
    const char *structure_text;
    const char *structure_field;
    char *structure_own; /* freed by srv_params_clear */

    /* the conversation, in the shape of chat templates; owned */
    json_t *messages, *tools, *variables;
    /* A call that is forced: functions {name, parameters} of which one is called; NULL. Owned. */
    json_t *forced;
    const char *parameters_at; /* of a tool, where the protocol has them: "function.parameters" */
    const char *think_field;   /* asks the model to think; NULL */
    bool strict;    /* calls that are free are held to the schemas of their tools that say so */
    bool one_call;  /* the first call is the last */
    bool prefill;   /* the last message, a text, is the beginning of the answer */
    bool reasoning; /* is told apart */
    double keep;    /* seconds that the model stays; -1: as the server has it */
} srv_params;

#define SRV_UNSET  INT64_MIN
#define TO(member) offsetof(srv_params, member)

/* Nothing asked. */
srv_params srv_params_default(void);
void srv_params_clear(srv_params *p);

/* --- what several protocols say in the same words (rows of their tables) ---------------------- */

#define SRV_SAMPLING_FIELDS                                                             \
    {"temperature", SRV_REAL, TO(temperature), .least = 0, .most = 2},                  \
        {"top_p", SRV_REAL, TO(top_p), .least = 0, .most = 1},                          \
        {"presence_penalty", SRV_REAL, TO(presence_penalty), .least = -2, .most = 2},   \
        {"frequency_penalty", SRV_REAL, TO(frequency_penalty), .least = -2, .most = 2}, \
        {"seed", SRV_INT, TO(seed)}, {"logit_bias", SRV_OBJECT, TO(bias)}, {            \
        "stop", SRV_TEXT | SRV_LIST, TO(stop), .count = 4096, .items = SRV_TEXT         \
    }

/* As llama.cpp and vLLM call them. */
#define SRV_MORE_SAMPLING_FIELDS                                                              \
    {"top_k", SRV_INT, TO(top_k), .least = -1, .most = 1 << 30},                              \
        {"min_p", SRV_REAL, TO(min_p), .least = 0, .most = 1},                                \
        {"typical_p", SRV_REAL, TO(typical_p), .least = 0, .most = 1},                        \
        {"xtc_probability", SRV_REAL, TO(xtc_probability), .least = 0, .most = 1},            \
        {"xtc_threshold", SRV_REAL, TO(xtc_threshold), .least = 0, .most = 1},                \
        {"repetition_penalty", SRV_REAL, TO(repetition_penalty), .least = 0.01, .most = 100}, \
        {"repeat_penalty", SRV_REAL, TO(repetition_penalty), .least = 0.01, .most = 100},     \
        {"repeat_last_n", SRV_INT, TO(penalty_last), .least = -1, .most = 1 << 30},           \
        {"dry_multiplier", SRV_REAL, TO(dry_multiplier), .least = 0, .most = 100},            \
        {"dry_base", SRV_REAL, TO(dry_base), .least = 1, .most = 100},                        \
        {"dry_allowed_length", SRV_INT, TO(dry_allowed), .least = 1, .most = 1 << 20},        \
        {"dry_penalty_last_n", SRV_INT, TO(dry_last), .least = -1, .most = 1 << 30},          \
        {"mirostat", SRV_INT, TO(mirostat), .least = 0, .most = 2},                           \
        {"mirostat_tau", SRV_REAL, TO(mirostat_tau), .least = 0, .most = 100},                \
        {"mirostat_eta", SRV_REAL, TO(mirostat_eta), .least = 0, .most = 1}, {                \
        "ignore_eos", SRV_BOOL, TO(ignore_end)                                                \
    }

/* Texts that an answer is held to, by the names that other servers have for them. */
#define SRV_STRUCTURE_FIELDS                                                       \
    {"grammar", SRV_TEXT, SRV_NOWHERE}, {"guided_grammar", SRV_TEXT, SRV_NOWHERE}, \
        {"regex", SRV_TEXT, SRV_NOWHERE}, {"guided_regex", SRV_TEXT, SRV_NOWHERE}, \
        {"json_schema", SRV_OBJECT, SRV_NOWHERE},                                  \
        {"guided_json", SRV_OBJECT | SRV_TEXT, SRV_NOWHERE},                       \
        {"guided_choice", SRV_LIST, SRV_NOWHERE, .items = SRV_TEXT, .count = 1000}

/* What tells who asks, and changes no answer. */
#define SRV_NOTE_FIELDS                                                                   \
    {"user", SRV_TEXT, SRV_NOWHERE, .count = 512}, {"metadata", SRV_OBJECT, SRV_NOWHERE}, \
        {"safety_identifier", SRV_TEXT, SRV_NOWHERE, .count = 512},                       \
        {"prompt_cache_key", SRV_TEXT, SRV_NOWHERE, .count = 512}

extern const srv_field srv_stream_fields[]; /* of stream_options */

/* stream_options belongs to a stream. */
bool srv_params_stream(const srv_params *p, const json_t *body, srv_fault *f);
/* Is each option there without which another that is given would do nothing, each under one name,
   and xtc_threshold above 0? Options are members of `given`, whose names are said behind `place`;
   penalized: there is a penalty of repetitions that nobody asks for. False: a fault. */
bool srv_params_together(const json_t *given, const char *place, bool penalized, srv_fault *f);
/* What the body's structure fields say; at most one may be there. False: a fault. */
bool srv_params_structure(srv_params *p, const json_t *body, srv_fault *f);
/* One more: `field` for messages; the text is copied. */
bool srv_params_hold(srv_params *p, srv_structure kind, const char *text, const char *field,
                     srv_fault *f);
/* A schema as text, likewise. */
bool srv_params_schema(srv_params *p, const json_t *schema, const char *field, srv_fault *f);
/* {"type": "text" | "json_object" | "json_schema", ...} of OpenAI's two interfaces. */
bool srv_params_format(srv_params *p, const json_t *format, const char *field, srv_fault *f);

/* The options of a sampler; `bias` and `tokens` are filled, for free. False: a fault. */
bool srv_params_sampling(const srv_params *p, int64_t vocabulary, mlx_sampler_options *o,
                         int **tokens, float **bias, srv_fault *f);
/* The stop texts, borrowed from the body. False: a fault. */
bool srv_params_stops(const srv_params *p, const char **stops, size_t *n, srv_fault *f);

#endif
