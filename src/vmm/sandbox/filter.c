/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include "rules.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/*
 * Of the first rank is what stands between two trips into the guest, or is done for each request of
 * its devices; the rest keeps the order of the numbers.
 */
static int set_priorities(scmp_filter_ctx ctx)
{
	static const int often[] = { SYS_ioctl, SYS_read, SYS_write, SYS_epoll_wait, SYS_preadv,
		SYS_pwritev, SYS_readv, SYS_writev };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(often) && r == 0; i++)
		r = seccomp_syscall_priority(ctx, often[i], (uint8_t)(255 - i));
	return r;
}

static int add_rule(scmp_filter_ctx ctx, const struct rule *r)
{
	struct scmp_arg_cmp cmp;

	if (r->arg < 0)
		return seccomp_rule_add_exact(ctx, SCMP_ACT_ALLOW, r->number, 0);
	cmp = SCMP_CMP64((unsigned)r->arg, SCMP_CMP_MASKED_EQ, r->mask,
		r->own_pid ? (uint64_t)getpid() : r->value);
	return seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, r->number, 1, &cmp);
}

/* The flags of clone3() are in memory, where no filter sees them: the C library then uses clone().
 */
static int refuse_clone3(scmp_filter_ctx ctx)
{
	return seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0);
}

static int add_rules(
	scmp_filter_ctx ctx, enum sandbox_role role, unsigned uses, unsigned *ret_rules)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r == 0)
		r = set_priorities(ctx);
	if (r == 0 && role == SANDBOX_MAIN)
		r = refuse_clone3(ctx);
	*ret_rules = 0;
	for (size_t i = 0; i < n_rules && r == 0; i++) {
		if (!rule_holds(&rules[i], role, uses))
			continue;
		r = add_rule(ctx, &rules[i]);
		/* The main thread may it for more reasons than one. */
		if (r == -EEXIST)
			r = 0;
		else
			++*ret_rules;
	}
	return r;
}

/* libseccomp of Debian 12 writes programs to files only. */
static int take_program(scmp_filter_ctx ctx, struct sock_fprog *ret)
{
	autoclose int fd = memfd_create("filter", MFD_CLOEXEC);
	autofree struct sock_filter *code = NULL;
	off_t bytes;
	int r;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return r;
	bytes = lseek(fd, 0, SEEK_END);
	if (bytes <= 0 || bytes % (off_t)sizeof(*code) ||
		bytes > BPF_MAXINSNS * (off_t)sizeof(*code))
		return -EBADMSG;
	code = malloc((size_t)bytes);
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, (size_t)bytes, 0) != bytes)
		return -EIO;
	ret->len = (unsigned short)((size_t)bytes / sizeof(*code));
	ret->filter = TAKE_PTR(code);
	return 0;
}

int filter_build(enum sandbox_role role, unsigned uses, enum sandbox_mode mode, struct filter *ret)
{
	scmp_filter_ctx ctx = seccomp_init(mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	struct filter f = { 0 };
	int r;

	if (!ctx)
		return -ENOMEM;
	r = add_rules(ctx, role, uses, &f.rules);
	if (r == 0)
		r = take_program(ctx, &f.program);
	seccomp_release(ctx);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}

void filter_done(struct filter *f)
{
	free(f->program.filter);
	*f = (struct filter) { 0 };
}

int filter_install(const struct filter *f)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->program) < 0 ? -errno : 0;
}
