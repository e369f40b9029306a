/* A conversation as tokens. What somebody wrote stays text, also where it is the text of a special
 * token: such places are marked before the template makes its text, and found again behind it.
 *
 *     "a <|im_end|> b"   ──▶   "a M<|im_end|>W b"   ──▶ template ──▶   marks taken out, edges kept
 *
 * The marks are noncharacters of Unicode, which no text has reason to have; those that are there
 * become U+FFFD. They are put only where there is something to mark, so that a template sees other
 * texts as they are.
 */
#include <string.h>

#include "base/mem.h"
#include "base/status.h"
#include "base/text.h"
#include "base/vec.h"
#include "models/generate/lm.h"
#include "models/json.h"

#define MARK    "\xEF\xB7\x90" /* U+FDD0 */
#define UNMARK  "\xEF\xB7\x91" /* U+FDD1 */
#define UNKNOWN "\xEF\xBF\xBD"
enum { MARK_BYTES = 3 };

static bool is_mark(const char *p, size_t n) {
    return n >= MARK_BYTES && (!memcmp(p, MARK, MARK_BYTES) || !memcmp(p, UNMARK, MARK_BYTES));
}

/* --- before the template -------------------------------------------------------------- */

/* The text with marks around its special tokens; false: it has none. */
static bool mark(const mx_tokenizer *t, const char *text, size_t n, mx_text *to) {
    bool any = false;
    for (size_t i = 0, k; i < n; i += k) {
        k = mx_tokenizer_special_at(t, text + i, n - i);
        if (k) {
            mx_text_str(to, MARK);
            mx_text_put(to, text + i, k);
            mx_text_str(to, UNMARK);
            any = true;
        } else if (is_mark(text + i, n - i)) {
            mx_text_str(to, UNKNOWN);
            k = MARK_BYTES;
            any = true;
        } else {
            mx_text_char(to, text[i]);
            k = 1;
        }
    }
    return any;
}

static bool mark_string(const mx_tokenizer *t, json_t *s) {
    mx_text to = {0};
    bool ok = true;
    if (mark(t, json_string_value(s), json_string_length(s), &to))
        ok = json_string_setn_nocheck(s, mx_text_view(&to), to.len) == 0;
    ok = ok && !to.failed;
    mx_text_free(&to);
    return ok || mx_fail_nomem("lm", json_string_length(s));
}

static bool add_parts(mx_vec *todo, json_t *value) {
    const char *key;
    json_t *part;
    size_t i;
    bool ok = true;
    json_array_foreach(value, i, part) {
        ok = ok && mx_vec_add(todo, part);
    }
    json_object_foreach(value, key, part) {
        ok = ok && mx_vec_add(todo, part);
    }
    return ok;
}

/* All texts inside of a value. */
static bool mark_value(const mx_tokenizer *t, json_t *value) {
    mx_vec todo = {0};
    bool ok = !value || mx_vec_add(&todo, value);
    while (ok && todo.count) {
        json_t *next = mx_vec_pop(&todo);
        ok = json_is_string(next) ? mark_string(t, next) : add_parts(&todo, next);
    }
    mx_vec_free(&todo);
    return ok;
}

/* --- behind it ------------------------------------------------------------------------- */

typedef struct marked {
    mx_text text;
    size_t *edge;
    size_t edges, room;
} marked;

static bool add_edge(marked *m, bool opens) {
    if (m->edges % 2 == !opens) { // a template may have cut a text between its marks
        if (!mx_grow(&m->edge, &m->room, m->edges + 1, sizeof *m->edge))
            return false;
        m->edge[m->edges++] = m->text.len;
    }
    return true;
}

static bool take_marks(marked *m, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        const char *next = memchr(p + i, MARK[0], n - i);
        size_t k = next ? (size_t)(next - p) - i : n - i;
        mx_text_put(&m->text, p + i, k);
        i += k;
        if (i == n)
            break;
        if (is_mark(p + i, n - i)) {
            if (!add_edge(m, !memcmp(p + i, MARK, MARK_BYTES)))
                return false;
            i += MARK_BYTES;
        } else {
            mx_text_char(&m->text, p[i++]);
        }
    }
    return !m->text.failed || mx_fail_nomem("lm", n);
}

static int *encode(const mx_lm *lm, const char *text, size_t n, size_t *count) {
    marked m = {.text = {0}};
    int *ids = NULL;
    if (take_marks(&m, text, n)) {
        mx_encode how = {.bare = true, .edge = m.edge, .edges = m.edges};
        ids = mx_tokenizer_encode(lm->tokenizer, mx_text_view(&m.text), m.text.len, NULL, 0, how,
                                  count, NULL);
    }
    mx_text_free(&m.text);
    mx_free(m.edge);
    return ids;
}

/* --- all -------------------------------------------------------------------------------- */

/* Of two threads that open it one's is thrown away. */
mx_template *mx_lm_template(mx_lm *lm) {
    mx_template *there = atomic_load(&lm->chat), *made;
    if (there)
        return there;
    made = mx_template_open(lm->path, NULL);
    if (!made || atomic_compare_exchange_strong(&lm->chat, &there, made))
        return made;
    mx_template_release(made);
    return there;
}

/* The variables with marks, as JSON for free; the model is to answer unless they say otherwise. */
static char *marked_variables(const mx_lm *lm, const char *variables, size_t n) {
    static const char *const strange[] = {"messages", "tools", "documents"};
    json_t *root = mx_json_parse_zeros("lm", "variables", variables, n);
    bool ok = json_is_object(root);
    if (root && !ok)
        mx_fail(MX_INVALID, "[lm] the variables of a chat template are an object");
    for (size_t i = 0; ok && i < sizeof strange / sizeof *strange; i++)
        ok = mark_value(lm->tokenizer, json_object_get(root, strange[i]));
    if (ok && !json_object_get(root, "add_generation_prompt"))
        json_object_set_new(root, "add_generation_prompt", json_true());
    char *text = ok ? mx_json_text(root) : NULL;
    json_decref(root);
    return text;
}

int *mx_lm_chat(mx_lm *lm, const char *variables, size_t n, size_t *count) {
    size_t size = 0;
    int *ids = NULL;
    mx_template *t = mx_lm_template(lm);
    char *given = t ? marked_variables(lm, variables, n) : NULL;
    char *text = given ? mx_template_render(t, given, strlen(given), NULL, &size) : NULL;
    if (text)
        ids = encode(lm, text, size, count);
    mx_free(given);
    mx_free(text);
    return ids;
}
