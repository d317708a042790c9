// SPDX-License-Identifier: GPL-2.0-or-later
#include "child.h"
#include "image.h"

#include "disk.h"

#include "base/str.h"
#include "host/procfs.h"
#include "vfio/iommufd.h"
#include "vfio/type1.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

/* The statuses of vfctl-vmm; see its manual. */
enum {
	STATUS_POWER_OFF = 0,
	STATUS_REBOOT = 10,
	STATUS_STOPPED = 11,
	STATUS_CRASHED = 20,
	STATUS_INTERNAL_ERROR = 21,
	STATUS_NO_EXEC = 127,
	STATUS_DENIED = 128 + SIGSYS,
	FDS_MAX = 6 + 2 * UPLINK_QUEUES_MAX * LAUNCH_DEVICES_MAX + LAUNCH_PORTS_MAX,
	REPORT_MAX = 64 << 10,
};

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

static char *in_folder(const char *folder, const char *rest)
{
	char *path = str_printf("%s/%s", folder, rest);

	if (path && !is_program(path)) {
		free(path);
		path = NULL;
	}
	return path;
}

static char *beside_us(struct host *h)
{
	autofree char *self = NULL;
	char *slash, *found;

	if (procfs_read_link(h, &self, "self/exe") < 0 || !(slash = strrchr(self, '/')))
		return NULL;
	*slash = '\0';
	found = in_folder(self, "vfctl-vmm");
	return found ? found : in_folder(self, "../libexec/vfctl/vfctl-vmm");
}

static char *in_path(void)
{
	const char *path = getenv("PATH");
	autofree char *copy = strdup(path ? path : "/usr/sbin:/usr/bin");
	char *save = NULL, *found = NULL;

	for (char *f = copy ? strtok_r(copy, ":", &save) : NULL; f && !found;
		f = strtok_r(NULL, ":", &save))
		found = in_folder(f, "vfctl-vmm");
	return found;
}

int launch_find_vmm(struct host *h, const char *wish, char **ret, struct problem **reterr)
{
	char *found = wish ? (is_program(wish) ? strdup(wish) : NULL) : beside_us(h);

	if (!found && !wish)
		found = in_path();
	if (!found)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			"install it, or name it in $VFCTL_VMM", "%s is not there",
			wish ? wish : "the program vfctl-vmm");
	*ret = found;
	return 0;
}

/* The command line as it grows; `failed` is looked at once, at its end. */
struct command {
	char **argv;
	int fds[FDS_MAX];
	size_t n_fds;
	bool failed;
};

static void add(struct command *c, const char *fmt, ...) PRINTF(2, 3);
static void add(struct command *c, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	if (!s || strv_add(&c->argv, s) < 0)
		c->failed = true;
}

static int use_fd(struct command *c, int fd)
{
	for (size_t i = 0; i < c->n_fds; i++)
		if (c->fds[i] == fd)
			return fd;
	if (c->n_fds == FDS_MAX)
		c->failed = true;
	else
		c->fds[c->n_fds++] = fd;
	return fd;
}

static void add_disk(struct command *c, struct host *h, int fd, const struct launch_disk *d)
{
	autofree char *text = launch_disk_text(d);

	c->failed |= !text;
	add(c, "--disk");
	add(c, "fd=%d%s%s", use_fd(c, fd), text ? text : "",
		!d->model && h && image_lies_on_vf(h, fd) ? ",over=vf" : "");
}

/* A descriptor for each pair of queues. */
static void add_net(struct command *c, const struct uplink *u, const struct launch_kernel_net *k,
	const struct launch_net *net, const char *standby)
{
	const struct mac mac = mac_is_zero(u->mac) ? net->uplink.mac : u->mac;
	autostrbuf s = { 0 };
	char serve[LAUNCH_SERVE_TEXT];

	for (unsigned i = 0; i < u->n; i++)
		strbuf_add(&s, "%s%d", i ? ":" : "fd=", use_fd(c, u->fds[i]));
	for (unsigned i = 0; i < k->n; i++)
		strbuf_add(&s, "%s%d", i ? ":" : ",vhost=", use_fd(c, k->fds[i]));
	if (net->e1000)
		strbuf_add(&s, ",model=e1000");
	if (!mac_is_zero(mac))
		strbuf_add(&s, ",mac=%s%s", MAC_TEXT(mac),
			u->fixed_mac && !net->e1000 ? ",fixed-mac" : "");
	if (u->mtu && !net->e1000) /* that card cannot tell the guest */
		strbuf_add(&s, ",mtu=%u", u->mtu);
	if (u->over_vf && !net->e1000)
		strbuf_add(&s, ",over=vf");
	launch_serve_text(&net->serve, serve);
	strbuf_add(&s, "%s", serve);
	add(c, "--net");
	add(c, "%s%s%s", s.s ? s.s : "", standby ? ",standby=" : "", standby ? standby : "");
}

