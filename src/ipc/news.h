/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told of work while it goes on, by the worker to the daemon and by the daemon to who
 * asked: a JSON object each,
 *
 *   {"news":"result","action":{…},"word":"vlan=9","code":1,"problem":{…}}     a step
 * (plan/action.h)
 *   {"news":"line","subject":"0000:01:10.0","text":"reset by flr","code":1}   of a reset
 *   {"news":"line",…,"code":-16,"pid":4712,"problem":{…}}                     he has it open
 *   {"news":"waiting","text":"waiting for …","waited-ms":1000}
 *   {"news":"note","text":…,"hint":…}
 *   {"news":"recovered","id":17,"text":"create eth0 4","how":"undone","problem":{…}}
 *   {"news":"answer","text":"{\"functions\":…}"}                               of a look
 *   {"news":"ended","code":1,"id":18,"problem":{…}}                            always the last
 */
#pragma once

#include "base/problem.h"
#include "plan/journal.h"

#include <stdint.h>

enum news_kind {
	NEWS_RESULT,
	NEWS_LINE,
	NEWS_WAITING,
	NEWS_NOTE,
	NEWS_RECOVERED,
	NEWS_ANSWER,
	NEWS_ENDED,
	NEWS_KINDS
};

struct news {
	enum news_kind kind;
	int code;	      /* result, line, ended: 1 changed, 0 was so, negative errno */
	struct action action; /* result */
	char *subject;	      /* line */
	char *text;	      /* the word of a setting (NULL: none); and as above */
	char *hint;
	unsigned waited_ms;
	int pid;     /* line: of who stands in the way; 0: nobody, or unknown */
	unsigned id; /* of the journal; 0: none */
	enum journal_end how;
	struct problem *problem;
};

/* For news that borrow what they tell: they are written out and not done with. */
static inline char *news_borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

void news_done(struct news *n);
#define autonews CLEANUP(news_done) struct news

const char *news_name(enum news_kind kind);
/* One line of text without a line feed; the fields are borrowed. NULL: no memory. */
char *news_to_text(const struct news *n) NODISCARD;
/* -EINVAL: no news. */
int news_from_text(const char *text, struct news *ret);
