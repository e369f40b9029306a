/* What the models need besides their pieces, and what files of SentencePiece and GGUF mean in the
 * words of tokenizer.json. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "models/json.h"
#include "models/tokenizer/parts.h"

/* --- tables of the models --------------------------------------------------------------------- */

static bool is_kind(const tok_piece *x, unsigned kinds) {
    return x->at != TOK_NO_PIECE && kinds >> x->type & 1;
}

static bool add_all(mx_tokenizer *t, tok_trie *trie, unsigned kinds, tok_text prefix) {
    for (size_t i = 0; i < t->vocab.count; i++) {
        tok_text s = tok_vocab_piece(&t->vocab, (int64_t)i);
        if (!is_kind(&t->vocab.piece[i], kinds) || s.n < prefix.n ||
            memcmp(s.p, prefix.n ? prefix.p : "", prefix.n) != 0)
            continue;
        if (!tok_trie_add(trie, (tok_text){s.p + prefix.n, s.n - prefix.n}, (int32_t)i))
            return false;
    }
    return true;
}

/* The unknown piece is worth ten less than the least. */
static void set_scores(mx_tokenizer *t, unsigned kinds) {
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < t->vocab.count; i++)
        if (is_kind(&t->vocab.piece[i], kinds)) {
            least = fmin(least, t->vocab.piece[i].score);
            most = fmax(most, t->vocab.piece[i].score);
        }
    t->model.unk_score = least - 10;
    t->model.most_score = most;
}

enum { ANY = ~0U, NORMAL = 1U << TOK_NORMAL, USER = 1U << TOK_USER };

bool tok_set_unigram(mx_tokenizer *t) {
    t->model.run = tok_model_unigram;
    t->model.fuse_unk = true;
    set_scores(t, NORMAL);
    return add_all(t, &t->model.trie, NORMAL | USER, (tok_text){"", 0});
}

bool tok_set_wordpiece(mx_tokenizer *t) {
    t->model.run = tok_model_wordpiece;
    return add_all(t, &t->model.trie, ANY, (tok_text){"", 0}) &&
           add_all(t, &t->model.inner, ANY, t->model.prefix);
}

/* --- SentencePiece ---------------------------------------------------------------------------- */

/* Pieces of control and the unknown one are added tokens; so are those of the user, unless the
   model
   keeps them whole itself. */
bool tok_add_typed(mx_tokenizer *t, bool user) {
    for (size_t i = 0; i < t->vocab.count; i++) {
        const tok_piece *x = &t->vocab.piece[i];
        bool special = x->type == TOK_CONTROL || x->type == TOK_UNKNOWN;
        tok_text s = tok_vocab_piece(&t->vocab, (int64_t)i);
        if (!s.p || s.n > TOK_MOST_ADDED || !(special || (user && x->type == TOK_USER)))
            continue;
        if (!tok_add_token(t, (tok_added){.text = s, .id = (int32_t)i, .special = special}))
            return false;
    }
    return true;
}

bool tok_set_pieces(mx_tokenizer *t, bool bpe, bool keeps_user) {
    tok_model *m = &t->model;
    t->kind = bpe ? "BPE" : "Unigram";
    m->unk = t->role[MX_TOKEN_UNK];
    m->single = m->fuse_unk = true;
    m->run = tok_model_scored_bpe;
    if (!bpe && !tok_set_unigram(t))
        return false;
    return (!keeps_user || add_all(t, &m->user, USER, (tok_text){"", 0})) &&
           tok_add_typed(t, !keeps_user);
}

/* --- steps in words --------------------------------------------------------------------------- */

bool tok_read_text(mx_tokenizer *t, bool (*read)(mx_tokenizer *, const json_t *),
                   const char *text) {
    json_t *j = mx_json_parse("tokenizer", t->name, text, strlen(text));
    bool ok = j && read(t, j);
    json_decref(j);
    return ok;
}

bool tok_set_piece_decoders(mx_tokenizer *t, bool prefix, bool at_end) {
    static const char common[] =
        "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": {\"String\": "
        "\"\xE2\x96\x81\"}, \"content\": \" \"}, {\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}]}";
    if (!tok_read_text(t, tok_read_decoder, common))
        return false;
    return !prefix ||
           tok_read_text(
               t, tok_read_decoder,
               at_end ? "{\"type\": \"Strip\", \"content\": \" \", \"start\": 0, \"stop\": 1}"
                      : "{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}");
}