static void add_vhosts(
	struct command *c, const struct launch_request *r, const struct launch_handles *l)
{
	for (size_t i = 0; i < r->n_vhosts; i++) {
		const struct launch_vhost *v = &r->vhosts[i];
		char mac[24] = "", mtu[16] = "";

		if (!mac_is_zero(v->mac))
			snprintf(mac, sizeof(mac), ",mac=%s", MAC_TEXT(v->mac));
		if (v->mtu)
			snprintf(mtu, sizeof(mtu), ",mtu=%u", v->mtu);
		add(c, v->disk ? "--disk" : "--net");
		add(c, "vhost-user=%d%s%s", use_fd(c, l->dialers[i]), mac, mtu);
	}
	if (r->cid) {
		add(c, "--vsock");
		add(c, "fd=%d,cid=%u", use_fd(c, l->vsock), r->cid);
	}
}

static void add_function(struct command *c, const struct vfio_space *s, const struct vfio_device *d,
	const struct launch_vf *vf, int rom_fd)
{
	const char *on_loss = vf->stop_on_loss ? ",on-loss=stop" : "";
	const char *clean = d->clean ? ",clean" : "";
	char rom[24] = "";

	if (rom_fd >= 0)
		snprintf(rom, sizeof(rom), ",rom-fd=%d", use_fd(c, rom_fd));
	else if (vf->rom)
		snprintf(rom, sizeof(rom), ",rom=on");

	add(c, "--vfio");
	if (vfio_space_is_iommufd(s))
		add(c, "iommufd=%d,device=%d,name=%s%s%s%s", use_fd(c, vfio_iommufd_fd(s)),
			use_fd(c, d->fd), d->name, on_loss, rom, clean);
	else
		add(c, "container=%d,group=%d,device=%d,name=%s%s%s%s",
			use_fd(c, vfio_type1_container_fd(s)), use_fd(c, d->group_fd),
			use_fd(c, d->fd), d->name, on_loss, rom, clean);
}

static void add_choice(struct command *c, const struct launch_choice *choice,
	const struct launch_request *r, const struct launch_handles *l, size_t i)
{
	switch (choice->how) {
	case LAUNCH_VFIO:
		add_function(c, l->space, l->devices[i], choice->vf,
			l->roms ? l->roms[choice->vf - r->vfs] : -1);
		/* A guest that does not know them for one must not have both. */
		if (choice->vf->standby)
			add_net(c, l->fallback_nets[i], &l->fallback_vhosts[i], &choice->vf->net,
				"needed");
		break;
	case LAUNCH_NET:
		add_net(c, l->fallback_nets[i], &l->fallback_vhosts[i], &choice->vf->net,
			choice->vf->standby ? "offered" : NULL);
		break;
	case LAUNCH_DISK:
		add_disk(c, l->host, l->fallbacks[i], &choice->vf->disk);
		break;
	}
}

static void add_memory(
	struct command *c, const struct launch_request *r, const struct launch_memory *m)
{
	add(c, "--mem");
	add(c, "%llu", (unsigned long long)r->memory_bytes);
	if (r->huge_page) {
		add(c, "--huge-pages");
		add(c, "%llu", (unsigned long long)r->huge_page);
	} else if (m->no_thp) {
		add(c, "--thp");
		add(c, "off");
	}
	if (m->node >= 0) {
		add(c, "--numa");
		add(c, "%d%s", m->node, m->only ? ",only" : "");
	}
}

