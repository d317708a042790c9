/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfctl-vmm: one guest, from the descriptors on its command line to an exit status that tells how
 * the guest ended. It opens nothing itself.
 */
#include "confine.h"
#include "requests.h"
#include "vmm/devices/devices.h"
#include "vmm/config/options.h"
#include "vmm/machine/report.h"
#include "tty.h"

#include "base/clock.h"
#include "base/str.h"
#include "vmm/dev/console.h"
#include "vmm/loop/loop.h"
#include "vmm/machine/machine.h"
#include "vmm/trace/record.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>

/* Where devices may be plugged in; the guest tells of each at boot. */
enum { SPARE_SLOTS = 4 };

struct vmm {
	struct options options;
	struct host *descriptors; /* that this process was given */
	struct host *host;	  /* the same, or who records what is done with them */
	struct loop *loop;
	struct console *console;
	struct devices *devices;
	struct requests *requests; /* NULL: nobody may ask */
	struct machine *machine;   /* NULL between two lives */
	int signal_fd;
	struct loop_source *signal_source;
	struct loop_source *status_source; /* NULL: not watched */
	bool stop;			   /* asked to end before there was a machine to end */
	unsigned reboots;
	uint64_t told_us;     /* when it last told how far the memory is */
	struct dma_usage dma; /* for the report */
	struct sandbox_applied sandbox;
	bool locked_up;
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

	if (read(v->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		console_resized(v->console);
	else
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

static void on_lost(void *arg, const char *why)
{
	struct vmm *v = arg;

	note(v, why);
	if (v->machine)
		machine_end(v->machine, VMM_EXIT_FAILED, why);
}

static void eject(void *arg, uint32_t slots)
{
	struct vmm *v = arg;

	devices_ejected(v->devices, slots);
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
	signal(SIGXFSZ, SIG_IGN); /* a write that fails tells as much */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
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

static void describe(void *arg, struct report *ret)
{
	struct vmm *v = arg;

	ret->name = v->options.name;
	ret->reboots = v->reboots;
	ret->lost = v->devices ? devices_lost(v->devices) : NULL;
	ret->sandbox = v->locked_up ? &v->sandbox : NULL;
	ret->vfio = v->devices ? devices_vfio_backend(v->devices) : NULL;
	ret->machine = v->machine;
	if (!v->devices || !devices_have_dma(v->devices))
		return;
	devices_dma_usage(v->devices, &v->dma);
	ret->dma = &v->dma;
}

static void on_stop_request(void *arg, const char *why)
{
	stop(arg, why);
}

static int listen_to_requests(struct vmm *v, struct problem **reterr)
{
	const struct requests_params p = {
		.loop = v->loop,
		.socket = v->options.control,
		.options = &v->options,
		.devices = v->devices,
		.describe = describe,
		.stop = on_stop_request,
		.arg = v,
	};
	int r = p.socket < 0 ? 0 : requests_new(&p, &v->requests);

	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "cannot listen on the control socket: %s", strerror(-r))
		     : 0;
}

/* What a person wants to know who reads a record. */
static char *about(const struct vmm *v)
{
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	return str_printf("kernel %s %s %s\nvfctl-vmm %s\nguest %s: %u CPUs, %llu MiB", u.sysname,
		u.release, u.version, VFCTL_VERSION, v->options.name, v->options.cpus,
		(unsigned long long)v->options.memory_bytes >> 20);
}

static int open_host(struct vmm *v)
{
	autofree char *text = v->options.record < 0 ? NULL : about(v);
	const struct record_params p = {
		.fd = v->options.record,
		.about = text,
		.note = note,
		.arg = v,
	};
	int r = host_new_fds_only(&v->descriptors);

	if (r < 0)
		return r;
	v->host = v->descriptors;
	return p.fd < 0 ? 0 : record_new(v->descriptors, &p, &v->host);
}

static int set_up(struct vmm *v, struct problem **reterr)
{
	struct console_params console = {
		.in_fd = STDIN_FILENO,
		.quit = on_quit_key,
		.arg = v,
	};
	int r = open_host(v);

	if (r == 0)
		r = loop_new(&v->loop);
	if (r == 0)
		r = catch_signals(v);
	if (r == 0)
		r = watch_status(v);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "cannot start: %s", strerror(-r));
	r = devices_new(v->host, v->loop, &v->options, on_lost, v, &v->devices, reterr);
	if (r < 0)
		return r;
	r = listen_to_requests(v, reterr);
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

/* What a user must not overlook, and what he asked to be told. */
static void tell_sandbox(struct vmm *v)
{
	autofree char *text = NULL, *line = NULL;

	if (v->sandbox.mode == SANDBOX_OFF)
		note(v, "the sandbox is off: what breaks out of the guest has the rights of this process");
	if (v->sandbox.mode == SANDBOX_LOG)
		note(v, "the sandbox only logs: what breaks out of the guest can do system calls");
	text = v->options.verbose ? sandbox_text(&v->sandbox) : NULL;
	line = text ? str_printf("sandbox: %s", text) : NULL;
	if (line)
		note(v, line);
}

/* From here on nothing is opened, whatever the guest, its kernel and its disks contain. */
static int lock_up(struct vmm *v, struct problem **reterr)
{
	autofree char *head = report_head(v->options.name, VMM_EXIT_SANDBOX);
	int r;

	if (!head)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = confine(&v->options, v->devices, head, report_tail, &v->sandbox, reterr);
	if (r < 0)
		return r;
	v->locked_up = true;
	if (v->requests && sandbox_has_own_users(&v->sandbox))
		requests_knows_nobody(v->requests);
	tell_sandbox(v);
	return 0;
}

static void tear_down(struct vmm *v)
{
	machine_free(v->machine);
	requests_free(v->requests);
	console_free(v->console);
	devices_free(v->devices);
	loop_remove(v->signal_source);
	loop_remove(v->status_source);
	if (v->signal_fd >= 0)
		close(v->signal_fd);
	loop_free(v->loop);
	if (v->host && v->host != v->descriptors)
		host_free(v->host);
	host_free(v->descriptors);
	tty_restore();
}

static int map_bank(void *arg, size_t bank, struct problem **reterr)
{
	struct vmm *v = arg;

	return devices_map_bank(v->devices, bank, reterr);
}

/* The loop does not run yet: signals, and who has gone, are looked for here. */
static bool waiting(void *arg, uint64_t bytes_done)
{
	struct vmm *v = arg;
	struct pollfd p[] = { { v->signal_fd, POLLIN, 0 }, { v->options.status, 0, 0 } };
	uint64_t now = clock_us();

	if (poll(p, ARRAY_SIZE(p), 0) > 0) {
		if (p[0].revents)
			on_signal(v, EPOLLIN);
		if (p[1].revents & POLLERR)
			v->stop = true;
	}
	if (v->options.verbose && now - v->told_us > 1000000) {
		char text[80];

		snprintf(text, sizeof(text), "%llu of %llu MiB of memory are there",
			(unsigned long long)bytes_done >> 20,
			(unsigned long long)v->options.memory_bytes >> 20);
		note(v, text);
		v->told_us = now;
	}
	return v->stop;
}

/* Each line of it. */
static void tell_start(struct vmm *v)
{
	struct dma_usage dma;
	autofree char *text = NULL;
	char *save = NULL;

	devices_dma_usage(v->devices, &dma);
	text = report_start(v->machine, devices_have_dma(v->devices) ? &dma : NULL);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save))
		note(v, line);
}

/* A guest whose timers never fire hangs without a word. */
static void tell_clock(struct vmm *v)
{
	const char *text = cpu_clock_text(cpus_clock(machine_cpus(v->machine)));

	if (text)
		note(v, text);
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
		.huge_page = o->huge_page,
		.no_thp = o->no_thp,
		.shared = devices_share_memory(v->devices),
		.near = o->numa == OPTION_NUMA_NONE ? GUEST_ANYWHERE
			: o->numa_only		    ? GUEST_NEAR_ONLY
						    : GUEST_NEAR_IF_ROOM,
		.node = o->numa == OPTION_NUMA_NONE ? 0 : (unsigned)o->numa,
		.cmdline = o->append,
		.attach = attach,
		.detach = detach,
		.eject = eject,
		.spare_slots = o->control >= 0 ? SPARE_SLOTS : 0,
		.populate = devices_have_dma(v->devices) || o->huge_page,
		.map_bank = map_bank,
		.waiting = waiting,
		.arg = v,
		.note = note,
	};

