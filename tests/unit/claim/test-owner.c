// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/str.h"
#include "claim/owner.h"
#include "fake/fake.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static void process(struct host *h, int pid, char state, unsigned start)
{
	autofree char *stat = str_printf("%d (a) b (c) %c 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u "
					 "0 0\n",
		pid, state, start);

	fake_put(h, stat, "/proc/%d/stat", pid);
}

static enum owner_alive alive(struct host *h, const struct owner *o, const char *because)
{
	autofree char *why = NULL;
	enum owner_alive a = owner_alive(h, o, &why);

	if (!why || !strstr(why, because))
		fail_msg("'%s' is not in '%s'", because, why ? why : "");
	return a;
}

/* A number that was given to another process is another owner. */
static void processes(void **state UNUSED)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	struct owner o = { 0 }, later = { 0 };
	struct problem *p = NULL;

	assert_int_equal(owner_parse(h, "process:4711", &o, &p), -ESRCH);
	problem_free(p);
	process(h, 4711, 'S', 100);
	assert_int_equal(owner_parse(h, "process:4711", &o, NULL), 0);
	assert_int_equal(o.start, 100);
	assert_int_equal(alive(h, &o, "process 4711 runs"), OWNER_ALIVE);
	process(h, 4711, 'S', 101);
	assert_int_equal(alive(h, &o, "another has its number"), OWNER_GONE);
	assert_int_equal(owner_parse(h, "process:4711", &later, NULL), 0);
	assert_false(owner_eq(&o, &later));
	process(h, 4711, 'Z', 100);
	assert_int_equal(alive(h, &o, "has ended"), OWNER_GONE);
	/* Its first thread has ended, another has not. */
	fake_put(h, "", "/proc/4711/task/4711/stat");
	fake_put(h, "", "/proc/4711/task/4712/stat");
	assert_int_equal(alive(h, &o, "runs"), OWNER_ALIVE);
	fake_vanish(h, "/proc/4711");
	assert_int_equal(alive(h, &o, "has ended"), OWNER_GONE);
	fake_put(h, "4711 (x\n", "/proc/4711/stat");
	assert_int_equal(alive(h, &o, "has ended"), OWNER_GONE);
	owner_done(&o);
	owner_done(&later);
	host_free(h);
}

static void domains(void **state UNUSED)
{
	static const char run[] =
		"<domstatus state='running' reason='booted' pid='4711'>"
		"<domain type='kvm'><name>web1</name>"
		"<uuid>3B9AA2FE-8c3c-4a0a-9d7f-0123456789ab</uuid></domain></domstatus>";
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	struct owner o = { 0 }, early = { 0 }, by_uuid = { 0 };

	assert_int_equal(owner_parse(h, "domain:web1", &early, NULL), 0);
	assert_int_equal(alive(h, &early, "had not when it was claimed"), OWNER_UNKNOWN);
	process(h, 4711, 'S', 100);
	fake_put(h, run, "/run/libvirt/qemu/web1.xml");
	assert_int_equal(alive(h, &early, "as process 4711"), OWNER_ALIVE);
	assert_int_equal(owner_parse(h, "domain:web1", &o, NULL), 0);
	assert_int_equal(o.pid, 4711);
	assert_int_equal(
		owner_parse(h, "domain:3b9aa2fe-8c3c-4a0a-9d7f-0123456789ab", &by_uuid, NULL), 0);
	assert_int_equal(by_uuid.pid, 4711);
	fake_vanish(h, "/proc/4711");
	assert_int_equal(alive(h, &o, "process 4711 has ended"), OWNER_GONE);
	fake_vanish(h, "/run/libvirt/qemu/web1.xml");
	assert_int_equal(alive(h, &o, "does not run it any more"), OWNER_GONE);
	fake_put(h, "<!DOCTYPE x><domstatus/>", "/run/libvirt/qemu/other.xml");
	assert_int_equal(alive(h, &o, "cannot be read"), OWNER_UNKNOWN);
	owner_done(&o);
	owner_done(&early);
	owner_done(&by_uuid);
	host_free(h);
}

