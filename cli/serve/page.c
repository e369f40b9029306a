/* GET / is the chat page, which is in the program. Its script and its style carry a word that is
 * new each time, and the browser runs nothing else. */
#include <string.h>

#include "serve/job.h"

extern const char cli_chat_html[]; /* page.html */

static void put_page(srv_text *out, const char *word) {
    static const char place[] = "@NONCE@";
    const char *at = cli_chat_html, *found;
    for (; (found = strstr(at, place)); at = found + sizeof place - 1) {
        srv_text_put(out, at, (size_t)(found - at));
        srv_text_add(out, word);
    }
    srv_text_add(out, at);
}

bool srv_page(srv_call *c) {
    char word[40];
    if (!c->server->o.page) {
        srv_fail(&c->fault, 404, "there is no page here (--no-page)");
        return srv_answer_fault(c);
    }
    srv_make_id(word, sizeof word, "");
    snprintf(c->policy, sizeof c->policy,
             "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; "
             "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
             word, word);
    c->status = 200;
    c->type = "text/html; charset=utf-8";
    put_page(&c->out, word);
    return !c->out.failed;
}
