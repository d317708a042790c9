/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfctl-vmm: one guest, from the descriptors on its command line to an exit status that tells how
 * the guest ended. It opens nothing itself.
 */
#include "devices.h"
#include "vmm/config/options.h"
#include "vmm/machine/report.h"
#include "tty.h"

#include "vmm/dev/console.h"
#include "vmm/loop/loop.h"
#include "vmm/machine/machine.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

struct vmm {
	struct options options;
	struct host *host;
	struct loop *loop;
	struct console *console;
	struct devices *devices;
	struct machine *machine; /* NULL between two lives */
	int signal_fd;
	struct loop_source *signal_source;
	struct loop_source *status_source; /* NULL: not watched */
	bool stop;			   /* asked to end before there was a machine to end */
	unsigned reboots;
};

static void say_problem(const struct vmm *v, const struct problem *p)
{
	autofree char *text = problem_text(p);
	const char *hint = problem_best_hint(p);

	tty_restore();
	fprintf(stderr, "vfctl-vmm: %s: %s\n", v->options.name ? v->options.name : "guest",
		text ? text : "out of memory");
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
}

static void note(void *arg, const char *text)
{
	const struct vmm *v = arg;

	fprintf(stderr, "vfctl-vmm: %s: %s\n", v->options.name, text);
}

static void stop(struct vmm *v, const char *why)
{
	v->stop = true;
	if (v->machine)
		machine_end(v->machine, VMM_EXIT_STOPPED, why);
}

static void on_quit_key(void *arg)
{
	stop(arg, "Ctrl-a x on the console");
}

static void on_signal(void *arg, uint32_t events UNUSED)
{
	struct vmm *v = arg;
	struct signalfd_siginfo info;

	if (read(v->signal_fd, &info, sizeof(info)) == sizeof(info))
		stop(v, strsignal((int)info.ssi_signo));
}

/*
 * Who started us reads what becomes of the guest. When he has gone nobody would ever give its
 * functions back; the parent's death signal that he asks for is lost where a security module
 * changes the domain at exec (AppArmor does).
 */
static void on_deserted(void *arg, uint32_t events UNUSED)
{
	struct vmm *v = arg;

	loop_remove(TAKE_PTR(v->status_source));
	stop(v, "who started it has gone");
}

static void on_lost(void *arg, const char *name)
{
	struct vmm *v = arg;
	char text[120];

	snprintf(text, sizeof(text), "%s is lost: the host took it back, or it failed", name);
	note(v, text);
	if (v->machine)
		machine_end(v->machine, VMM_EXIT_FAILED, text);
}

static int attach(void *arg, const struct vmm_services *s, struct problem **reterr)
{
	struct vmm *v = arg;

	return devices_attach(v->devices, s, reterr);
}

static void detach(void *arg)
{
	struct vmm *v = arg;

	devices_detach(v->devices);
}

/* Signals are read in the main loop; they stay blocked everywhere, in threads started later too. */
static int catch_signals(struct vmm *v)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	v->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (v->signal_fd < 0)
		return -errno;
	return loop_add(v->loop, v->signal_fd, EPOLLIN, on_signal, v, &v->signal_source);
}

/* Files are never deserted. */
static int watch_status(struct vmm *v)
{
	int fd = v->options.status;
	int r = fd < 0 ? 0 : loop_add(v->loop, fd, EPOLLERR, on_deserted, v, &v->status_source);

	return r == -EPERM ? 0 : r;
}

static int set_up(struct vmm *v, struct problem **reterr)
{
	struct console_params console = {
		.in_fd = STDIN_FILENO,
		.quit = on_quit_key,
		.arg = v,
	};
	int r = host_new_fds_only(&v->host);

	if (r == 0)
		r = loop_new(&v->loop);
	if (r == 0)
		r = catch_signals(v);
	if (r == 0)
		r = watch_status(v);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "cannot start: %s", strerror(-r));
	r = devices_new(v->host, &v->options, on_lost, v, &v->devices, reterr);
	if (r < 0)
		return r;
	console.loop = v->loop;
	console.keys = tty_make_raw(STDIN_FILENO);
	r = console_new(&console, &v->console);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "cannot read the console: %s",
			strerror(-r));
	return 0;
}

