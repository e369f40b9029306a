/* Texts that end an answer, found in a stream of bytes of any pieces.
 *
 * What may yet become such a text is held back until it is known; the text that ends the answer,
 * and what comes behind it, is never shown. The first that is whole counts, of several that end
 * together the one that begins first.
 */
#ifndef MX_MODELS_STOP_H
#define MX_MODELS_STOP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mx_stop mx_stop;

/* The texts are copied; empty ones are refused. NULL and an error. */
mx_stop *mx_stop_new(const char *const *texts, size_t count);
void mx_stop_free(mx_stop *s); /* NULL is fine */
/* Take n bytes. *shown: what may be shown now, of *shown_n bytes, until the next call; *found:
   which text was found, -1: none yet. Once one was found nothing more is shown. False: no
   memory. */
bool mx_stop_feed(mx_stop *s, const char *bytes, size_t n, const char **shown, size_t *shown_n,
                  int *found);
/* The end of the answer: what was held back. */
void mx_stop_end(mx_stop *s, const char **shown, size_t *shown_n);

#endif
