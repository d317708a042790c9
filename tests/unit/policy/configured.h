/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine with configuration, and what became of it. */
#pragma once

#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "policy/policy.h"

#include <stdio.h>

#define ETH0  "0000:01:00.0" /* igb with four VFs on igbvf */
#define ETH1  "0000:02:00.0" /* igb without */
#define NVME  "0000:03:00.0"
#define MATCH "[Match]\nName=eth0\n"

struct fixture {
	struct host *h;
	struct inventory *inv;
	struct policy *p;
	char dir[64];
};

static inline UNUSED int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_put(f->h, "0123456789abcdef0123456789abcdef\n", "/etc/machine-id");
	strcpy(f->dir, "/tmp/vfctl-policy-XXXXXX");
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static inline UNUSED int teardown(void **state)
{
	struct fixture *f = *state;
	autofree char *cmd = str_printf("rm -rf '%s'", f->dir);
	int hangs = (int)fake_hangs(f->h);

	policy_free(f->p);
	if (f->inv)
		inventory_free(f->inv);
	host_free(f->h);
	free(f);
	return system(cmd) + hangs;
}

static inline UNUSED void etc(struct fixture *f, const char *name, const char *text)
{
	fake_put(f->h, text, "/etc/vfctl/pf.d/%s", name);
}

static inline UNUSED void load(struct fixture *f)
{
	const struct policy_opts opts = { .identity_dir = f->dir };

	policy_free(TAKE_PTR(f->p));
	if (f->inv)
		inventory_free(TAKE_PTR(f->inv));
	assert_int_equal(inventory_load(f->h, 0, &f->inv, NULL), 0);
	assert_int_equal(policy_load(f->h, f->inv, &opts, &f->p), 0);
}

/* "x.conf:3:5 error unknown-key WHAT (HINT)", one a line, without the folders. */
static inline UNUSED char *findings(struct fixture *f)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < f->p->findings.n; i++) {
		const struct finding *fd = &f->p->findings.v[i];
		const char *name = strstr(fd->file, "pf.d/");

		strbuf_add(&b, "%s:%u:%u %s %s %s", name ? name + 5 : fd->file, fd->pos.line,
			fd->pos.column, finding_level_name(fd->level), finding_kind_name(fd->kind),
			fd->what);
		if (fd->hint)
			strbuf_add(&b, " (%s)", fd->hint);
		strbuf_add(&b, "\n");
	}
	return strbuf_take(&b);
}

static inline UNUSED void assert_findings(struct fixture *f, const char *want)
{
	autofree char *got = findings(f);

	assert_string_equal(got, want);
}

static inline UNUSED const struct policy_pf *pf_of(struct fixture *f, const char *address)
{
	for (size_t i = 0; i < f->p->n_pfs; i++)
		if (str_eq(f->p->pfs[i].f->address, address))
			return &f->p->pfs[i];
	return NULL;
}

/* The same, which must be there. */
static inline UNUSED const struct policy_pf *need_pf(struct fixture *f, const char *address)
{
	const struct policy_pf *p = pf_of(f, address);

	if (!p) {
		fail_msg("%s is not configured", address);
		abort();
	}
	return p;
}

/* The value of a VF's key, or of the PF's with vf -1; "-" for none. */
static inline UNUSED const char *value(struct fixture *f, const char *pf, int vf, const char *key)
{
	const struct policy_pf *p = need_pf(f, pf);
	const struct policy_value *v;

	v = policy_target_get(vf < 0 ? &p->self : &p->vfs[vf], key);
	return v ? v->text : "-";
}