static void tear_down(struct vmm *v)
{
	machine_free(v->machine);
	console_free(v->console);
	devices_free(v->devices);
	loop_remove(v->signal_source);
	loop_remove(v->status_source);
	if (v->signal_fd >= 0)
		close(v->signal_fd);
	loop_free(v->loop);
	host_free(v->host);
	tty_restore();
}

static int make_machine(struct vmm *v, struct problem **reterr)
{
	const struct options *o = &v->options;
	struct machine_params p = {
		.host = v->host,
		.loop = v->loop,
		.console = v->console,
		.kvm_fd = o->kvm,
		.kernel_fd = o->kernel,
		.initrd_fd = o->initrd,
		.console_fd = STDOUT_FILENO,
		.cpus = o->cpus,
		.memory_bytes = o->memory_bytes,
		.huge_pages = o->huge_pages,
		.cmdline = o->append,
		.attach = attach,
		.detach = detach,
		.arg = v,
		.note = note,
	};

	p.reserved = devices_reserved(v->devices, &p.n_reserved);
	return machine_new(&p, &v->machine, reterr);
}

/* Lives of the guest, one after another, until one does not end in a reboot. */
static int run(struct vmm *v, struct machine_end *ret, struct problem **reterr)
{
	for (;;) {
		int r = make_machine(v, reterr);

		if (r < 0)
			return r;
		if (v->stop)
			machine_end(v->machine, VMM_EXIT_STOPPED, "stopped before the guest ran");
		r = machine_run(v->machine, ret, reterr);
		if (r < 0)
			return r;
		if (ret->how != VMM_EXIT_REBOOT || v->options.no_reboot)
			return 0;
		v->reboots++;
		if (v->options.verbose)
			note(v, "the guest reboots");
		machine_free(TAKE_PTR(v->machine));
	}
}

static void write_report(const struct vmm *v, const struct machine_end *end)
{
	const struct report r = {
		.name = v->options.name,
		.status = end->how,
		.what = end->what,
		.reboots = v->reboots,
		.machine = v->machine,
	};
	autofree char *line = NULL;
	size_t done = 0, len;

	if (v->options.status < 0)
		return;
	line = report_line(&r);
	len = line ? strlen(line) : 0;
	while (done < len) {
		ssize_t n = write(v->options.status, line + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* nobody listens any more */
		done += (size_t)n;
	}
}

static enum vmm_exit live(struct vmm *v)
{
	struct machine_end end = { .how = VMM_EXIT_FAILED };
	autoproblem *p = NULL;
	int r = set_up(v, &p);

	if (r == 0)
		r = run(v, &end, &p);
	if (r < 0) {
		autofree char *text = problem_text(p);

		end.how = p && p->kind == PROBLEM_USAGE ? VMM_EXIT_USAGE : VMM_EXIT_FAILED;
		snprintf(end.what, sizeof(end.what), "%s", text ? text : "out of memory");
		say_problem(v, p);
	}
	write_report(v, &end);
	tear_down(v);
	if (r == 0 && (end.how >= VMM_EXIT_CRASHED || v->options.verbose))
		fprintf(stderr, "vfctl-vmm: %s: %s%s%s\n", v->options.name, report_reason(end.how),
			*end.what ? ": " : "", end.what);
	return end.how;
}

int main(int argc, char **argv)
{
	struct vmm v = { .signal_fd = -1 };
	autoproblem *p = NULL;

	if (options_parse(argc, argv, &v.options, &p) < 0) {
		say_problem(&v, p);
		return VMM_EXIT_USAGE;
	}
	if (v.options.help || v.options.version) {
		fputs(v.options.help ? options_help : "vfctl-vmm " VFCTL_VERSION "\n", stdout);
		return fflush(stdout) == 0 ? 0 : VMM_EXIT_FAILED;
	}
	return live(&v);
}
