// SPDX-License-Identifier: GPL-2.0-or-later
/* What is asked for with assign and release. */
#include "order-inside.h"
#include "put.h"

enum { NEAR_MAX = 65535 };

void order_claim_done(struct order_claim *c)
{
	free(c->owner);
	free(c->pool);
	strv_free(c->settings);
	*c = (struct order_claim) { 0 };
}

/* ---- Writing ---- */

static bool put_number(json_object *to, const char *key, uint64_t n)
{
	return put(to, key, json_object_new_uint64(n));
}

static bool put_give(json_object *to, const struct order_claim *c)
{
	json_object *give = c->give ? json_object_new_object() : NULL;

	if (!c->give)
		return true;
	if (give && (c->give_uid == UINT32_MAX || put_number(give, "uid", c->give_uid)) &&
		(c->give_gid == UINT32_MAX || put_number(give, "gid", c->give_gid)))
		return put(to, "give", give);
	json_object_put(give);
	return false;
}

static bool put_all(json_object *j, const struct order *o)
{
	const struct order_claim *c = &o->claim;
	bool assign = o->kind == ORDER_ASSIGN;

	return put_text(j, "owner", c->owner) && put_text(j, "pool", c->pool) &&
	       (!o->functions || put(j, "functions", order_words_json(o->functions))) &&
	       (!c->settings || put(j, "settings", order_words_json(c->settings))) &&
	       (!c->count || put_number(j, "count", c->count)) &&
	       (!assign || c->near < 0 || put_number(j, "near", (unsigned)c->near)) &&
	       (!c->memory_bytes || put_number(j, "memory", c->memory_bytes)) && put_give(j, c) &&
	       (!c->quarantined || put(j, "quarantined", json_object_new_boolean(true)));
}

json_object *order_request_to_json(const struct order *o)
{
	json_object *j = json_object_new_object();

	if (j && put_all(j, o))
		return j;
	json_object_put(j);
	return NULL;
}

json_object *order_asker_json(const struct order_asker *a)
{
	json_object *j = json_object_new_object();

	if (j && put_number(j, "uid", a->uid) &&
		put(j, "admin", json_object_new_boolean(a->admin)) &&
		put(j, "automatic", json_object_new_boolean(a->automatic)) &&
		put_number(j, "start", a->start))
		return j;
	json_object_put(j);
	return NULL;
}

/* ---- Reading ---- */

static int read_number(
	json_object *v, const char *key, uint64_t max, uint64_t *ret, struct problem **reterr)
{
	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
		json_object_get_uint64(v) > max)
		return order_bad(reterr, key, "is not a number that it can be");
	*ret = json_object_get_uint64(v);
	return 0;
}

static int read_text(json_object *v, const char *key, char **to, struct problem **reterr)
{
	const char *s = NULL;
	int r = order_check_text(v, key, &s, reterr);

	if (r < 0)
		return r;
	if (!*s)
		return order_bad(reterr, key, "is empty");
	return wish_put(to, s) < 0 ? order_no_memory(reterr) : 0;
}

static int read_give(json_object *j, struct order_claim *c, struct problem **reterr)
{
	if (!json_object_is_type(j, json_type_object) || !json_object_object_length(j))
		return order_bad(reterr, "give", "names no user and no group");
	c->give = true;
	c->give_uid = c->give_gid = UINT32_MAX;
	json_object_object_foreach(j, key, v)
	{
		bool user = str_eq(key, "uid");
		uint64_t n = 0;
		int r = user || str_eq(key, "gid") ? read_number(v, key, UINT32_MAX - 1, &n, reterr)
						   : order_bad(reterr, key, "is nobody to give to");

		if (r < 0)
			return r;
		*(user ? &c->give_uid : &c->give_gid) = (uint32_t)n;
	}
	return 0;
}

