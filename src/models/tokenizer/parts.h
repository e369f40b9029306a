/* What a tokenizer is made of.
 *
 *     text ─▶ clean ─▶ added tokens ─▶ normalizers ─▶ added tokens ─▶ splitters ─▶ model ─▶ ids
 *                          └ id            (text to text)    └ id      (a word at a time)
 *     ids ─▶ pieces ─▶ decoders ─▶ bytes ─▶ text
 *
 * A tokenizer is data: lists of steps, each a function and what it needs, in the words of
 * tokenizer.json. The files of SentencePiece and GGUF are read into the same steps. Once it is
 * there it does not change, so that any thread may use it. What an encoding needs besides lies in a
 * job, which is kept for the next one.
 *
 * Splitters work depth first: each hands a word to the next step as soon as it has one, the last
 * step being the model. So nothing is kept but the text and the ids.
 */
#ifndef MX_TOKENIZER_PARTS_H
#define MX_TOKENIZER_PARTS_H

#include <jansson.h>
#include <stdatomic.h>

#include "models/tokenizer/tokenizer.h"
#include "models/tokenizer/trie.h"
#include "models/tokenizer/vocab.h"

/* How many steps a list has at most, and how long an added token may be. */
enum { TOK_MOST_STEPS = 64, TOK_MOST_ADDED = 1000, TOK_WORD_CACHE = 1 << 15, TOK_SPARE_JOBS = 16 };
/* Bytes of words that are merged before it is worth while to make a chain (model/chain.c). */
enum { TOK_CHAIN_AFTER = 1 << 18 };
/* Characters that a table of pairs has in full. */
enum { TOK_NEAR = 512 };

typedef struct tok_job tok_job;
typedef struct tok_pattern tok_pattern;
typedef struct tok_charsmap tok_charsmap;
typedef struct tok_chain tok_chain;

typedef struct tok_ids {
    int32_t *p;
    size_t n, room;
} tok_ids;
void tok_ids_put(tok_ids *ids, int32_t id);

/* --- normalizers (steps/normal*.c): `to` gets what becomes of the text ------------------------ */

