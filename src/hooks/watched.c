// SPDX-License-Identifier: GPL-2.0-or-later
#include "watched.h"
#include "claims.h"

#include "base/str.h"
#include "host/helper.h"

#include <poll.h>
#include <signal.h>

/*
 * What the helper tells, in this order: READ, then LOOKING if there is anything to look at, then
 * one verdict with the text that belongs to it.
 */
enum { READ = 'r', LOOKING = 'l', GOOD = '+', BAD = '-' };

struct watched {
	struct watched_opts opts;
	watched_work *work;
	uint64_t end_ms;
};

/* Until its end, `most` bytes (then *to has more) or the deadline: -ETIMEDOUT. */
static int read_until(int fd, uint64_t end_ms, size_t most, struct strbuf *to)
{
	char buf[16384];

	while (to->len <= most) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = turn_now_ms();
		ssize_t n;
		int r = now < end_ms ? poll(&p, 1, (int)(end_ms - now)) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		strbuf_add_bytes(to, buf, (size_t)n);
		if (to->failed)
			return -ENOMEM;
	}
	return 0;
}

/* ---- In the helper ---- */

static void tell(int out, char what, const char *text)
{
	autofree char *line = str_printf("%c%s", what, text ? text : "");
	size_t len = line ? strlen(line) : 0;

	for (size_t done = 0; done < len;) {
		ssize_t n = write(out, line + done, len - done);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static void tell_problem(int out, const struct problem *p, int code)
{
	autofree char *text = p ? problem_text(p) : NULL, *whole = NULL;
	const char *hint = p ? problem_best_hint(p) : NULL;

	whole = str_printf(
		"%s%s%s", text ? text : strerror(-code), hint ? "; hint: " : "", hint ? hint : "");
	tell(out, BAD, whole ? whole : "memory ran out");
}

static void tell_good(int out, const struct domain *d)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < d->n_devices; i++)
		if (!d->devices[i].managed)
			strbuf_add(&b, "%s%s", b.len ? ", " : "", BDF_TEXT(d->devices[i].bdf));
	for (size_t i = 0; i < d->n_assigns; i++)
		strbuf_add(&b, "%s%u of pool %s", b.len ? ", " : "", d->assigns[i].count,
			d->assigns[i].pool);
	tell(out, GOOD, b.s);
}

static int read_domain(int fd, uint64_t end_ms, struct domain *ret, struct problem **reterr)
{
	autostrbuf text = { 0 };
	int r = read_until(fd, end_ms, DOMAIN_XML_MAX, &text);

	if (r == 0)
		r = domain_parse(text.s ? text.s : "", text.len, ret);
	if (r == -EBADMSG)
		return problem(reterr, r, PROBLEM_USAGE,
			"its text comes on standard input, as virsh dumpxml prints it",
			text.len ? "what came is no libvirt domain" : "no domain came");
	if (r == -EFBIG)
		return problem(reterr, r, PROBLEM_USAGE, NULL,
			"the domain's text is longer than %d bytes, or one tag of it than %d",
			DOMAIN_XML_MAX, DOMAIN_TAG_MAX);
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "the domain's text cannot be read: %s", strerror(-r))
		     : 0;
}

static int work_on(const struct watched *w, const struct domain *d, struct problem **reterr)
{
	struct turn t = {
		.d = d,
		.run_dir = w->opts.run_dir,
		.identity_dir = w->opts.identity_dir,
		.end_ms = w->end_ms,
		.probe = w->opts.probe,
		.needs_daemon = w->opts.needs_daemon,
		.ask = w->opts.ask,
		.find = w->opts.find,
	};
	int r = w->opts.open_host(&t.h, reterr);

	return r < 0 ? r : w->work(&t, reterr);
}

static void work(void *arg, int fd, int out)
{
	const struct watched *w = arg;
	struct problem *p = NULL;
	struct domain d = { 0 };
	/* Ours ends first: it can tell more. */
	int r = read_domain(fd, w->end_ms + 1000, &d, &p);

	tell(out, READ, NULL);
	if (r == 0 && !claims_are_needed(&d)) {
		tell(out, GOOD, NULL);
		return;
	}
	if (r == 0) {
		tell(out, LOOKING, NULL);
		r = work_on(w, &d, &p);
	}
	if (r < 0)
		tell_problem(out, p, r);
	else
		tell_good(out, &d);
}

/* Nothing is told: the end of the stream without a verdict is enough. */
static void not_born(void *arg UNUSED, int out UNUSED, int code UNUSED)
{
}

/* ---- On our side ---- */

/* A verdict, or where it stopped. */
static int judge(const char *said, int r, unsigned deadline_ms, char **ret)
{
	const char *verdict = said;

	while (*verdict == READ || *verdict == LOOKING)
		verdict++;
	if (r == 0 && (*verdict == GOOD || *verdict == BAD)) {
		*ret = verdict[1] ? str_printable(verdict + 1) : NULL;
		return *verdict == GOOD;
	}
	if (r != -ETIMEDOUT)
		*ret = strdup("the look at the domain ended without an answer");
	else if (verdict == said)
		*ret = str_printf("the domain's text did not end within %u s", deadline_ms / 1000);
	else
		*ret = str_printf("the kernel did not answer within %u s: somebody holds a device "
				  "up; hint: vfctl doctor",
			deadline_ms / 1000);
	return 0;
}

int watched_run(const struct watched_opts *opts, watched_work *todo, char **ret)
{
	enum { ANSWER_MAX = 64 << 10 };
	struct watched w = {
		.opts = *opts,
		.work = todo,
		.end_ms = turn_now_ms() + opts->deadline_ms,
	};
	const struct helper what = {
		.run = work,
		.failed = not_born,
		.arg = &w,
		.fd = opts->input,
	};
	autostrbuf said = { 0 };
	autoclose int from = -1;
	int r;

	/* It keeps a little for its answer. */
	w.end_ms -= opts->deadline_ms / 20;
	r = helper_start(&what, &from);
	if (r < 0)
		return r;
	r = read_until(from, w.end_ms + opts->deadline_ms / 20, ANSWER_MAX, &said);
	return judge(said.s ? said.s : "", r, opts->deadline_ms, ret);
}