static void add_machine(struct command *c, const struct launch_request *r,
	const struct launch_handles *l, int status_fd)
{
	add(c, "--name");
	add(c, "%s", r->name);
	add(c, "--kvm");
	add(c, "%d", use_fd(c, l->kvm));
	add(c, "--cpus");
	add(c, "%u", r->cpus);
	add(c, "--kernel");
	add(c, "%d", use_fd(c, l->kernel));
	if (l->initrd >= 0) {
		add(c, "--initrd");
		add(c, "%d", use_fd(c, l->initrd));
	}
	add(c, "--append");
	add(c, "%s", r->append);
	add(c, "--status");
	add(c, "%d", use_fd(c, status_fd));
	if (l->control >= 0) {
		add(c, "--control");
		add(c, "%d", use_fd(c, l->control));
	}
	if (l->record >= 0) {
		add(c, "--record");
		add(c, "%d", use_fd(c, l->record));
	}
	add(c, "--sandbox");
	add(c, "%s", r->sandbox);
	if (!str_eq(r->peers, "auto")) {
		add(c, "--peers");
		add(c, "%s", r->peers);
	}
	if (r->no_reboot)
		add(c, "--no-reboot");
	if (r->verbose)
		add(c, "--verbose");
}

int launch_command(const char *vmm, const struct launch_request *r, const struct launch_plan *p,
	const struct launch_handles *l, int status_fd, char ***ret_argv, int **ret_fds,
	size_t *ret_n_fds)
{
	struct command c = { 0 };
	autofree int *fds = NULL;

	add(&c, "%s", vmm);
	add_machine(&c, r, l, status_fd);
	add_memory(&c, r, &p->memory);
	for (size_t i = 0; i < p->n; i++)
		add_choice(&c, &p->v[i], r, l, i);
	for (size_t i = 0; i < r->n_disks; i++)
		add_disk(&c, l->host, l->disks[i], &r->disks[i]);
	for (size_t i = 0; i < r->n_nets; i++)
		add_net(&c, l->nets[i], &l->net_vhosts[i], &r->nets[i], NULL);
	add_vhosts(&c, r, l);
	if (r->rng)
		add(&c, "--rng");
	if (r->balloon)
		add(&c, "--balloon");
	if (r->virtio_console) {
		add(&c, "--console");
		add(&c, "virtio");
	}
	for (size_t i = 0; i < r->n_ports; i++) {
		add(&c, "--port");
		add(&c, "name=%s,listen=%d", r->ports[i].name, use_fd(&c, l->sockets[i].fd));
	}
	fds = calloc(FDS_MAX, sizeof(*fds));
	if (!fds || c.failed) {
		strv_free(c.argv);
		return -ENOMEM;
	}
	memcpy(fds, c.fds, c.n_fds * sizeof(*fds));
	*ret_argv = c.argv;
	*ret_fds = TAKE_PTR(fds);
	*ret_n_fds = c.n_fds;
	return 0;
}

/*
 * A user who came by rights of root's, through sudo or the program's file, does not hand them on:
 * the VMM has its descriptors, and needs nothing else. Real root stays root: what its memory may be
 * pinned by is its capability.
 */
static void drop_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (geteuid() == 0)
		return;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &head, none);
}

/* In the child: only async-signal-safe calls from here on. */
static void become_vmm(char **argv, const int *fds, size_t n_fds, const int *streams,
	const sigset_t *mask, pid_t parent)
{
	for (int i = 0; streams && i < 3; i++)
		dup2(streams[i], i);
	for (size_t i = 0; i < n_fds; i++)
		fcntl(fds[i], F_SETFD, 0);
	drop_rights();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(STATUS_NO_EXEC);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(argv[0], argv);
	_exit(STATUS_NO_EXEC);
}

/* Signals stay blocked and are taken here, one by one, so that nothing needs a handler. */
static int wait_for(pid_t pid, const sigset_t *watched)
{
	for (;;) {
		int status, sig;
		pid_t done = waitpid(pid, &status, WNOHANG);

		if (done < 0 && errno != EINTR)
			return STATUS_NO_EXEC;
		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		sig = sigwaitinfo(watched, NULL);
		if (sig > 0 && sig != SIGCHLD)
			kill(pid, sig);
	}
}

static void copy_field(json_object *root, const char *key, char *to, size_t size)
{
	json_object *v;

	if (json_object_object_get_ex(root, key, &v) && json_object_is_type(v, json_type_string))
		snprintf(to, size, "%s", json_object_get_string(v));
}

