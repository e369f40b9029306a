/* Tokenizers: text to numbers of pieces, and back. What mlx/c/tokenizer.h shows. */
#ifndef MX_TOKENIZER_TOKENIZER_H
#define MX_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mx_tokenizer mx_tokenizer;
typedef struct mx_token_stream mx_token_stream;

/* Special pieces that have a meaning. */
typedef enum mx_token_role {
    MX_TOKEN_BOS,
    MX_TOKEN_EOS,
    MX_TOKEN_UNK,
    MX_TOKEN_PAD,
    MX_TOKEN_SEP,
    MX_TOKEN_CLS,
    MX_TOKEN_MASK,
    MX_TOKEN_ROLES
} mx_token_role;

/* Of tokenizer.json, tokenizer.model, GGUF, or a folder with one of them. NULL and an error. */
mx_tokenizer *mx_tokenizer_open(const char *path);
/* The same of bytes in memory: of a tokenizer.json, which begins with '{', or a tokenizer.model. */
mx_tokenizer *mx_tokenizer_of(const char *name, const char *bytes, size_t n);
mx_tokenizer *mx_tokenizer_retain(mx_tokenizer *t);
void mx_tokenizer_release(mx_tokenizer *t); /* NULL is fine */

/* Bytes of a text that a token stands for, from `from` to `to`. */
typedef struct mx_token_span {
    uint32_t from, to;
} mx_token_span;

typedef struct mx_encode {
    bool bare;  /* without what the template puts around a text */
    bool plain; /* special tokens in the text are text */
    /* or only those that begin between bytes edge[0] and edge[1], edge[2] and edge[3], ...: edges
       go up */
    const size_t *edge;
    size_t edges;
    /* gets what each token stands for, for mx_free: 0 and 0 those of the template. NULL: not asked
       for */
    mx_token_span **spans;
} mx_encode;

/* Ids, for mx_free; *n of them, and their type ids unless `types` is NULL. b may be NULL. */
int32_t *mx_tokenizer_encode(mx_tokenizer *t, const char *a, size_t a_n, const char *b, size_t b_n,
                             mx_encode how, size_t *n, int32_t **types);
/* What becomes of one of many texts. */
typedef struct mx_encoded {
    int32_t *id, *type;
    mx_token_span *span; /* where how.spans was not NULL, which is used for nothing else then */
    size_t n;
} mx_encoded;

/* Texts on all threads; `out` is zeros, of which nothing is left on failure. */
bool mx_tokenizer_encode_all(mx_tokenizer *t, const char *const *text, const size_t *length,
                             size_t count, mx_encode how, mx_encoded *out);
void mx_encoded_free(mx_encoded *x);
/* UTF-8 of *n bytes and a zero, for mx_free. */
char *mx_tokenizer_decode(mx_tokenizer *t, const int32_t *ids, size_t count, bool keep_special,
                          size_t *n);

/* Bytes of the special token whose text begins at p; 0: none does. */
size_t mx_tokenizer_special_at(const mx_tokenizer *t, const char *p, size_t n);
enum { MX_TEXT_A = -1, MX_TEXT_B = -2 };
/* What is put around a text, or around two: ids, and where the texts stand; the type of each.
   Borrowed. How many; 0: there is nothing around two that is known. */
size_t mx_tokenizer_around(const mx_tokenizer *t, bool pair, const int32_t **item,
                           const int32_t **type);
/* Ids are below it. */
size_t mx_tokenizer_size(const mx_tokenizer *t);
/* The text of a piece as the file has it; false: there is none. */
bool mx_tokenizer_piece(const mx_tokenizer *t, int64_t id, const char **text, size_t *n);
int32_t mx_tokenizer_id(const mx_tokenizer *t, const char *text, size_t n); /* -1: there is none */
/* The bytes that each piece stands for inside of a text, one behind the other: those of id i end at
   end[i], of mx_tokenizer_size. Special ones have none. For mx_free; NULL and an error. */
char *mx_tokenizer_bytes(const mx_tokenizer *t, size_t *end);
bool mx_tokenizer_is_special(const mx_tokenizer *t, int64_t id);
int32_t mx_tokenizer_role(const mx_tokenizer *t, mx_token_role role); /* -1: there is none */
const char *
mx_tokenizer_kind(const mx_tokenizer *t); /* "BPE", "Unigram", "WordPiece", "WordLevel" */

/* A stream gives the text of ids as they come, whole characters at a time. */
mx_token_stream *mx_token_stream_make(mx_tokenizer *t, bool keep_special);
void mx_token_stream_free(mx_token_stream *s);
/* Of a new stream: what it shows follows other text. A decoder leaves out the blank before the
   first piece of a text; that of what follows is shown, as mx_tokenizer_bytes says. */
bool mx_token_stream_follow(mx_token_stream *s);
/* What is new: *n bytes, valid until the next call. NULL and an error. */
const char *mx_token_stream_put(mx_token_stream *s, int32_t id, size_t *n);
/* What was held back; the stream may begin anew. */
const char *mx_token_stream_end(mx_token_stream *s, size_t *n);

#endif