typedef struct tok_normal tok_normal;
struct tok_normal {
    void (*run)(const tok_normal *self, tok_text from, tok_bytes *to);
    tok_text text; /* owned */
    tok_pattern *pattern;
    tok_charsmap *map;
    int form; /* utf8proc's options */
    bool left, right;
    bool prefix, squeeze, escape, at_end; /* SentencePiece: see steps/normal_piece.c */
    const tok_trie *kept;                 /* borrowed: what it leaves alone */
};
void tok_normal_form(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_lower(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_strip(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_accents(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_prepend(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_replace(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_nmt(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_bert_clean(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_bert_han(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_nonspacing(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_bytes(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_charsmap(const tok_normal *self, tok_text from, tok_bytes *to);
void tok_normal_piece(const tok_normal *self, tok_text from, tok_bytes *to);
/* `from` with `with` for what the pattern finds. */
void tok_replace(const tok_pattern *pattern, tok_text with, tok_text from, tok_bytes *to);
/* Canonical (or compatible) decomposition in order, and composition: options of utf8proc. */
void tok_put_form(tok_text from, int form, tok_bytes *to);

/* --- splitters (steps/split.c, steps/scan.c) -------------------------------------------------- */

typedef struct tok_word {
    const char *p;
    size_t n;
    bool first;                /* it begins where the text began */
    const mx_token_span *span; /* of its bytes; NULL: nobody asks */
} tok_word;

typedef enum tok_behavior {
    TOK_REMOVED,
    TOK_ISOLATED,
    TOK_MERGED_WITH_PREVIOUS,
    TOK_MERGED_WITH_NEXT,
    TOK_CONTIGUOUS
} tok_behavior;

typedef enum tok_scheme { TOK_ALWAYS, TOK_FIRST, TOK_NEVER } tok_scheme;

typedef struct tok_split tok_split;
struct tok_split {
    void (*run)(tok_job *job, const tok_split *self, tok_word w); /* hands words to self + 1 */
    tok_pattern *pattern;
    tok_behavior behavior;
    bool invert;
    bool prefix; /* ByteLevel */
    tok_scheme scheme;
    tok_text text; /* owned */
    size_t length;
    int index; /* of the job's buffers */
};
void tok_split_pattern(tok_job *job, const tok_split *self, tok_word w);
void tok_split_spaces(tok_job *job, const tok_split *self, tok_word w); /* removes them */
void tok_split_length(tok_job *job, const tok_split *self, tok_word w);
void tok_prefix_space(tok_job *job, const tok_split *self, tok_word w);
void tok_map_bytes(tok_job *job, const tok_split *self, tok_word w);
void tok_map_spaces(tok_job *job, const tok_split *self, tok_word w);
/* The characters that stand for bytes in byte-level vocabularies (Radford et al. 2019): printable
   ones of Latin-1 for themselves, the others for those from U+0100 on. */
static inline uint32_t tok_char_of_byte(unsigned char b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b != 173) ? b
           : b < 33                                        ? 256U + b
           : b < 161                                       ? 256U + 33 + b - 127
                                                           : 256U + 67;
}
int tok_byte_of_char(uint32_t c); /* -1: it stands for none */

/* --- models (model/) -------------------------------------------------------------------------- */

typedef struct tok_merge {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank; /* 0: free; the first is 1 */
    int32_t id;
} tok_merge;

typedef struct tok_model tok_model;
struct tok_model {
    void (*run)(tok_job *job, const tok_model *m, tok_word w); /* puts ids */
    tok_merge *merge; /* BPE: by pair, open addressing; NULL: scores decide */
    size_t slots;
    int32_t unk;          /* -1: none */
    int32_t byte_id[256]; /* of the pieces <0x00> to <0xFF>; -1: none */
    bool byte_fallback, fuse_unk, ignore_merges;
    tok_text prefix, suffix; /* owned: of continuing pieces, of a word's end */
    size_t most_chars;       /* WordPiece: longer words are unknown */
    tok_trie trie;           /* Unigram, WordPiece: of all pieces */
    tok_trie inner;          /* WordPiece: of continuing pieces, without the prefix */
    tok_trie user;           /* SentencePiece: pieces that are never divided */
    uint32_t *joined;        /* BPE: see model/pairs.c; NULL: words are not divided */
    uint32_t joined_near[TOK_NEAR][TOK_NEAR / 32]; /* of characters below it, all of bytes */
    int32_t one[128];           /* BPE: what a word of this character is; -1: look it up */
    _Atomic(tok_chain *) chain; /* BPE by merges: see model/chain.c; NULL: not yet, or never */
    atomic_size_t merged;       /* bytes so far, while there is none */
    bool single;                /* SentencePiece: sums of scores are float32 */
    double unk_score, most_score;
};

/* --- added tokens (steps/added.c) ------------------------------------------------------------- */

typedef struct tok_added {
    tok_text text; /* owned */
    int32_t id;
    bool special, single_word, lstrip, rstrip, normalized;
} tok_added;

/* --- decoders (steps/decode.c): pieces to pieces ---------------------------------------------- */

/* Texts one behind the other: the i-th ends at end[i]. */
typedef struct tok_list {
    tok_bytes text;
    size_t *end;
    size_t n, room;
} tok_list;
tok_text tok_list_at(const tok_list *l, size_t i);
void tok_list_end(tok_list *l); /* what was put since the last end is a piece */

typedef struct tok_decode tok_decode;
struct tok_decode {
    /* open: the pieces may go on, so that bytes that are no character yet stay as they are */
    void (*run)(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
    tok_text text, with; /* owned */
    tok_pattern *pattern;
    size_t start, stop;
    bool cleanup;
    tok_scheme scheme;
};
/* The bytes of a byte-level piece; one that has a character which stands for no byte is text. */
void tok_put_bytes(tok_bytes *to, tok_text piece);
/* That of "<0xE4>"; -1: it is another piece. */
int tok_byte_of_piece(tok_text piece);
void tok_decode_bytes(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_fallback(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_fuse(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_strip(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_replace(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_space(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_wordpiece(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_suffix(const tok_decode *self, const tok_list *from, tok_list *to, bool open);
void tok_decode_ctc(const tok_decode *self, const tok_list *from, tok_list *to, bool open);

/* --- templates -------------------------------------------------------------------------------- */

enum { TOK_TEXT_A = MX_TEXT_A, TOK_TEXT_B = MX_TEXT_B };

typedef struct tok_template {
    tok_ids single, pair; /* ids, TOK_TEXT_A, TOK_TEXT_B */
    tok_ids single_type, pair_type;
} tok_template;

/* --- a tokenizer ------------------------------------------------------------------------------ */

struct mx_tokenizer {
    atomic_int users;
    char *name; /* of its file, for messages */
    const char *kind;
    bool is_piece_model; /* a tokenizer.model: what is put around a text stands elsewhere */
    tok_vocab vocab;
    tok_model model;
    tok_normal normal[TOK_MOST_STEPS];
    int normals;
    tok_split split[TOK_MOST_STEPS + 1]; /* and the model behind them */
    int splits;
    tok_decode decode[TOK_MOST_STEPS];
    int decodes;
    tok_template post;
    bool asks_first; /* a splitter wants to know whether a word begins where the text began */
    bool trims, trims_prefix; /* spaces do not count to what a token stands for; but for a prefix */
    tok_added *added;
    size_t added_count, added_room;
    tok_trie find[2];  /* numbers of added tokens: in the text, in the normalized text */
    tok_trie named;    /* numbers of all of them, by text */
    int32_t *added_at; /* by id: number of an added token, -1 */
    size_t ids;        /* ids are below it */
    int32_t role[MX_TOKEN_ROLES];
    _Atomic(tok_job *) spare[TOK_SPARE_JOBS];
};

/* --- a job ------------------------------------------------------------------------------------ */

typedef struct tok_symbol {
    uint32_t at, n; /* of the word; n 0: it went into the one before */
    int32_t prev, next;
    int32_t id;
} tok_symbol;

typedef struct tok_candidate {
    uint64_t order; /* rank << 32 | symbol: the least is merged next */
    uint32_t n;     /* bytes of both; others: one of them has changed since */
    int32_t id;
} tok_candidate;

typedef struct tok_best {
    double score;
    uint32_t from;
    int32_t id;
} tok_best;

/* A word of the cache: one line of it. */
typedef struct tok_cached {
    uint8_t n, ids;
    char text[30];
    int32_t id[8];
} tok_cached;

struct tok_job {
    const mx_tokenizer *t;
    tok_ids out;
    mx_encode how;
    size_t edge; /* how many of its edges are behind */
    tok_bytes clean, normal[2], stage[TOK_MOST_STEPS];
    tok_track *tracks;   /* of these; NULL: nobody has asked yet */
    mx_token_span *span; /* of the ids in `out`, where they are asked for */
    size_t span_room;
    tok_symbol *symbol;
    tok_candidate *heap;
    size_t symbols, symbol_room, heaped, heap_room;
    tok_best *best;
    size_t best_room;
    uint8_t *dead; /* bits of places of a word */
    size_t dead_room;
    tok_cached *cache; /* TOK_WORD_CACHE, or NULL */
    bool follows_unk;  /* the last id of this word is the unknown piece */
};

tok_job *tok_job_take(mx_tokenizer *t);
void tok_job_give(mx_tokenizer *t, tok_job *job);
void tok_free_spare(mx_tokenizer *t);
/* Adds the text of ids. open: they may go on (see tok_decode). */
bool tok_decode_ids(const mx_tokenizer *t, const int32_t *ids, size_t n, bool special, bool open,
                    tok_bytes *out);

/* A piece of whole characters behind which another is not the first; -1: there is none. */
int32_t tok_piece_before(const mx_tokenizer *t);

/* The text after all normalizers, in one of two buffers, or as it was. */
tok_word tok_normalize(const mx_tokenizer *t, tok_word text, tok_bytes room[2]);
/* What lies between added tokens goes to the model. */
void tok_run_added(tok_job *job, tok_word text);
/* What is in a buffer now. */
static inline tok_word tok_word_in(const tok_bytes *b, bool first) {
    return (tok_word){b->p ? b->p : "", b->n, first,
                      b->track && b->track->room >= b->n ? b->track->span : NULL};
}
static inline tok_word tok_part(tok_word w, size_t from, size_t to) {
    return (tok_word){w.p + from, to - from, w.first && from == 0, w.span ? w.span + from : NULL};
}
/* An id for the bytes from `from` to `to` of a word. */
void tok_put_span(tok_job *job, tok_word w, size_t from, size_t to);
static inline void tok_emit(tok_job *job, tok_word w, size_t from, size_t to, int32_t id) {
    tok_ids_put(&job->out, id);
    if (w.span)
        tok_put_span(job, w, from, to);
}
static inline void tok_pass(tok_job *job, const tok_split *next, tok_word w) {
    if (w.n)
        next->run(job, next, w);
}
/* The last step: the model on a word. */
void tok_run_model(tok_job *job, const tok_split *self, tok_word w);

/* What `run` makes of a word, by the job's cache. */
typedef void tok_run_word(tok_job *job, const tok_model *m, tok_word w);
void tok_run_cached(tok_job *job, const tok_model *m, tok_word w, tok_run_word *run);
void tok_model_bpe(tok_job *job, const tok_model *m, tok_word w);
void tok_model_scored_bpe(tok_job *job, const tok_model *m, tok_word w);
void tok_model_unigram(tok_job *job, const tok_model *m, tok_word w);
void tok_model_wordpiece(tok_job *job, const tok_model *m, tok_word w);
void tok_model_words(tok_job *job, const tok_model *m, tok_word w);
bool tok_bpe_reserve(tok_model *m, size_t merges);
/* left and right are pieces, and so is what they make. The first of equal pairs counts. */
bool tok_bpe_add(mx_tokenizer *t, tok_text left, tok_text right, size_t rank);
static inline uint64_t tok_bpe_pair(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}
/* The merge of two pieces; one of rank 0: there is none. */
static inline tok_merge *tok_bpe_find(const tok_model *m, uint64_t pair) {
    size_t i = (size_t)(pair * 0x9E3779B97F4A7C15U >> 29) & (m->slots - 1);
    while (m->merge[i].rank && m->merge[i].pair != pair)
        i = (i + 1) & (m->slots - 1);
    return &m->merge[i];
}
/* NULL: the merges are not such ones, or an error. */
tok_chain *tok_chain_new(const mx_tokenizer *t);
void tok_chain_free(tok_chain *c); /* NULL is fine */
/* Is each byte a piece, so that there is no word that it does not take? */
bool tok_chain_is_whole(const tok_chain *c);
/* The pieces of a word into job->symbol, from the first to the last. False: it has a character
   without a piece, or an error. */
bool tok_chain_run(tok_job *job, const tok_model *m, const tok_chain *c, tok_word w);
/* What words of BPE may be divided by, once all pieces and merges are there: by ranks of merges, or
   by scores, where any division of a piece may come together. */
bool tok_join_merges(mx_tokenizer *t);
bool tok_join_pieces(mx_tokenizer *t);
/* Where what begins at a byte of a word ends, so that it may be encoded alone. */
size_t tok_end_of_part(const tok_model *m, tok_word w, size_t at);
/* Bytes of what has no piece, or the unknown piece. */
void tok_put_unknown(tok_job *job, const tok_model *m, tok_word w, size_t at, size_t n);

/* --- patterns (steps/pattern.c) --------------------------------------------------------------- */

/* The next match in text[from, n). False: there is none, or (with an error) it takes too long. */
bool tok_pattern_next(const tok_pattern *p, const char *text, size_t n, size_t from, size_t *start,
                      size_t *end);
/* NULL and an error: it is no pattern, or one that is not understood. */
tok_pattern *tok_pattern_regex(const char *text, size_t n);
tok_pattern *tok_pattern_text(const char *text, size_t n);
/* Each character of a kind. */
tok_pattern *tok_pattern_class(bool (*is)(uint32_t c));
/* Without the scanner that stands for a known pattern; for tests. */
tok_pattern *tok_pattern_plain(const char *text, size_t n);
void tok_pattern_free(tok_pattern *p);

/* The end of the word that begins at p < end; for patterns that match everywhere (steps/scan.c). */
typedef const char *tok_scan(const char *p, const char *end);
/* NULL: it is none of the known ones. */
tok_scan *tok_scan_of(const char *pattern, size_t n);

/* --- from descriptions in the words of tokenizer.json (read/) --------------------------------- */

/* Each adds to the tokenizer's steps. NULL and null add none. */
bool tok_read_normalizer(mx_tokenizer *t, const json_t *j);
bool tok_read_splitter(mx_tokenizer *t, const json_t *j);
bool tok_read_decoder(mx_tokenizer *t, const json_t *j);
bool tok_read_template(mx_tokenizer *t, const json_t *j);
/* The same, of a text of the library's own. */
bool tok_read_text(mx_tokenizer *t, bool (*read)(mx_tokenizer *, const json_t *), const char *text);
/* Records "[tokenizer] 'file': ..." */
bool tok_fail(const mx_tokenizer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

tok_charsmap *tok_charsmap_new(const char *bytes, size_t n);
void tok_charsmap_free(tok_charsmap *m);
/* What the longest, or the shortest, beginning of p that has an entry becomes; its length, 0:
   none has. */
size_t tok_charsmap_find(const tok_charsmap *m, const char *p, size_t n, bool longest,
                         tok_text *to);
/* The text is copied. */
bool tok_add_token(mx_tokenizer *t, tok_added a);
/* Texts of the steps. */
bool tok_copy(tok_text *to, const char *p, size_t n);
/* After all are there: the search for them. */
bool tok_index_added(mx_tokenizer *t);

/* --- what models need besides their pieces (model/pieces.c) ----------------------------------- */

bool tok_set_unigram(mx_tokenizer *t);
bool tok_set_wordpiece(mx_tokenizer *t);
/* Of pieces with types and scores. keeps_user: the model does not divide pieces of the user. */
bool tok_set_pieces(mx_tokenizer *t, bool bpe, bool keeps_user);
bool tok_add_typed(mx_tokenizer *t, bool user);
bool tok_set_piece_decoders(mx_tokenizer *t, bool prefix, bool at_end);

/* --- files (read/json.c, read/gguf.c, read/piece.c) ------------------------------------------- */

bool tok_read_json(mx_tokenizer *t, const json_t *root);
bool tok_read_gguf(mx_tokenizer *t, const char *path);
bool tok_read_piece_model(mx_tokenizer *t, const char *bytes, size_t n);
/* What tokenizer_config.json, which stands beside, says of roles; of a tokenizer.model also of what
   is put around a text. */
bool tok_read_config(mx_tokenizer *t, const json_t *root);
/* Ids before and behind a text, -1: none. */
bool tok_set_template(mx_tokenizer *t, int32_t before, int32_t behind);
/* Of two texts, of which the second stands behind `between` (-1: nothing), and has this type. */
void tok_set_pair(mx_tokenizer *t, int32_t before, int32_t behind, int32_t between, int32_t type);

#endif
