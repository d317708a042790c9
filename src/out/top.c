// SPDX-License-Identifier: GPL-2.0-or-later
#include "top.h"

#include "base/str.h"
#include "cost/rule.h"

#include <stdlib.h>

/* A device in the time looked at. */
struct line {
	const struct cost_device *d;
	const struct cost_path *path;
	struct cost_sum sum;
	double ns; /* what its operations cost typically, per second */
};

struct screen {
	struct strbuf b;
	unsigned rows_left, columns;
};

const char *top_order_name(enum top_order order)
{
	static const char *const names[] = {
		[TOP_BY_NAME] = "name",
		[TOP_BY_OPERATIONS] = "operations",
		[TOP_BY_COST] = "cost",
	};

	return names[order];
}

/* One line, cut; nothing when the screen is full. Text is ASCII after str_printable(). */
static void put(struct screen *s, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!text)
		s->b.failed = true;
	if (!text || !s->rows_left)
		return;
	s->rows_left--;
	strbuf_add(&s->b, "%.*s\n", (int)MIN(n, (size_t)s->columns), text);
}

static void put_take(struct screen *s, char *text)
{
	put(s, text);
	free(text);
}

static double seconds_of(const struct top_view *v)
{
	double s = (double)(v->now->at_us - v->before->at_us) / 1e6;

	return s > 0 ? s : 1;
}

static double per_second(const struct top_view *v, enum counter_of of, int index, const char *name)
{
	for (size_t i = 0; i < v->now->n; i++) {
		const struct cost_count *c = &v->now->counts[i];

		if (c->of == of && c->index == index && str_eq(c->name, name))
			return (double)cost_growth(v->before, v->now, i) / seconds_of(v);
	}
	return 0;
}

static void put_cpus(struct screen *s, const struct top_view *v)
{
	put(s, "CPU     EXITS/s    USER/s     HALTS/s INTERRUPTS/s");
	for (int i = 0; i < 256; i++) {
		bool there = false;

		for (size_t k = 0; k < v->now->n && !there; k++)
			there = v->now->counts[k].of == COUNTER_CPU && v->now->counts[k].index == i;
		if (!there)
			return;
		put_take(s, str_printf("cpu%-3d %9.0f %9.0f %11.0f %12.0f", i,
				    per_second(v, COUNTER_CPU, i, "kvm_exits"),
				    per_second(v, COUNTER_CPU, i, "user_exits"),
				    per_second(v, COUNTER_CPU, i, "kvm_halt_exits"),
				    per_second(v, COUNTER_CPU, i, "kvm_irq_injections")));
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->d->name, ((const struct line *)b)->d->name);
}

static int by_operations(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->sum.operations == y->sum.operations)
		return by_name(a, b);
	return x->sum.operations < y->sum.operations ? 1 : -1;
}

static int by_cost(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->ns < y->ns || x->ns > y->ns)
		return x->ns < y->ns ? 1 : -1;
	return by_name(a, b);
}

static size_t fill_lines(const struct top_view *v, struct line *lines)
{
	static int (*const orders[])(const void *, const void *) = {
		[TOP_BY_NAME] = by_name,
		[TOP_BY_OPERATIONS] = by_operations,
		[TOP_BY_COST] = by_cost,
	};
	size_t n = 0;

	for (size_t i = 0; i < v->now->n_devices; i++) {
		struct line *l = &lines[n];

		*l = (struct line) { .d = &v->now->devices[i] };
		cost_sum_device(v->before, v->now, l->d, &l->sum);
		l->path = cost_path_of(l->d, &l->sum, false);
		l->ns = cost_ns(&l->sum);
		n += l->path != NULL;
	}
	qsort(lines, n, sizeof(*lines), orders[v->order]);
	return n;
}

static double per_operation(const struct line *l, uint64_t n)
{
	return l->sum.operations ? (double)n / (double)l->sum.operations : 0;
}

static void put_device(struct screen *s, const struct top_view *v, const struct line *l)
{
	autofree char *name = str_printable(l->d->name);
	double seconds = seconds_of(v);

	put_take(s,
		str_printf("%-16.16s %4u %9.0f %9.1f %6.2f %6.2f %6.2f %6.2f %6.2f",
			name ? name : "", l->path->number, (double)l->sum.operations / seconds,
			(double)l->sum.bytes / seconds / 1e6, per_operation(l, l->sum.user_exits),
			per_operation(l, l->sum.kernel_exits),
			per_operation(l, l->sum.host_syscalls), per_operation(l, l->sum.wakeups),
			per_operation(l, l->sum.injections)));
}

static bool is_function(const struct line *l)
{
	return l->path->id == COST_PATH_ASSIGNED || l->path->id == COST_PATH_ASSIGNED_VF;
}

/* Its requests pass nobody who counts them; its interrupts the host's kernel does. */
static void put_function(struct screen *s, const struct top_view *v, const struct line *l)
{
	autofree char *name = str_printable(l->d->name);
	double interrupts = 0;

	for (size_t i = 0; i < v->now->n; i++) {
		const struct cost_count *c = &v->now->counts[i];

		if (c->of == COUNTER_DEVICE && str_eq(c->whose, l->d->name) &&
			str_eq(c->name, "host_interrupts"))
			interrupts = (double)cost_growth(v->before, v->now, i) / seconds_of(v);
	}
	put_take(s, str_printf("%-16.16s %4u %12.0f %9.0f", name ? name : "", l->path->number,
			    interrupts, (double)l->sum.user_exits / seconds_of(v)));
}

static void put_functions(
	struct screen *s, const struct top_view *v, const struct line *lines, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_function(&lines[i]))
			continue;
		if (!any)
			put(s, "");
		if (!any)
			put(s, "FUNCTION         PATH INTERRUPTS/s    USER/s");
		any = true;
		put_function(s, v, &lines[i]);
	}
}

static void put_devices(struct screen *s, const struct top_view *v, struct line *lines)
{
	size_t n = fill_lines(v, lines);

	put(s, "                                           -------- for each operation --------");
	put(s, "DEVICE           PATH     OPS/s      MB/s   USER KERNEL  SYSCL  WAKES   INTR");
	for (size_t i = 0; i < n; i++)
		if (!is_function(&lines[i]))
			put_device(s, v, &lines[i]);
	put_functions(s, v, lines, n);
}

static void put_help(struct screen *s)
{
	put(s, "q  ends       s  sorts otherwise      h  this, and back");
	put(s, "");
	put(s, "USER    exits to user space           KERNEL  exits that the kernel serves");
	put(s, "SYSCL   system calls                  WAKES   wake-ups of a thread");
	put(s, "INTR    interrupts                    PATH    see vfctl-vm(8), PATHS");
	put(s, "");
	put(s, "vfctl vm explain tells what would remove the most of it.");
}

char *top_screen(const struct top_view *v)
{
	autofree struct line *lines = calloc(v->now->n_devices + 1, sizeof(*lines));
	autofree char *guest = str_printable(v->guest);
	struct screen s = { .rows_left = v->rows, .columns = v->columns };

	if (!lines || !guest)
		return NULL;
	put_take(&s, str_printf("%s, in %.1f s, by %s: q ends, s sorts, h helps", guest,
			     seconds_of(v), top_order_name(v->order)));
	put(&s, "");
	if (v->help) {
		put_help(&s);
	} else {
		put_cpus(&s, v);
		put(&s, "");
		put_devices(&s, v, lines);
	}
	if (s.b.failed) {
		strbuf_done(&s.b);
		return NULL;
	}
	return strbuf_take(&s.b);
}
