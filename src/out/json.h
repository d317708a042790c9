/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON by way of json-c, with the house's rules: absent facts are null, numbers are numbers, text
 * is printable. Memory that runs out while a tree is built is remembered in `failed`, so that
 * building reads straight down and only printing can fail.
 */
#pragma once

#include "out.h"

#include <json-c/json.h>
#include <stdint.h>

struct json {
	json_object *root; /* an object, owned */
	bool failed;
};

/* An empty object, to be given to json_done(). */
struct json json_start(void);
void json_done(struct json *j);
#define autojson CLEANUP(json_done) struct json

/*
 * Below: `to` is an object (key given) or an array (key NULL). Everything may be NULL after memory
 * ran out; that is no reason to stop building.
 */
json_object *json_add_object(struct json *j, json_object *to, const char *key);
json_object *json_add_array(struct json *j, json_object *to, const char *key);
void json_add_null(struct json *j, json_object *to, const char *key);
void json_add_bool(struct json *j, json_object *to, const char *key, bool v);
void json_add_u64(struct json *j, json_object *to, const char *key, uint64_t v);
/* Null when v is negative: how the domain rooms say "unknown". */
void json_add_known(struct json *j, json_object *to, const char *key, int64_t v);
/* Null, false, true for -1, 0, 1. */
void json_add_maybe(struct json *j, json_object *to, const char *key, int v);
/* Null when s is NULL. */
void json_add_str(struct json *j, json_object *to, const char *key, const char *s);
void json_add_fmt(struct json *j, json_object *to, const char *key, const char *fmt, ...)
	PRINTF(4, 5);

/* The whole tree and a line feed, as o->format asks. */
int json_print(const struct json *j, const struct out *o, struct problem **reterr);