	v->told_us = clock_us();
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
		tell_clock(v);
		if (v->options.verbose)
			tell_start(v);
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

static void write_report(struct vmm *v, const struct machine_end *end)
{
	struct report r = { .status = end->how, .what = end->what };
	autofree char *line = NULL;
	size_t done = 0, len;

	if (v->options.status < 0)
		return;
	describe(v, &r);
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
		r = lock_up(v, &p);
	if (r == 0)
		r = run(v, &end, &p);
	if (r == -ECANCELED && v->stop) {
		end = (struct machine_end) { VMM_EXIT_STOPPED,
			"stopped while the memory was populated" };
		r = 0;
	}
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

static int print_rules(void)
{
	autofree char *text = sandbox_rules_text();

	return text && fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : VMM_EXIT_FAILED;
}

/*
 * One heap for all threads, and what is large goes back at once: the guest's host has many of these
 * processes. Nobody allocates in a hurry.
 */
static void allocate_sparingly(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 32 << 10);
	mallopt(M_TRIM_THRESHOLD, 32 << 10);
#endif
}

int main(int argc, char **argv)
{
	struct vmm v = { .signal_fd = -1 };
	autoproblem *p = NULL;

	allocate_sparingly();
	if (options_parse(argc, argv, &v.options, &p) < 0) {
		say_problem(&v, p);
		return VMM_EXIT_USAGE;
	}
	if (v.options.help || v.options.version) {
		fputs(v.options.help ? options_help : "vfctl-vmm " VFCTL_VERSION "\n", stdout);
		return fflush(stdout) == 0 ? 0 : VMM_EXIT_FAILED;
	}
	if (v.options.sandbox_rules)
		return print_rules();
	confine_descriptors(&v.options);
	return live(&v);
}