/* The VMM's own words. They are lost when it was killed, and that is no error. */
static void read_report(int fd, struct launch_end *end)
{
	autofree char *text = calloc(1, REPORT_MAX);
	json_object *root;
	size_t n = 0;

	while (text && n < REPORT_MAX - 1) {
		ssize_t got = read(fd, text + n, REPORT_MAX - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	root = text ? json_tokener_parse(text) : NULL;
	if (!root)
		return;
	copy_field(root, "reason", end->reason, sizeof(end->reason));
	copy_field(root, "what", end->what, sizeof(end->what));
	json_object_put(root);
	end->report = TAKE_PTR(text);
}

static int start(char **argv, const int *fds, size_t n_fds, const int *streams, const sigset_t *old)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		become_vmm(argv, fds, n_fds, streams, old, parent);
	return pid < 0 ? -errno : (int)pid;
}

int launch_spawn(char **argv, const int *fds, size_t n_fds, const int streams[3])
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	return start(argv, fds, n_fds, streams, &now);
}

static int run(char **argv, const int *fds, size_t n_fds, struct launch_handles *l, int pipe_fds[2],
	struct launch_end *end)
{
	autohandles kept = { 0 };
	struct termios tty;
	bool is_tty = tcgetattr(STDIN_FILENO, &tty) == 0;
	sigset_t watched, old;
	int pid;

	signal(SIGCHLD, SIG_DFL); /* ignored, it would leave us nothing to wait for */
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGHUP);
	sigprocmask(SIG_BLOCK, &watched, &old);
	pid = start(argv, fds, n_fds, NULL, &old);
	close(TAKE_FD(pipe_fds[1]));
	if (pid >= 0) {
		/* Ours would keep the group busy after the VMM has gone. */
		launch_handles_keep_uplinks(l, &kept);
		launch_handles_done(l);
		end->status = wait_for(pid, &watched);
		read_report(pipe_fds[0], end);
		/* A VMM that was killed leaves the terminal raw. */
		if (is_tty)
			tcsetattr(STDIN_FILENO, TCSADRAIN, &tty);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? pid : 0;
}

static void close_pipe(int (*p)[2])
{
	closep_(&(*p)[0]);
	closep_(&(*p)[1]);
}

int launch_run(const char *vmm, const struct launch_request *r, const struct launch_plan *p,
	struct launch_handles *l, struct launch_end *ret, struct problem **reterr)
{
	int CLEANUP(close_pipe) pipe_fds[2] = { -1, -1 };
	struct launch_end end = { 0 };
	autostrv char **argv = NULL;
	autofree int *fds = NULL;
	size_t n_fds;
	int e;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return problem(reterr, -errno, PROBLEM_FAILED, NULL, "pipe: %s", strerror(errno));
	e = launch_command(vmm, r, p, l, pipe_fds[1], &argv, &fds, &n_fds);
	if (e >= 0)
		e = run(argv, fds, n_fds, l, pipe_fds, &end);
	if (e < 0)
		return problem(reterr, e, problem_kind_from_errno(e), NULL, "start %s: %s", vmm,
			strerror(-e));
	if (end.status == STATUS_NO_EXEC && !end.report)
		return problem(reterr, -ENOEXEC, PROBLEM_FAILED, NULL, "%s cannot be run", vmm);
	*ret = end;
	return 0;
}

int launch_judge(const struct launch_end *end, const char *name, struct problem **reterr)
{
	const char *colon = *end->what ? ": " : "";

	switch (end->status) {
	case STATUS_POWER_OFF:
	case STATUS_REBOOT:
	case STATUS_STOPPED:
		return 0;
	case STATUS_CRASHED:
	case STATUS_INTERNAL_ERROR:
		return problem(reterr, -ENOTRECOVERABLE, PROBLEM_GUEST_CRASHED,
			"the guest's console shows what it did last", "guest %s crashed%s%s", name,
			colon, end->what);
	case STATUS_DENIED:
		return problem(reterr, -ECHILD, PROBLEM_SANDBOX,
			"a hostile guest, or a mistake of ours: with --sandbox=log the kernel's log tells more",
			"guest %s: %s", name,
			*end->what ? end->what : "the sandbox stopped it (SIGSYS)");
	default:
		if (end->status >= 128)
			return problem(reterr, -ECHILD, PROBLEM_FAILED, NULL,
				"guest %s: its VMM was killed by signal %d (%s)", name,
				end->status - 128, strsignal(end->status - 128));
		return problem(reterr, -ECHILD, PROBLEM_FAILED, NULL,
			"guest %s could not go on%s%s", name, colon, end->what);
	}
}
