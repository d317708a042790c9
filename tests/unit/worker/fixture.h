/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders carried out in this process, on a kernel that behaves as the measured one. */
#pragma once

#include "cm.h"
#include "base/str.h"
#include "daemon/worker/worker.h"
#include "fake/fake.h"

struct fixture {
	struct worker w;
	char dir[32], run[48], history[48], drivers[48];
	struct journal_place places;
	char *text;
	size_t size;
};

static inline UNUSED void start(struct fixture *f, const char *capture)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", capture);

	*f = (struct fixture) { .dir = "/tmp/vfctl-worker-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->run, sizeof(f->run), "%s/run", f->dir);
	snprintf(f->history, sizeof(f->history), "%s/history", f->dir);
	snprintf(f->drivers, sizeof(f->drivers), "%s/drivers", f->dir);
	f->places = (struct journal_place) { .run_dir = f->run, .history_dir = f->history };
	f->w = (struct worker) {
		.h = fake_kernel_new(path), .places = &f->places, .driver_dir = f->drivers
	};
}

static inline UNUSED void end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->dir);

	assert_int_equal(fake_hangs(f->w.h), 0);
	host_free(f->w.h);
	free(f->text);
	assert_int_equal(system(rm), 0);
}

static inline UNUSED int carry_out(struct fixture *f, const char *order)
{
	autoorder o = { 0 };
	autoproblem *p = NULL;
	int r = order_from_text(order, &o, &p);

	if (r < 0)
		fail_msg("%s: %s", order, p->what);
	free(f->text);
	f->text = NULL;
	f->w.to = open_memstream(&f->text, &f->size);
	r = worker_do(&f->w, &o);
	fclose(f->w.to);
	return r;
}

/* The last line; there must be one. */
static inline UNUSED struct news last(struct fixture *f)
{
	autofree char *copy = strdup(f->text);
	char *line = strrchr(str_trim(copy), '\n');
	struct news n = { 0 };

	assert_int_equal(news_from_text(line ? line + 1 : copy, &n), 0);
	assert_int_equal(n.kind, NEWS_ENDED);
	return n;
}
