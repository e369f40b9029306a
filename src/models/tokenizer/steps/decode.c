/* Decoders: what makes a text of pieces. */
#define _GNU_SOURCE // memmem
#include <string.h>

#include "base/vec.h"
#include "models/tokenizer/parts.h"

static void add(tok_list *to, tok_text s) {
    tok_put(&to->text, s.p, s.n);
    tok_list_end(to);
}

/* --- bytes ------------------------------------------------------------------------------------ */

void tok_put_bytes(tok_bytes *to, tok_text s) {
    size_t before = to->n;
    uint32_t c;
    for (size_t at = 0; at < s.n; at += tok_step(s.p + at, s.p + s.n, &c)) {
        tok_step(s.p + at, s.p + s.n, &c);
        int b = tok_byte_of_char(c);
        if (b < 0) {
            to->n = before;
            tok_put(to, s.p, s.n);
            return;
        }
        tok_put(to, (char[]){(char)b}, 1);
    }
}

/* U+FFFD for what is no UTF-8, but for the beginning of a character at an open end. */
static void put_clean(tok_bytes *to, tok_text s, bool open) {
    tok_bytes room = {0};
    size_t rest = open ? tok_open_end(s.p, s.n) : 0;
    tok_text c = tok_clean(s.p, s.n - rest, &room);
    tok_put(to, c.p, c.n);
    tok_put(to, s.p + s.n - rest, rest);
    tok_free(&room);
}

void tok_decode_bytes(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    (void)self;
    tok_bytes all = {0};
    for (size_t i = 0; i < from->n; i++)
        tok_put_bytes(&all, tok_list_at(from, i));
    if (all.n)
        put_clean(&to->text, (tok_text){all.p, all.n}, open);
    tok_list_end(to);
    tok_free(&all);
}

static int hex(char c) {
    const char *all = "0123456789ABCDEFabcdef", *at = c ? strchr(all, c) : NULL;
    return !at ? -1 : at - all < 16 ? (int)(at - all) : (int)(at - all) - 6;
}

int tok_byte_of_piece(tok_text s) {
    if (s.n != 6 || memcmp(s.p, "<0x", 3) != 0 || s.p[5] != '>')
        return -1;
    int high = hex(s.p[3]), low = hex(s.p[4]);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
}

/* A run of bytes: text, or U+FFFD for each of them. A stream cannot wait for a run's end and shows
   the characters that are whole. */
static void put_run(tok_list *to, tok_bytes *run, bool open, bool streams) {
    bool valid = tok_is_valid(run->p, run->n);
    for (size_t i = 0; !valid && !streams && i < run->n; i++)
        tok_put_char(&to->text, 0xFFFD);
    if (valid || streams)
        put_clean(&to->text, (tok_text){run->p, run->n}, open);
    tok_list_end(to);
    run->n = 0;
}

void tok_decode_fallback(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    tok_bytes run = {0};
    (void)self;
    for (size_t i = 0; i < from->n; i++) {
        int b = tok_byte_of_piece(tok_list_at(from, i));
        if (b >= 0) {
            tok_put(&run, (char[]){(char)b}, 1);
            continue;
        }
        if (run.n)
            put_run(to, &run, false, open);
        add(to, tok_list_at(from, i));
    }
    if (run.n)
        put_run(to, &run, open, open);
    tok_free(&run);
}

/* --- characters ------------------------------------------------------------------------------- */

void tok_decode_fuse(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    (void)self;
    (void)open;
    add(to, (tok_text){from->text.p, from->text.n});
}

static bool begins(tok_text s, tok_text with) {
    return with.n && s.n >= with.n && !memcmp(s.p, with.p, with.n);
}

static bool ends(tok_text s, tok_text with) {
    return with.n && s.n >= with.n && !memcmp(s.p + s.n - with.n, with.p, with.n);
}

void tok_decode_strip(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    tok_text c = self->text;
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        tok_text s = tok_list_at(from, i);
        for (size_t k = 0; k < self->start && begins(s, c); k++)
            s.p += c.n, s.n -= c.n;
        for (size_t k = 0; k < self->stop && ends(s, c); k++)
            s.n -= c.n;
        add(to, s);
    }
}

void tok_decode_replace(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        tok_replace(self->pattern, self->with, tok_list_at(from, i), &to->text);
        tok_list_end(to);
    }
}

/* `with` for each `what`. */
static void put_swapped(tok_bytes *to, tok_text s, tok_text what, tok_text with) {
    for (const char *end = s.p + s.n; s.n;) {
        const char *at = what.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
        tok_put(to, s.p, at ? (size_t)(at - s.p) : s.n);
        if (!at)
            return;
        tok_put(to, with.p, with.n);
        s.p = at + what.n;
        s.n = (size_t)(end - s.p);
    }
}

void tok_decode_space(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        bool drop = i == 0 && self->scheme != TOK_NEVER;
        put_swapped(&to->text, tok_list_at(from, i), self->text, (tok_text){" ", !drop});
        tok_list_end(to);
    }
}

/* --- words ------------------------------------------------------------------------------------ */

/* English punctuation without the space before it. */
static void put_cleaned(tok_bytes *to, tok_text s, bool clean) {
    static const char *const pairs[][2] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    tok_bytes room[2] = {0};
    for (size_t i = 0; clean && i < sizeof pairs / sizeof *pairs; i++) {
        tok_text what = {pairs[i][0], strlen(pairs[i][0])},
                 with = {pairs[i][1], strlen(pairs[i][1])};
        room[i & 1].n = 0;
        put_swapped(&room[i & 1], s, what, with);
        s = (tok_text){room[i & 1].p ? room[i & 1].p : "", room[i & 1].n};
    }
    tok_put(to, s.p, s.n);
    tok_free(&room[0]);
    tok_free(&room[1]);
}

void tok_decode_wordpiece(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    tok_bytes word = {0};
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        tok_text s = tok_list_at(from, i);
        bool continues = i && begins(s, self->text);
        size_t cut = continues ? self->text.n : 0;
        word.n = 0;
        if (i && !continues)
            tok_put(&word, " ", 1);
        tok_put(&word, s.p + cut, s.n - cut);
        put_cleaned(&to->text, (tok_text){word.p ? word.p : "", word.n}, self->cleanup);
        tok_list_end(to);
    }
    tok_free(&word);
}

void tok_decode_suffix(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        bool last = i + 1 == from->n;
        put_swapped(&to->text, tok_list_at(from, i), self->text, (tok_text){" ", !last});
        tok_list_end(to);
    }
}

static bool same(tok_text a, tok_text b) {
    return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

void tok_decode_ctc(const tok_decode *self, const tok_list *from, tok_list *to, bool open) {
    tok_bytes word = {0}, clean = {0};
    (void)open;
    for (size_t i = 0; i < from->n; i++) {
        tok_text s = tok_list_at(from, i);
        if (i && same(s, tok_list_at(from, i - 1)))
            continue;
        word.n = clean.n = 0;
        put_swapped(&word, s, self->text, (tok_text){"", 0});
        put_cleaned(&clean, (tok_text){word.p ? word.p : "", word.n}, self->cleanup);
        tok_text with = self->cleanup ? (tok_text){" ", 1} : self->with;
        put_swapped(&to->text, (tok_text){clean.p ? clean.p : "", clean.n}, self->with, with);
        if (clean.n)
            tok_list_end(to);
    }
    tok_free(&word);
    tok_free(&clean);
}
