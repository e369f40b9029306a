/* Conversations in the shape that chat templates take:
 *
 *     [{role, content: text, reasoning_content?, tool_calls?: [{id, type, function: {name,
 *       arguments: object}}], tool_call_id?, name?}]
 *     [{type: "function", function: {name, description?, parameters?}}]
 *
 * and what protocols have in common when they make it.
 */
#ifndef SERVE_MESSAGES_H
#define SERVE_MESSAGES_H

#include "serve/params.h"

enum { SRV_MOST_TOOLS = 512 };

/* One more, of these parts (taken over; NULL: not there). False: a fault. */
bool srv_message_add(json_t *list, const char *role, json_t *content, json_t *calls,
                     json_t *reasoning, srv_fault *f);
/* A call in a message. Arguments: an object, or a text that is one; `field` for the fault. NULL and
   a fault. */
json_t *srv_message_call(const char *id, const json_t *name, const json_t *arguments,
                         const char *field, srv_fault *f);
/* A tool of this object's name, description, strict, and parameters under that name; the name is
   checked. NULL and a fault. */
json_t *srv_tool(const json_t *object, const char *parameters, const char *field, srv_fault *f);

/* The text of a content: a text, or a list of parts of which each has a type of the table and a
   text under that name's key. NULL and a fault. */
typedef struct srv_part {
    const char *type;    /* NULL ends a table */
    const char *key;     /* of its text; NULL: the part is passed over */
    const char *refusal; /* why it is refused; NULL */
    const srv_field *fields;
} srv_part;
json_t *srv_content_text(const json_t *content, const srv_part *parts, const char *field,
                         srv_fault *f);

/* Tool i as the function {name, parameters} that a call of it is held to: its parameters can stand
   in another schema, and allow objects alone. NULL: no memory. */
json_t *srv_tool_held(const srv_params *p, size_t i);
/* The schemas of the tools that calls are held to, as they were given, ended by one without a text,
   for srv_schemas_free. name NULL: of all of them. NULL: no memory. */
srv_schema *srv_tool_schemas(const srv_params *p, const char *name, size_t n);
void srv_schemas_free(srv_schema *all);
/* May an object match it? Where that is not seen at once, yes. */
bool srv_allows_object(const json_t *schema);

/* How tools may be called, in any protocol's words. */
typedef enum srv_choose { SRV_MAY, SRV_MUST, SRV_MUST_NOT, SRV_MUST_THIS } srv_choose;
/* Sets p->tools (taken over: a list of srv_tool's) and what is forced. */
bool srv_tools_choose(srv_params *p, json_t *tools, srv_choose how, const char *name,
                      const char *field, srv_fault *f);
/* The answer goes on from the last message if that is the assistant's text; with `must` it has to
   be. `field`: what asks for it. */
bool srv_go_on(srv_params *p, bool must, const char *field, srv_fault *f);
/* A variable more for the template; the value is taken over. */
bool srv_variable(srv_params *p, const char *name, json_t *value, srv_fault *f);
/* Whether the model is to think, and how hard (NULL: not said); `field` asks for it. */
bool srv_think(srv_params *p, bool thinks, const char *effort, const char *field, srv_fault *f);
/* The same in OpenAI's word, "none" among them; NULL: nothing is said. */
bool srv_effort(srv_params *p, const char *effort, const char *field, srv_fault *f);

/* messages and tools of OpenAI's chat into the parameters. */
bool srv_chat_messages(srv_params *p, const json_t *messages, srv_fault *f);
bool srv_chat_tools(srv_params *p, const json_t *tools, const json_t *choice, srv_fault *f);

/* Where a chat template has the tools in the system's message, as a text (Phi-4's), and nowhere
   else: messages with them there; else `messages`, retained. NULL: there is no memory. */
json_t *srv_messages_for(const char *chat, json_t *messages, const json_t *tools);

#endif
