/* Chat templates: Jinja as published models write it. What mlx/c/template.h shows.
 *
 *     source ──▶ tokens (lex.c) ──▶ tree (parse*.c) ──▶ template, which does not change any more
 *     template, variables ──▶ run: walks the tree (exec.c, eval.c) ──▶ text
 */
#ifndef MX_TEMPLATE_TEMPLATE_H
#define MX_TEMPLATE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_template mx_template;

/* Zero, in any member, is what the comment says. */
typedef struct mx_template_limits {
    uint64_t steps;  /* 10,000,000 */
    uint64_t output; /* bytes: 64 MiB */
    uint64_t memory; /* bytes: 256 MiB */
    int64_t now;     /* seconds since 1970 for strftime_now: the clock's */
} mx_template_limits;

/* That of a model: a folder, one of the files in it, or a GGUF file. name NULL: "default", or the
   only one. NULL and an error. */
mx_template *mx_template_open(const char *path, const char *name);
/* A text. `name` is for messages. */
mx_template *mx_template_of(const char *name, const char *text, size_t n);
/* The names of a model's templates, "default" among them; *n of them, each and all for mx_free.
   NULL and an error: it has none. */
char **mx_template_names(const char *path, size_t *n);
void mx_template_release(mx_template *t); /* NULL is fine */
/* The text as it was given; its end has a zero behind it. */
const char *mx_template_text(const mx_template *t, size_t *n);

/* The text that a JSON object of variables gives, *n bytes and a zero, for mx_free. NULL and an
   error. limits may be NULL. */
char *mx_template_render(const mx_template *t, const char *json, size_t json_n,
                         const mx_template_limits *limits, size_t *n);

#endif
