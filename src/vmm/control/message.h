/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request on the control socket: one line, one JSON object without objects or arrays in it. That
 * is all that is understood, so that little can go wrong; whoever asks for more is told so.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_KEYS_MAX = 16 };

struct message {
	struct {
		const char *key, *value; /* the text of strings, numbers, "true", "false", "null" */
		bool is_string;
	} pairs[MESSAGE_KEYS_MAX];
	size_t n;
};

/* Cuts `line`, into which *ret points. PROBLEM_USAGE. */
int message_parse(char *line, struct message *ret, struct problem **reterr);
/* NULL: absent, or no string. */
const char *message_str(const struct message *m, const char *key);
/* `otherwise` when it is absent; -EINVAL when it is no such number. */
int message_u32(const struct message *m, const char *key, uint32_t otherwise, uint32_t *ret);
int message_bool(const struct message *m, const char *key, bool otherwise, bool *ret);
