// SPDX-License-Identifier: GPL-2.0-or-later
#include "formats.h"

#include "base/str.h"
#include "fitness/fitness.h"

const struct export_format export_formats[] = {
	{ "libvirt", "what belongs under <devices> of a domain", false, write_libvirt },
	{ "libvirt-network", "a network that hands out VFs", true, write_network },
	{ "qemu", "arguments of QEMU", false, write_qemu },
	{ "cdi", "a device specification for containers", false, write_cdi },
	{ "ansible", "tasks that make facts of them", false, write_ansible },
};
const size_t n_export_formats = ARRAY_SIZE(export_formats);

const struct export_format *export_format_find(const char *name)
{
	for (size_t i = 0; i < n_export_formats; i++)
		if (str_eq(export_formats[i].name, name))
			return &export_formats[i];
	return NULL;
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* A PF's VFs are what is handed out; it stays with the host. */
static int check_pool(const struct function *f, struct problem **reterr)
{
	if (f->n_vfs || f->kind == FUNCTION_VF)
		return 0;
	problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "%s has no VFs to hand out", f->address);
	problem_hint(reterr, "vfctl create %s N, or --as-is", f->address);
	return -ENOENT;
}

/* What --as-is cannot help: there would be nothing to say. */
static int check_possible(
	const struct export_format *format, const struct function *f, struct problem **reterr)
{
	if (format->of_pool && f->kind != FUNCTION_PF && f->kind != FUNCTION_VF)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "name a PF, or VFs",
			"%s is no PF, and %s is about a PF's VFs", f->address, format->name);
	if (!format->of_pool && class_is_bridge(f->id.class_code))
		return problem(reterr, -EINVAL, PROBLEM_NOT_ASSIGNABLE, NULL,
			"%s is a bridge: it cannot be given to a guest", f->address);
	return 0;
}

static int check(struct host *h, const struct inventory *inv, const struct export_format *format,
	const struct function *f, const struct export_opts *opts, struct problem **reterr)
{
	int r = check_possible(format, f, reterr);

	if (r < 0 || opts->as_is)
		return r;
	if (format->of_pool)
		return check_pool(f, reterr);
	r = fitness_check(h, inv, opts->identity_dir, f, reterr);
	return r < 0 ? r : fitness_check_own(h, f, opts->owner, reterr);
}

static int read_all(struct host *h, const struct inventory *inv, struct function *const *f,
	size_t n, const struct export_opts *opts, struct exported *e, struct problem **reterr)
{
	e->v = calloc(n + 1, sizeof(*e->v));
	if (!e->v)
		return no_memory(reterr);
	for (size_t i = 0; i < n; i++) {
		int r = check(h, inv, e->format, f[i], opts, reterr);

		if (r < 0)
			return r;
		r = facts_read(h, f[i], &e->v[i]);
		if (r < 0)
			return no_memory(reterr);
		e->n++;
	}
	return 0;
}

/* libvirt sets a VLAN's number, and nothing else of it. */
static int note_vlan(struct exported *e, const struct export_opts *opts)
{
	int r = 0;

	if (!str_eq(e->format->name, "libvirt") || opts->as != EXPORT_AS_INTERFACE)
		return 0;
	for (size_t i = 0; r == 0 && i < e->n; i++) {
		const struct export_function *x = &e->v[i];
		autofree char *text = NULL;

		if (!x->qos && !x->provider)
			continue;
		text = str_printf("%s: libvirt knows no %s of a VLAN, and will take it away; with "
				  "--as hostdev it leaves all as vfctl set it",
			x->f->address, x->provider ? "protocol" : "priority");
		r = text ? strv_add(&e->notes, text) : -ENOMEM;
	}
	return r;
}

/* One PF, or VFs of any. */
static int check_one_pf(const struct export_format *format, struct function *const *f, size_t n,
	struct problem **reterr)
{
	for (size_t i = 0; i < n && n > 1; i++)
		if (f[i]->kind == FUNCTION_PF)
			return problem(reterr, -EINVAL, PROBLEM_USAGE,
				"one PF at a time, or the VFs: PF/vf0-3",
				"%s is about one PF, and %zu functions were named", format->name,
				n);
	return 0;
}

int export_make(struct host *h, const struct inventory *inv, const struct export_format *format,
	struct function *const *f, size_t n, const struct export_opts *opts, struct exported *ret,
	struct problem **reterr)
{
	autoexported e = { .format = format };
	int r = 0;

	if (format->of_pool)
		r = check_one_pf(format, f, n, reterr);
	if (r < 0)
		return r;
	r = read_all(h, inv, f, n, opts, &e, reterr);
	if (r == 0)
		r = format->write(&e, opts, &e.text, reterr);
	if (r == 0)
		r = note_vlan(&e, opts);
	if (r == -ENOMEM && reterr && !*reterr)
		return no_memory(reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(e);
	return 0;
}

void exported_done(struct exported *e)
{
	for (size_t i = 0; i < e->n; i++)
		facts_done(&e->v[i]);
	free(e->v);
	free(e->text);
	strv_free(e->notes);
	*e = (struct exported) { 0 };
}
