/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sign is given, and how it tells what it found. */
#pragma once

#include "health.h"
#include "forgiven.h"

struct lease;

struct patient {
	const struct function *f;
	bool wanted, judged;
	struct health health;
	struct forgiven forgiven;
	const struct lease *claim; /* NULL: none */
	/* The kernel's last word, when it is not good. */
	enum health_state said;
	const char *means; /* static */
	char *line;
};

struct healths {
	struct host *h;
	const struct inventory *inv;
	struct patient *v; /* one for each function of inv */
	bool failed;	   /* memory ran out */
};

struct sign_run {
	struct healths *all;
	struct host *h;
	const struct function *f;
	struct patient *p;
	const struct health_sign *sign;
};

/* One finding. The fact is taken over (NULL: none); `next` is a format or NULL. */
void sign_found(struct sign_run *r, enum health_state state, struct fact *fact, const char *next,
	const char *fmt, ...) PRINTF(5, 6);
struct patient *patient_of(const struct healths *s, const struct function *f);

/* Reads the log once, for all patients. */
void read_log(struct healths *s);
/* Since the function came; false: the kernel does not count. */
bool errors_count(struct host *h, struct bdf a, struct health_errors *ret);

#define SIGN(id, name, explain) void sign_##id(struct sign_run *r);
#include "sign.def"
#undef SIGN
