/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of orders, for the files that read and write them. */
#pragma once

#include "order.h"

/* PROBLEM_USAGE: 'KEY' WHY. */
int order_bad(struct problem **reterr, const char *key, const char *why);
int order_no_memory(struct problem **reterr);
/* A short printable text; *ret is the object's. */
int order_check_text(
	struct json_object *v, const char *key, const char **ret, struct problem **reterr);
int order_read_words(struct json_object *j, const char *key, char ***to, struct problem **reterr);
struct json_object *order_words_json(char *const *words);

/* ---- Claims: order-claim.c ---- */

void order_claim_done(struct order_claim *c);
struct json_object *order_asker_json(const struct order_asker *a);
int order_read_asker(struct json_object *j, struct order_asker *ret, struct problem **reterr);

/* ---- Opening: order-guest.c ---- */

struct json_object *order_guest_json(const struct order_guest *g);
/* From the order's "guest". */
int order_read_guest(struct json_object *order, struct order_guest *ret, struct problem **reterr);
