/* Answers whose parts are told one behind the other: see job.h. */
#include "serve/job.h"

static const srv_text *said(const srv_choice *c) {
    return c->block_kind == CLI_PIECE_REASONING ? &c->reasoning : &c->text;
}

void srv_part_open(srv_choice *c, cli_piece_kind kind, size_t n) {
    c->block_kind = kind;
    c->block = (int)json_array_size(c->job->done);
    c->block_from = kind == CLI_PIECE_CALL ? 0 : said(c)->n - n;
}

const char *srv_part_text(const srv_choice *c, size_t *n) {
    *n = said(c)->n - c->block_from;
    return said(c)->n ? said(c)->data + c->block_from : "";
}

void srv_part_keep(srv_job *j, json_t *part) {
    if (!part || json_array_append_new(j->done, part))
        srv_fail(&j->call->fault, 500, "out of memory");
}