static void containers(void **state UNUSED)
{
#define DOCKER "/sys/fs/cgroup/system.slice/docker-0123456789abcdef0123456789abcdef.scope"
	static const char *const ids[] = { "0123456789abcdef0123456789abcdef", "0123456789ab" };
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	struct owner o = { 0 };

	fake_put(h, "1\n", "/sys/fs/cgroup/cgroup.procs");
	fake_put(h, "", "/sys/fs/cgroup/system.slice/cgroup.procs");
	fake_put(h, "", "/sys/fs/cgroup/machine.slice/cgroup.procs");
	fake_put(h, "", "/sys/fs/cgroup/machine.slice/machine-web.scope/cgroup.procs");
	fake_put(h, "", DOCKER "/cgroup.procs");
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		autofree char *word = str_printf("container:%s", ids[i]);

		assert_int_equal(owner_parse(h, word, &o, NULL), 0);
		assert_string_equal(o.path, &DOCKER[strlen("/sys/fs/cgroup")]);
		assert_int_equal(alive(h, &o, "docker-0123"), OWNER_ALIVE);
		if (i == 0)
			owner_done(&o);
	}
	fake_put(h, "populated 0\nfrozen 0\n", DOCKER "/cgroup.events");
	assert_int_equal(alive(h, &o, "no process is left"), OWNER_GONE);
	fake_vanish(h, DOCKER);
	assert_int_equal(alive(h, &o, "has gone"), OWNER_GONE);
	/* Another of the same name. */
	fake_put(h, "", DOCKER "/cgroup.procs");
	assert_int_equal(alive(h, &o, "has gone"), OWNER_GONE);
	owner_done(&o);
	/* A short name must be a whole word. */
	assert_int_equal(owner_parse(h, "container:web", &o, NULL), 0);
	owner_done(&o);
	assert_int_equal(owner_parse(h, "container:we", &o, NULL), -ENOENT);
	assert_int_equal(owner_parse(h, "container:012345", &o, NULL), -ENOENT);
	host_free(h);
}

static void what_a_process_may(void **state UNUSED)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	struct owner o = { .kind = OWNER_PROCESS, .pid = 4711 };
	uint64_t bytes;

	assert_int_equal(owner_node(h, &o), -1);
	assert_int_equal(owner_memlock(h, &o, &bytes), -ENODATA);
	fake_put(h, "0-3,8-11\n", "/sys/devices/system/node/node0/cpulist");
	fake_put(h, "4-7,12-15\n", "/sys/devices/system/node/node1/cpulist");
	fake_put(h, "Name:\tx\nCpus_allowed_list:\t5,12-13\n", "/proc/4711/status");
	assert_int_equal(owner_node(h, &o), 1);
	fake_put(h, "Cpus_allowed_list:\t3-4\n", "/proc/4711/status");
	assert_int_equal(owner_node(h, &o), -1);
	fake_put(h, "Max locked memory         unlimited            unlimited            bytes\n",
		"/proc/4711/limits");
	assert_int_equal(owner_memlock(h, &o, &bytes), 0);
	assert_true(bytes == UINT64_MAX);
	host_free(h);
}

/* The kernel's own word, on this machine. */
static void watched(void **state UNUSED)
{
	autohost *h = NULL;
	struct owner o = { 0 };
	autofree char *word = NULL;
	struct pollfd p = { .events = POLLIN };
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	word = str_printf("process:%d", child);
	assert_int_equal(host_new_live(&h, NULL), 0);
	assert_int_equal(owner_parse(h, word, &o, NULL), 0);
	assert_int_equal(alive(h, &o, "runs"), OWNER_ALIVE);
	p.fd = owner_watch(h, &o);
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	kill(child, SIGKILL);
	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(alive(h, &o, "has ended"), OWNER_GONE);
	close(p.fd);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(owner_watch(h, &o), -ESRCH);
	owner_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes),
		cmocka_unit_test(domains),
		cmocka_unit_test(containers),
		cmocka_unit_test(what_a_process_may),
		cmocka_unit_test(watched),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
