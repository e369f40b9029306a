/* Heads of messages, as gpt-oss writes them (the Harmony format):
 *
 *     <|start|>assistant to=functions.NAME<|channel|>commentary <|constrain|>json<|message|>...
 *     └─ role ─────────┘└─ recipient ────┘└─ channel ─────────────────────────────┘
 *
 * each of which may not be there; a recipient also stands behind the channel.
 */
#include <string.h>

#include "answer/style.h"

static const char addressed[] = "to=functions.", channel[] = "<|channel|>", start[] = "<|start|>",
                  recipient[] = "to=";

static const char *skip_spaces(const char *at) {
    return at + strspn(at, " \t\n\r");
}

static const char *skip_word(const char *at) {
    return at + strcspn(at, " \t\n\r<");
}

const char *cli_answer_head_name(const char *head, size_t *n) {
    if (!head || !*head)
        return NULL;
    const char *at = strstr(head, addressed);
    if (at)
        at += sizeof addressed - 1;
    *n = at ? (size_t)(skip_word(at) - at) : strlen(head);
    return at ? at : head;
}

int cli_answer_head_leads(const char *head) {
    if (strstr(head, addressed))
        return IN_CALL;
    return strstr(head, "analysis") ? IN_REASONING : IN_TEXT;
}

bool cli_answer_head_goes_on(const char *head, const char *marker) {
    return strcmp(marker, "<|message|>") == 0 ||
           (strcmp(marker, channel) == 0 && !strstr(head, channel));
}

/* Words between role and channel, before a recipient: a head has none there. */
static answer_part words_of(const char *head) {
    bool begins = strncmp(head, start, sizeof start - 1) == 0;
    const char *from = begins ? skip_word(head + sizeof start - 1) : head;
    const char *end = strstr(from, channel), *to = strstr(from, recipient);
    end = end ? end : from + strlen(from);
    return (answer_part){from, to && to < end ? to : end};
}

/* Does it say more than the name of a channel? */
static bool says_more(const char *head) {
    const char *at = strstr(head, channel);
    at = at ? skip_spaces(at + sizeof channel - 1) : "";
    return strstr(head, recipient) || *skip_spaces(skip_word(at));
}

answer_part cli_answer_head_text(const char *head, bool goes_on) {
    answer_part words = words_of(head), none = {NULL, NULL};
    const char *end = head + strlen(head);
    if (skip_spaces(words.at) < words.end)
        return goes_on ? words : (answer_part){words.at, end};
    return !goes_on && says_more(head) ? (answer_part){head, end} : none;
}
