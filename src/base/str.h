/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings: building, comparing, splitting, and numbers out of text. */
#pragma once

#include "attr.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static inline bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix);

/* Allocated printf. NULL when memory is out. */
char *str_printf(const char *fmt, ...) PRINTF(1, 2) NODISCARD;

/* Cuts white space at both ends, in place. Returns the first kept character. */
char *str_trim(char *s);

/*
 * A copy in which bytes that a terminal could obey (control characters, those that turn the
 * direction of text, and bytes that are not UTF-8) are written as \xNN: names out of sysfs or a
 * guest are never printed raw.
 */
char *str_printable(const char *s) NODISCARD;

/* Whether that copy would be the same. */
bool str_is_printable(const char *s);

/*
 * Whole-string numbers: decimal, or hexadecimal after 0x. No sign, no white space, no rest.
 * -EINVAL for anything that is not a number, -ERANGE when it does not fit.
 */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
/* As parse_u64 but always hexadecimal, 0x optional: the form of sysfs "vendor" and friends. */
int parse_hex(const char *s, uint64_t *ret);
/* A number of bytes with an optional K, M, G or T suffix (powers of 1024), "512M". */
int parse_bytes(const char *s, uint64_t *ret);
/* yes/no, on/off, true/false, 1/0. */
int parse_bool(const char *s, bool *ret);

/* "6ba7b810-9dad-11d1-80b4-00c04fd430c8", in either case. */
bool str_is_uuid(const char *s);

/* Levenshtein distance, for "did you mean". */
unsigned str_distance(const char *a, const char *b);

/*
 * The candidate that `s` was probably meant to be: one that differs in at most a third of the
 * letters (two at least), or begins with `s`. NULL when none is near. Borrowed from `candidates`.
 */
const char *strv_nearest(char *const *candidates, const char *s);

/* A text that grows. Zero-initialise; after a failed append `failed` stays set and `s` stays valid.
 */
struct strbuf {
	char *s;
	size_t len, cap;
	bool failed;
};

void strbuf_done(struct strbuf *b);
void strbuf_add(struct strbuf *b, const char *fmt, ...) PRINTF(2, 3);
void strbuf_add_bytes(struct strbuf *b, const void *data, size_t len);
/* A JSON string, quotes and all, in ASCII whatever `s` is: each other byte is escaped. */
void strbuf_add_json(struct strbuf *b, const char *s);
/* As parse_bytes() takes it, with the largest suffix that leaves no rest: "512M". */
void strbuf_add_size(struct strbuf *b, uint64_t bytes);
/* The text, now the caller's; NULL if any append failed. An empty buffer gives "". */
char *strbuf_take(struct strbuf *b) NODISCARD;
#define autostrbuf CLEANUP(strbuf_done) struct strbuf

/* A NULL-terminated list of owned strings. */
void strv_free(char **v);
size_t strv_len(char *const *v);
bool strv_has(char *const *v, const char *s);
/* Appends a copy; on -ENOMEM the list is as it was. *v may be NULL. */
int strv_add(char ***v, const char *s);
void strv_sort(char **v);
static inline void strv_freep(char ***v)
{
	strv_free(*v);
}
#define autostrv	    CLEANUP(strv_freep)
#define STRV_FOREACH(it, v) for (char *const *it = (v); it && *it; it++)
