// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfctl-libvirt: what vfctl asks of libvirt, in a process that it can end when libvirt hangs. It
 * answers with news (ipc/news.h), a line each, of which the last says how it ended.
 */
#include "guest.h"
#include "network.h"
#include "watch.h"

#include "base/str.h"
#include "domain/domain.h"
#include "ipc/client.h"
#include "ipc/news.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

static const char usage[] =
	"Usage: vfctl-libvirt [--connect URI] [--dry-run] define-network  <NETWORK.xml\n"
	"       vfctl-libvirt [--connect URI] [--dry-run] undefine-network NAME\n"
	"       vfctl-libvirt [--connect URI] [--dry-run] attach DOMAIN\n"
	"       vfctl-libvirt [--connect URI] watch\n"
	"What vfctl(8) asks of libvirt; it answers with a line of JSON for each step. To\n"
	"watch is its service: domains that start are given what they wish for, and what\n"
	"those had that are gone is given back. See vfctl-hooks(7).\n";

enum { RELEASE_MS = 60000 };

struct request {
	const char *uri; /* NULL: the system's */
	const char *what, *name;
	bool dry_run;
};

/* ---- What is told ---- */

static void tell(const struct news *n)
{
	autofree char *line = news_to_text(n);

	if (!line || printf("%s\n", line) < 0 || fflush(stdout) != 0)
		exit(1);
}

static void step(
	void *arg UNUSED, const char *subject, const char *what, int code, struct problem *p)
{
	const struct news n = {
		.kind = NEWS_LINE,
		.subject = news_borrow(subject),
		.text = news_borrow(what),
		.code = code,
		.problem = p,
	};

	tell(&n);
	problem_free(p);
}

static void note(void *arg UNUSED, const char *text, const char *hint)
{
	const struct news n = {
		.kind = NEWS_NOTE,
		.text = news_borrow(text),
		.hint = news_borrow(hint),
	};

	tell(&n);
}

static void end(int code, struct problem *p)
{
	const struct news n = { .kind = NEWS_ENDED, .code = code, .problem = p };

	tell(&n);
	problem_free(p);
}

/* ---- What is asked ---- */

static const struct network_told told = { .step = step, .note = note };

static int read_input(char **ret, struct problem **reterr)
{
	autostrbuf b = { 0 };
	char buf[16384];
	size_t n;

	while (b.len <= DOMAIN_XML_MAX && (n = fread(buf, 1, sizeof(buf), stdin)) > 0)
		strbuf_add_bytes(&b, buf, n);
	if (ferror(stdin) || b.failed || b.len > DOMAIN_XML_MAX)
		return problem(reterr, -EIO, PROBLEM_IO, NULL, "standard input cannot be read");
	*ret = strbuf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

static int define_network(virConnectPtr c, const struct request *q, struct problem **reterr)
{
	autofree char *xml = NULL;
	int r = read_input(&xml, reterr);

	return r < 0 ? r : network_define(c, xml, q->dry_run, &told, reterr);
}

static int attach(virConnectPtr c, const struct request *q, struct problem **reterr)
{
	const struct guest_told to = { .step = step };
	CLEANUP(host_freep) struct host *h = NULL;
	int r = host_new_live(&h, reterr);

	return r < 0 ? r : guest_attach(c, h, q->name, q->dry_run, &to, reterr);
}

static int undefine_network(virConnectPtr c, const struct request *q, struct problem **reterr)
{
	return network_undefine(c, q->name, q->dry_run, &told, reterr);
}

static const struct {
	const char *name;
	bool named; /* a word follows */
	int (*run)(virConnectPtr c, const struct request *q, struct problem **reterr);
} requests[] = {
	{ "define-network", false, define_network },
	{ "undefine-network", true, undefine_network },
	{ "attach", true, attach },
	{ "watch", false, NULL },
};

/* ---- The service ---- */

/* systemd takes the number at the beginning for how bad it is. */
static void log_step(
	void *arg UNUSED, const char *guest, const char *what, int code, struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL, *safe = NULL;

	safe = text ? str_printable(text) : NULL;
	if (code < 0)
		fprintf(stderr, "<4>%s: %s: %s\n", guest, what, safe ? safe : "?");
	else
		fprintf(stderr, "<6>%s: %s\n", guest, what);
	problem_free(p);
}

static void log_failure(void *arg UNUSED, const char *guest, struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL, *safe = NULL, *name = NULL;

	name = str_printable(guest);
	safe = text ? str_printable(text) : NULL;
	fprintf(stderr, "<4>%s: %s\n", name ? name : "?", safe ? safe : "?");
	problem_free(p);
}

static int ask_daemon(const struct order *o, struct problem **reterr)
{
	CLEANUP(daemon_freep) struct daemon *d = NULL;
	int r = daemon_find_within(RELEASE_MS, &d);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r == 0)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "systemctl status vfctld",
			"vfctld, which gives functions out, is not there");
	return daemon_claim(d, o, NULL, RELEASE_MS, NULL, reterr);
}

static int watch(const struct request *q, struct problem **reterr)
{
	struct watch_opts opts = {
		.ask = ask_daemon,
		.told = { .step = log_step },
		.failed = log_failure,
	};
	CLEANUP(host_freep) struct host *h = NULL;
	autovirt c = NULL;
	int r = host_new_live(&h, reterr);

	if (r == 0)
		r = watch_prepare(reterr);
	if (r == 0)
		r = virt_connect(q->uri, &c, reterr);
	opts.h = h;
	return r < 0 ? r : watch_run(c, &opts, reterr);
}

/* Its index, or negative. */
static int read_words(int argc, char **argv, struct request *q)
{
	int i = 1;

	for (; i < argc && str_starts(argv[i], "--"); i++) {
		if (str_eq(argv[i], "--dry-run"))
			q->dry_run = true;
		else if (str_eq(argv[i], "--connect") && i + 1 < argc)
			q->uri = argv[++i];
		else
			return -EINVAL;
	}
	if (i == argc)
		return -EINVAL;
	q->what = argv[i++];
	for (size_t k = 0; k < ARRAY_SIZE(requests); k++) {
		if (!str_eq(q->what, requests[k].name))
			continue;
		if (argc != i + requests[k].named)
			return -EINVAL;
		q->name = requests[k].named ? argv[i] : NULL;
		return (int)k;
	}
	return -EINVAL;
}

static int serve(const struct request *q)
{
	autoproblem *p = NULL;

	(void)watch(q, &p);
	log_step(NULL, "libvirt", "watch", -EIO, TAKE_PTR(p));
	return 1;
}

static int answer(const struct request *q, size_t k)
{
	struct problem *p = NULL;
	virConnectPtr c = NULL;
	int r;

	/* Who asked may be gone while libvirt hangs. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	r = virt_connect(q->uri, &c, &p);
	if (r == 0)
		r = requests[k].run(c, q, &p);
	end(MIN(r, 0), p);
	virt_closep(&c);
	return r < 0;
}

int main(int argc, char **argv)
{
	struct request q = { 0 };
	int k;

	if (argc == 2 && str_eq(argv[1], "--help"))
		return fputs(usage, stdout) < 0;
	if (argc == 2 && str_eq(argv[1], "--version"))
		return printf("vfctl-libvirt %s\n", VFCTL_VERSION) < 0;
	k = read_words(argc, argv, &q);
	if (k < 0) {
		fputs(usage, stderr);
		return 2;
	}
	return requests[k].run ? answer(&q, (size_t)k) : serve(&q);
}