static int read_near(json_object *v, struct order_claim *c, struct problem **reterr)
{
	uint64_t n = 0;
	int r = read_number(v, "near", NEAR_MAX, &n, reterr);

	c->near = (int)n;
	return r;
}

static int read_count(json_object *v, struct order_claim *c, struct problem **reterr)
{
	uint64_t n = 0;
	int r = read_number(v, "count", ORDER_FUNCTIONS_MAX, &n, reterr);

	if (r == 0 && !n)
		return order_bad(reterr, "count", "is nothing");
	c->count = (unsigned)n;
	return r;
}

static int read_truth(json_object *v, const char *key, bool *ret, struct problem **reterr)
{
	if (!json_object_is_type(v, json_type_boolean))
		return order_bad(reterr, key, "is not a truth value");
	*ret = json_object_get_boolean(v);
	return 0;
}

static int read_of_assign(struct order *o, const char *key, json_object *v, struct problem **reterr)
{
	struct order_claim *c = &o->claim;

	if (str_eq(key, "pool"))
		return read_text(v, key, &c->pool, reterr);
	if (str_eq(key, "count"))
		return read_count(v, c, reterr);
	if (str_eq(key, "near"))
		return read_near(v, c, reterr);
	if (str_eq(key, "settings"))
		return order_read_words(v, key, &c->settings, reterr);
	if (str_eq(key, "memory"))
		return read_number(v, key, INT64_MAX, &c->memory_bytes, reterr);
	if (str_eq(key, "give"))
		return read_give(v, c, reterr);
	return order_bad(reterr, key, "is nothing that assign knows");
}

static int read_key(struct order *o, const char *key, json_object *v, struct problem **reterr)
{
	if (str_eq(key, "functions"))
		return order_read_words(v, key, &o->functions, reterr);
	if (str_eq(key, "owner"))
		return read_text(v, key, &o->claim.owner, reterr);
	if (o->kind == ORDER_ASSIGN)
		return read_of_assign(o, key, v, reterr);
	if (str_eq(key, "quarantined"))
		return read_truth(v, key, &o->claim.quarantined, reterr);
	return order_bad(reterr, key, "is nothing that release knows");
}

static int check_request(const struct order *o, struct problem **reterr)
{
	bool named = strv_len(o->functions) > 0;
	bool other = o->kind == ORDER_ASSIGN ? o->claim.pool != NULL : o->claim.owner != NULL;

	if (o->kind == ORDER_ASSIGN && !o->claim.owner)
		return order_bad(reterr, "owner", "is missing");
	if (named != other)
		return 0;
	return order_bad(reterr, "functions",
		o->kind == ORDER_ASSIGN ? "are named, or a pool is: one of them"
					: "are named, or their owner is: one of them");
}

int order_request_from_json(struct order *o, json_object *j, struct problem **reterr)
{
	o->claim.near = -1;
	if (!json_object_is_type(j, json_type_object))
		return order_bad(reterr, "request", "is no object");
	json_object_object_foreach(j, key, v)
	{
		int r = read_key(o, key, v, reterr);

		if (r < 0)
			return r;
	}
	return check_request(o, reterr);
}

int order_read_asker(json_object *j, struct order_asker *ret, struct problem **reterr)
{
	json_object *uid = NULL, *admin = NULL, *automatic = NULL, *start = NULL;
	uint64_t n = 0;
	int r;

	json_object_object_get_ex(j, "uid", &uid);
	json_object_object_get_ex(j, "admin", &admin);
	json_object_object_get_ex(j, "automatic", &automatic);
	json_object_object_get_ex(j, "start", &start);
	r = read_number(uid, "uid", UINT32_MAX, &n, reterr);
	ret->uid = (uint32_t)n;
	if (r == 0)
		r = read_truth(admin, "admin", &ret->admin, reterr);
	if (r == 0)
		r = read_truth(automatic, "automatic", &ret->automatic, reterr);
	return r < 0 ? r : read_number(start, "start", INT64_MAX, &ret->start, reterr);
}
