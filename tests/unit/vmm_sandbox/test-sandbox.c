/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whoever holds the VMM tries what he would like to do with it: in each kind of thread, each in a
 * process of its own, which has to die of it. And what a guest's life takes is still possible.
 */
#include "cm.h"

#include "base/attr.h"
#include "base/thread.h"
#include "vmm/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { FILES = 100, DISK_BYTES = 1 << 20 };

static const struct sandbox_params usual = {
	.mode = SANDBOX_ON,
	.uses = SANDBOX_USE_ALL,
	.files = FILES,
	.report_fd = -1,
	.report_head = "<",
	.report_tail = ">",
};

/* What becomes of a process that runs `body`; what it writes to `fd` is in `said`. */
struct outcome {
	int status;
	char said[512];
};

static struct outcome in_child(void (*body)(const void *arg, int fd), const void *arg)
{
	struct outcome o = { 0 };
	int fds[2];
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		body(arg, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while ((got = read(fds[0], o.said + n, sizeof(o.said) - 1 - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &o.status, 0), pid);
	return o;
}

static void enter(enum sandbox_mode mode, unsigned uses, int fd, struct sandbox_applied *ret)
{
	struct sandbox_params p = usual;

	p.mode = mode;
	p.uses = uses;
	p.report_fd = fd;
	if (sandbox_enter(&p, ret, NULL) < 0)
		_exit(99);
}

/* What the attacker tries. Calls by number, as he would; with no effect, should they be possible.
 */
static const char file[] = "/etc/hostname";
static char *const no_arguments[] = { NULL };

#define ATTEMPT(name, ...)                                                                         \
	static void try_##name(void)                                                               \
	{                                                                                          \
		syscall(__VA_ARGS__);                                                              \
	}
ATTEMPT(open, SYS_open, file, O_RDONLY)
ATTEMPT(openat, SYS_openat, AT_FDCWD, file, O_RDONLY)
ATTEMPT(openat2, SYS_openat2, AT_FDCWD, file, NULL, 0)
ATTEMPT(creat, SYS_creat, "/tmp/vfctl-proof", 0600)
ATTEMPT(unlink, SYS_unlink, "/tmp/vfctl-proof")
ATTEMPT(readlink, SYS_readlink, "/proc/self/exe", NULL, 0)
ATTEMPT(name_to_handle_at, SYS_name_to_handle_at, AT_FDCWD, file, NULL, NULL, 0)
ATTEMPT(open_by_handle_at, SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY)
ATTEMPT(socket, SYS_socket, AF_UNIX, SOCK_STREAM, 0)
ATTEMPT(socket_inet, SYS_socket, AF_INET, SOCK_STREAM, 0)
ATTEMPT(socketpair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL)
ATTEMPT(connect, SYS_connect, 0, NULL, 0)
ATTEMPT(sendto, SYS_sendto, 0, NULL, 0, 0, NULL, 0)
ATTEMPT(execve, SYS_execve, "/bin/true", no_arguments, no_arguments)
ATTEMPT(execveat, SYS_execveat, AT_FDCWD, "/bin/true", no_arguments, no_arguments, 0)
ATTEMPT(fork, SYS_fork)
ATTEMPT(clone, SYS_clone, SIGCHLD, 0, 0, 0, 0)
ATTEMPT(clone_user, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)
ATTEMPT(ptrace, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)
ATTEMPT(ptrace_parent, SYS_ptrace, PTRACE_ATTACH, 1, 0, 0)
ATTEMPT(process_vm_readv, SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)
ATTEMPT(pidfd_open, SYS_pidfd_open, 1, 0)
ATTEMPT(kill, SYS_kill, 1, 0)
ATTEMPT(kill_all, SYS_kill, -1, 0)
ATTEMPT(tgkill, SYS_tgkill, 1, 1, 0)
ATTEMPT(tkill, SYS_tkill, 1, 0)
ATTEMPT(rt_sigqueueinfo, SYS_rt_sigqueueinfo, 1, 0, NULL)
ATTEMPT(mount, SYS_mount, NULL, NULL, NULL, 0, NULL)
ATTEMPT(umount, SYS_umount2, NULL, 0)
ATTEMPT(pivot_root, SYS_pivot_root, NULL, NULL)
ATTEMPT(chroot, SYS_chroot, "/")
ATTEMPT(unshare, SYS_unshare, CLONE_NEWUSER)
ATTEMPT(setns, SYS_setns, 0, 0)
ATTEMPT(setuid, SYS_setuid, 0)
ATTEMPT(capset, SYS_capset, NULL, NULL)
ATTEMPT(personality, SYS_personality, 0x0400000)
ATTEMPT(prctl_dumpable, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
ATTEMPT(prctl_seccomp, SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0)
ATTEMPT(seccomp_strict, SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL)
ATTEMPT(sigaction_sys, SYS_rt_sigaction, SIGSYS, NULL, NULL, 8)
ATTEMPT(sigaction_segv, SYS_rt_sigaction, SIGSEGV, NULL, NULL, 8)
ATTEMPT(mmap_exec, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
ATTEMPT(mprotect_exec, SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC)
ATTEMPT(pkey_mprotect, SYS_pkey_mprotect, 0, 4096, PROT_READ, -1)
ATTEMPT(shmat, SYS_shmat, 0, NULL, 0)
ATTEMPT(remap_file_pages, SYS_remap_file_pages, 0, 4096, 0, 0, 0)
ATTEMPT(ioctl_tiocsti, SYS_ioctl, 0, TIOCSTI, "x")
ATTEMPT(ioctl_tioclinux, SYS_ioctl, 0, TIOCLINUX, "x")
ATTEMPT(ioctl_high_bits, SYS_ioctl, 0, 0xffffffff00000000UL | TIOCSTI, "x")
ATTEMPT(ioctl_vfio_group, SYS_ioctl, 0, _IO(';', 100 + 6), NULL)
ATTEMPT(fcntl_setown, SYS_fcntl, 0, F_SETOWN, 1)
ATTEMPT(dup2, SYS_dup2, 0, 1)
ATTEMPT(bpf, SYS_bpf, 0, NULL, 0)
ATTEMPT(io_uring_setup, SYS_io_uring_setup, 1, NULL)
ATTEMPT(userfaultfd, SYS_userfaultfd, 0)
ATTEMPT(perf_event_open, SYS_perf_event_open, NULL, 0, -1, -1, 0)
ATTEMPT(keyctl, SYS_keyctl, 0, 0, 0, 0, 0)
ATTEMPT(init_module, SYS_init_module, NULL, 0, "")
ATTEMPT(kexec_load, SYS_kexec_load, 0, 0, NULL, 0)
ATTEMPT(reboot, SYS_reboot, 0, 0, 0, NULL)
ATTEMPT(setrlimit, SYS_setrlimit, RLIMIT_CORE, NULL)
ATTEMPT(prlimit, SYS_prlimit64, 1, RLIMIT_CORE, no_arguments, NULL)
ATTEMPT(truncate, SYS_truncate, file, 0)
ATTEMPT(inotify, SYS_inotify_init1, 0)
ATTEMPT(memfd, SYS_memfd_create, "x", 0)

struct attempt {
	const char *name;
	int call;
	void (*run)(void);
};

#define A(name, call)                                                                              \
	{                                                                                          \
#name, SYS_##call, try_##name                                                      \
	}
static const struct attempt attempts[] = {
	A(open, open),
	A(openat, openat),
	A(openat2, openat2),
	A(creat, creat),
	A(unlink, unlink),
	A(readlink, readlink),
	A(name_to_handle_at, name_to_handle_at),
	A(open_by_handle_at, open_by_handle_at),
	A(socket, socket),
	A(socket_inet, socket),
	A(socketpair, socketpair),
	A(connect, connect),
	A(sendto, sendto),
	A(execve, execve),
	A(execveat, execveat),
	A(fork, fork),
	A(clone, clone),
	A(clone_user, clone),
	A(ptrace, ptrace),
	A(ptrace_parent, ptrace),
	A(process_vm_readv, process_vm_readv),
	A(pidfd_open, pidfd_open),
	A(kill, kill),
	A(kill_all, kill),
	A(tgkill, tgkill),
	A(tkill, tkill),
	A(rt_sigqueueinfo, rt_sigqueueinfo),
	A(mount, mount),
	A(umount, umount2),
	A(pivot_root, pivot_root),
	A(chroot, chroot),
	A(unshare, unshare),
	A(setns, setns),
	A(setuid, setuid),
	A(capset, capset),
	A(personality, personality),
	A(prctl_dumpable, prctl),
	A(prctl_seccomp, prctl),
	A(seccomp_strict, seccomp),
	A(sigaction_sys, rt_sigaction),
	A(sigaction_segv, rt_sigaction),
	A(mmap_exec, mmap),
	A(mprotect_exec, mprotect),
	A(pkey_mprotect, pkey_mprotect),
	A(shmat, shmat),
	A(remap_file_pages, remap_file_pages),
	A(ioctl_tiocsti, ioctl),
	A(ioctl_tioclinux, ioctl),
	A(ioctl_high_bits, ioctl),
	A(ioctl_vfio_group, ioctl),
	A(fcntl_setown, fcntl),
	A(dup2, dup2),
	A(bpf, bpf),
	A(io_uring_setup, io_uring_setup),
	A(userfaultfd, userfaultfd),
	A(perf_event_open, perf_event_open),
	A(keyctl, keyctl),
	A(init_module, init_module),
	A(kexec_load, kexec_load),
	A(reboot, reboot),
	A(setrlimit, setrlimit),
	A(prlimit, prlimit64),
	A(truncate, truncate),
	A(inotify, inotify_init1),
	A(memfd, memfd_create),
};

/* What the main thread may, and a role must not: machines are not made by those who run guests. */
ATTEMPT(create_vm, SYS_ioctl, 0, KVM_CREATE_VM, 0)
ATTEMPT(epoll, SYS_epoll_create1, 0)
ATTEMPT(accept, SYS_accept4, -1, NULL, NULL, 0)
ATTEMPT(peer, SYS_getsockopt, -1, SOL_SOCKET, SO_PEERCRED, NULL, NULL)
ATTEMPT(name, SYS_prctl, PR_SET_NAME, "x", 0, 0, 0)
ATTEMPT(filter, SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL)
ATTEMPT(thread, SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0)
ATTEMPT(run, SYS_ioctl, 0, KVM_RUN, 0)

static const struct attempt of_threads[] = {
	A(create_vm, ioctl),
	A(epoll, epoll_create1),
	A(peer, getsockopt),
	A(name, prctl),
	A(filter, seccomp),
	A(thread, clone),
};
static const struct attempt of_io[] = {
	A(run, ioctl),
};

struct trial {
	enum sandbox_role role;
	unsigned uses;
	void (*run)(void);
};

static void *thread_main(void *arg)
{
	const struct trial *t = arg;

	sandbox_thread(t->role);
	t->run();
	return NULL;
}

static void try_it(const void *arg, int fd)
{
	struct trial t = *(const struct trial *)arg;
	struct sandbox_applied applied;
	pthread_t thread;

	enter(SANDBOX_ON, t.uses, fd, &applied);
	if (t.role == SANDBOX_MAIN)
		t.run();
	else if (thread_start(&thread, "proof", thread_main, &t) == 0)
		pthread_join(thread, NULL);
	else
		_exit(98);
}

static void dies(const struct attempt *a, enum sandbox_role role, unsigned uses)
{
	const struct trial t = { role, uses, a->run };
	struct outcome o = in_child(try_it, &t);
	char number[48], who[48];

	snprintf(number, sizeof(number), "system call %d", a->call);
	snprintf(who, sizeof(who), "in thread %s, role %s>",
		role == SANDBOX_MAIN ? "main" : "proof", sandbox_role_name(role));
	if (!WIFSIGNALED(o.status) || WTERMSIG(o.status) != SIGSYS)
		fail_msg("%s as %s: status %#x, not SIGSYS", a->name, sandbox_role_name(role),
			o.status);
	if (o.said[0] != '<' || !strstr(o.said, number) || !strstr(o.said, who))
		fail_msg(
			"%s as %s is reported as \"%s\"", a->name, sandbox_role_name(role), o.said);
}

static void each_attempt_is_the_last(void **state UNUSED)
{
	for (enum sandbox_role role = 0; role < SANDBOX_ROLES; role++)
		for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
			dies(&attempts[i], role, SANDBOX_USE_ALL);
}

static void threads_may_less_than_main(void **state UNUSED)
{
	for (enum sandbox_role role = SANDBOX_CPU; role < SANDBOX_ROLES; role++)
		for (size_t i = 0; i < ARRAY_SIZE(of_threads); i++)
			dies(&of_threads[i], role, SANDBOX_USE_ALL);
	for (size_t i = 0; i < ARRAY_SIZE(of_io); i++) {
		dies(&of_io[i], SANDBOX_IO, SANDBOX_USE_ALL);
		dies(&of_io[i], SANDBOX_MEMORY, SANDBOX_USE_ALL);
	}
}

static void lives(enum sandbox_role role, unsigned uses, void (*run)(void))
{
	const struct trial t = { role, uses, run };
	struct outcome o = in_child(try_it, &t);

	if (o.status != 0)
		fail_msg("%s: status %#x, %s", sandbox_role_name(role), o.status, o.said);
}

ATTEMPT(preadv, SYS_preadv, -1, NULL, 0, 0, 0)
ATTEMPT(readv, SYS_readv, -1, NULL, 0)
ATTEMPT(pread, SYS_pread64, -1, NULL, 0, 0)
ATTEMPT(map_dma, SYS_ioctl, -1, _IO(';', 100 + 13), NULL)
ATTEMPT(offload, SYS_ioctl, -1, 0x400454d0, 0)

/* What is not there needs no calls. */
static void a_guest_without_devices_may_less(void **state UNUSED)
{
	static const struct {
		struct attempt attempt;
		enum sandbox_role role;
		unsigned uses;
	} cases[] = {
		{ A(preadv, preadv), SANDBOX_IO, SANDBOX_USE_DISK },
		{ A(preadv, preadv), SANDBOX_CPU, SANDBOX_USE_DISK | SANDBOX_USE_CPU_IO },
		{ A(readv, readv), SANDBOX_IO, SANDBOX_USE_NET },
		{ A(offload, ioctl), SANDBOX_CPU, SANDBOX_USE_NET },
		{ A(pread, pread64), SANDBOX_CPU, SANDBOX_USE_VFIO },
		{ A(map_dma, ioctl), SANDBOX_MAIN, SANDBOX_USE_VFIO },
		{ A(peer, getsockopt), SANDBOX_MAIN, SANDBOX_USE_CONTROL },
		{ A(accept, accept4), SANDBOX_IO, SANDBOX_USE_PORTS },
		{ A(accept, accept4), SANDBOX_CPU, SANDBOX_USE_PORTS | SANDBOX_USE_CPU_IO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		lives(cases[i].role, cases[i].uses, cases[i].attempt.run);
		for (unsigned bit = 1; bit < SANDBOX_USE_ALL; bit <<= 1)
			if (cases[i].uses & bit)
				dies(&cases[i].attempt, cases[i].role, SANDBOX_USE_ALL & ~bit);
	}
}

/* Exits with the line that does not hold. */
#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			_exit(__LINE__ % 250 + 1);                                                 \
	} while (0)

static void work(void)
{
	struct pollfd p = { .fd = 0 };
	char *big = malloc(1 << 20), *small = malloc(100);
	uint64_t one = 1;

	MUST(big && small);
	memset(big, 1, 1 << 20);
	free(big);
	free(small);
	MUST(poll(&p, 1, 0) >= 0);
	MUST(getpid() > 0 && gettid() > 0);
	MUST(write(-1, &one, sizeof(one)) < 0 && errno == EBADF);
	MUST(raise(0) == 0);
	sched_yield();
}

static void *end_at_once(void *arg)
{
	sandbox_thread(SANDBOX_IO);
	return arg;
}

/* As a reboot does: threads and descriptors again and again. */
static void live_again(void)
{
	work();
	for (unsigned i = 0; i < 20; i++) {
		pthread_t thread;
		int fd = eventfd(0, EFD_CLOEXEC);
		struct stat st;

		MUST(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
		MUST(thread_start(&thread, "again", end_at_once, NULL) == 0);
		MUST(pthread_join(thread, NULL) == 0);
	}
}

static void what_a_guest_takes_goes_on(void **state UNUSED)
{
	lives(SANDBOX_MAIN, 0, live_again);
	lives(SANDBOX_CPU, 0, work);
	lives(SANDBOX_IO, 0, work);
}

/* With seccomp out of the way: what else there is. */
static void look_around(const void *arg, int fd)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	struct sandbox_applied a;
	char names[64];
	struct rlimit r;

	enter(SANDBOX_LOG, *(const unsigned *)arg, fd, &a);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	MUST(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0 || a.namespaces == 0);
	MUST(syscall(SYS_capget, &head, caps) == 0);
	MUST(!(caps[0].effective | caps[0].permitted | caps[0].inheritable | caps[1].permitted));
	MUST(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max == FILES);
	MUST(!(a.landlock_abi || a.empty_root) || open(file, O_RDONLY) < 0);
	MUST(!(a.landlock_abi || a.empty_root) || open("/", O_RDONLY | O_DIRECTORY) < 0 ||
		!a.landlock_abi);
	MUST(!a.empty_root || (access("/etc", F_OK) < 0 && errno == ENOENT));
	MUST(!a.empty_root || mkdir("/x", 0700) < 0);
	MUST(!(a.namespaces & CLONE_NEWUSER) || geteuid() == 65534);
	sandbox_namespaces(&a, names, sizeof(names));
	dprintf(fd, "Landlock %d, %s, root %d, %s", a.landlock_abi, names, a.empty_root, a.without);
}

static void look(unsigned uses)
{
	struct outcome o = in_child(look_around, &uses);

	print_message("applied: %s\n", o.said);
	if (o.status != 0)
		fail_msg("line %d is not so: %s", WEXITSTATUS(o.status) - 1, o.said);
	/* A plain user has them by one of his own, whatever the guest has. */
	if (geteuid() != 0 && !strstr(o.said, "("))
		assert_non_null(strstr(o.said, "user"));
}

static void all_else_is_gone_too(void **state UNUSED)
{
	look(SANDBOX_USE_ALL & ~SANDBOX_USE_CONTROL);
	look(SANDBOX_USE_ALL);
}

static const unsigned no_control = SANDBOX_USE_ALL & ~SANDBOX_USE_CONTROL;

/* A user namespace without a map has no right to another one. */
static void in_no_namespace(const void *arg, int fd)
{
	if (unshare(CLONE_NEWUSER) < 0) {
		dprintf(fd, "user namespace, none to begin with");
		return;
	}
	/* Nor to the others, once the capabilities are gone. */
	if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) == 0) {
		const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
		struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

		MUST(syscall(SYS_capset, &head, none) == 0);
	}
	if (arg)
		try_it(arg, fd);
	else
		look_around(&no_control, fd);
}

static void goes_without_namespaces_and_says_so(void **state UNUSED)
{
	const struct trial t = { SANDBOX_MAIN, SANDBOX_USE_ALL, try_openat };
	struct outcome o = in_child(in_no_namespace, NULL);

	if (o.status != 0 || !strstr(o.said, "user namespace"))
		fail_msg("status %#x, %s", o.status, o.said);
	o = in_child(in_no_namespace, &t);
	assert_true(strstr(o.said, "none to begin with") ||
		    (WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGSYS));
}

/* Who has no right to name spaces gets all of them by one of his own. */
static void as_nobody(const void *arg, int fd)
{
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	pid_t child;
	int status = 0;

	if (geteuid() == 0)
		MUST(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	MUST(syscall(SYS_capset, &head, none) == 0);
	child = fork();
	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) < 0);
	MUST(waitpid(child, &status, 0) == child);
	if (status)
		dprintf(fd, "this kernel lets nobody have one: ");
	look_around(arg, fd);
}

static void plain_users_have_namespaces(void **state UNUSED)
{
	static const unsigned all = SANDBOX_USE_ALL;
	struct outcome o = in_child(as_nobody, &all);

	print_message("applied: %s\n", o.said);
	if (o.status != 0)
		fail_msg("line %d is not so: %s", WEXITSTATUS(o.status) - 1, o.said);
	if (!strstr(o.said, "lets nobody") &&
		(!strstr(o.said, "user mount net") || !strstr(o.said, "root 1")))
		fail_msg("%s", o.said);
}

static void denied_but_logged(const void *arg UNUSED, int fd)
{
	struct sandbox_applied a;

	enter(SANDBOX_LOG, SANDBOX_USE_ALL, fd, &a);
	MUST(a.mode == SANDBOX_LOG && a.rules[SANDBOX_CPU] > 0);
	MUST(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
}

static void log_only_logs(void **state UNUSED)
{
	assert_int_equal(in_child(denied_but_logged, NULL).status, 0);
}

static void nothing_done(const void *arg UNUSED, int fd)
{
	struct sandbox_applied a;

	enter(SANDBOX_OFF, SANDBOX_USE_ALL, fd, &a);
	sandbox_thread(SANDBOX_IO);
	MUST(a.mode == SANDBOX_OFF && !a.rules[SANDBOX_MAIN] && !a.namespaces);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	MUST(open("/", O_RDONLY | O_DIRECTORY) >= 0);
}

static void off_is_off(void **state UNUSED)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
		assert_int_equal(in_child(nothing_done, NULL).status, 0);
}

static void cannot_write_more(const void *arg UNUSED, int fd)
{
	int file_fd = memfd_create("disk", 0);
	struct sandbox_applied a;

	MUST(file_fd >= 0 && ftruncate(file_fd, DISK_BYTES) == 0);
	signal(SIGXFSZ, SIG_IGN);
	enter(SANDBOX_LOG, SANDBOX_USE_ALL, fd, &a);
	MUST(pwrite(file_fd, "x", 1, DISK_BYTES - 1) == 1);
	MUST(pwrite(file_fd, "x", 1, DISK_BYTES) < 0 && errno == EFBIG);
}

static void files_do_not_grow(void **state UNUSED)
{
	assert_int_equal(in_child(cannot_write_more, NULL).status, 0);
}

/* Once there was a process with both limits on: its start, in which a guest waits for it. */
static void time_it(const void *arg UNUSED, int fd)
{
	struct timespec from, to;
	struct sandbox_applied a;
	long us;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	enter(SANDBOX_ON, SANDBOX_USE_ALL, fd, &a);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	MUST(write(fd, &us, sizeof(us)) == sizeof(us));
}

/* Of the processor's time, whoever else keeps it busy; the aim is 2 ms. */
static void costs_little_time(void **state UNUSED)
{
	long best = 1000000;

	for (unsigned i = 0; i < 20; i++) {
		struct outcome o = in_child(time_it, NULL);
		long us;

		assert_int_equal(o.status, 0);
		memcpy(&us, o.said, sizeof(us));
		best = MIN(best, us);
	}
	print_message("entered in %ld us of the processor\n", best);
	assert_in_range(best, 0, 5000);
}

/* Nobody adds a rule without seeing the list: vfctl-vmm --sandbox-rules >rules.txt */
static void the_list_is_known(void **state UNUSED)
{
	autofree char *text = sandbox_rules_text(), *known = calloc(1, 64 << 10);
	FILE *f = fopen(RULES_FILE, "re");

	assert_non_null(f);
	assert_non_null(known);
	assert_true(fread(known, 1, (64 << 10) - 1, f) > 0);
	fclose(f);
	assert_string_equal(text, known);
}

static void tells_what_was_applied(void **state UNUSED)
{
	const struct sandbox_applied a = {
		.mode = SANDBOX_LOG,
		.rules = { 7, 5, 3, 1 },
		.landlock_abi = 4,
		.namespaces = CLONE_NEWUSER | CLONE_NEWNET,
		.without = "mount namespace (no)",
	};
	const struct sandbox_applied off = { .mode = SANDBOX_OFF };
	autofree char *text = sandbox_text(&a), *none = sandbox_text(&off);

	assert_string_equal(text,
		"seccomp (main 7, cpu 5, io 3, memory 1 rules) which only logs, Landlock ABI 4, "
		"namespaces user net, no capabilities; without mount namespace (no)");
	assert_string_equal(none, "off");
}

static void keep(const void *arg UNUSED, int fd)
{
	int fds[] = { 20, 10, fd, 10 };

	for (int i = 3; i < 30; i++)
		if (i != fd)
			dup2(0, i);
	sandbox_keep_only(fds, ARRAY_SIZE(fds));
	for (int i = 0; i < 40; i++)
		MUST((fcntl(i, F_GETFD) >= 0) == (i < 3 || i == 10 || i == 20 || i == fd));
}

static void what_was_not_handed_over_is_closed(void **state UNUSED)
{
	assert_int_equal(in_child(keep, NULL).status, 0);
}

/* What sanitizers do at run time is their secret; then it has to be told that there is less. */
static void relax(const void *arg UNUSED, int fd)
{
	struct sandbox_applied a;

	enter(SANDBOX_ON, SANDBOX_USE_ALL, fd, &a);
	MUST(a.relaxed && !a.rules[SANDBOX_MAIN] && !a.landlock_abi && !a.namespaces);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void relaxed_says_so(void **state UNUSED)
{
	assert_int_equal(in_child(relax, NULL).status, 0);
}

int main(void)
{
	const struct CMUnitTest strict[] = {
		cmocka_unit_test(each_attempt_is_the_last),
		cmocka_unit_test(threads_may_less_than_main),
		cmocka_unit_test(a_guest_without_devices_may_less),
		cmocka_unit_test(what_a_guest_takes_goes_on),
		cmocka_unit_test(all_else_is_gone_too),
		cmocka_unit_test(goes_without_namespaces_and_says_so),
		cmocka_unit_test(plain_users_have_namespaces),
		cmocka_unit_test(log_only_logs),
		cmocka_unit_test(files_do_not_grow),
		cmocka_unit_test(costs_little_time),
	};
	const struct CMUnitTest relaxed[] = {
		cmocka_unit_test(relaxed_says_so),
	};
	const struct CMUnitTest always[] = {
		cmocka_unit_test(off_is_off),
		cmocka_unit_test(the_list_is_known),
		cmocka_unit_test(tells_what_was_applied),
		cmocka_unit_test(what_was_not_handed_over_is_closed),
	};
	int failed = cmocka_run_group_tests(always, NULL, NULL);

	if (SANDBOX_RELAXED)
		return failed + cmocka_run_group_tests(relaxed, NULL, NULL);
	return failed + cmocka_run_group_tests(strict, NULL, NULL);
}
