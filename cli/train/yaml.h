/* YAML as JSON: the part of it that files of options need.
 *
 * Scalars are those of YAML 1.2's core schema (null, true, false, integers, floats, texts) in
 * mappings and lists, in one document. What two versions of YAML read otherwise (yes, 010), aliases
 * and tags are refused, so that a file means one thing. libyaml parses it; it is loaded when there
 * is such a file.
 */
#ifndef CLI_TRAIN_YAML_H
#define CLI_TRAIN_YAML_H

#include "model/model.h"

/* An object; NULL after the reason was said, with the line. */
json_t *cli_yaml_load(cli_call *c, const char *path);

#endif
