/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct command {
	const char *argv[128];
	unsigned n;
	char text[64][160];
	unsigned texts;
};

static void add(struct command *c, const char *arg)
{
	assert_true(c->n + 1 < ARRAY_SIZE(c->argv));
	c->argv[c->n++] = arg;
}

static void PRINTF(3, 4) add_option(struct command *c, const char *name, const char *fmt, ...)
{
	char *text = c->text[c->texts++];
	va_list ap;

	assert_true(c->texts < ARRAY_SIZE(c->text));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(c->text[0]), fmt, ap);
	va_end(ap);
	add(c, name);
	add(c, text);
}

static int open_or_fail(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		fail_msg("cannot open %s: %s", path, strerror(errno));
	return fd;
}

int vm_file(const void *data, size_t bytes)
{
	int fd = memfd_create("vm-file", 0);

	assert_true(fd >= 0);
	if (data)
		assert_int_equal(write(fd, data, bytes), (ssize_t)bytes);
	else
		assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static void build(struct command *c, const struct vm_setup *s, int kvm, int kernel, int status)
{
	unsigned cpus = s->cpus ? s->cpus : 1;
	uint64_t memory = s->memory ? s->memory : 64 << 20;

	add(c, VMM_PATH);
	add_option(c, "--name", "test");
	add_option(c, "--kvm", "%d", kvm);
	add_option(c, "--cpus", "%u", cpus);
	add_option(c, "--mem", "%llu", (unsigned long long)memory);
	add_option(c, "--kernel", "%d", kernel);
	if (s->initrd)
		add_option(c, "--initrd", "%d", s->initrd);
	add_option(c, "--append", "%s memory=%llu cpus=%u last=word", s->append,
		(unsigned long long)memory, cpus);
	for (size_t i = 0; i < ARRAY_SIZE(s->disks) && s->disks[i].fd; i++)
		add_option(c, "--disk", "fd=%d%s", s->disks[i].fd,
			s->disks[i].options ? s->disks[i].options : "");
	if (s->net)
		add_option(c, "--net", "fd=%d%s", s->net, s->net_options ? s->net_options : "");
	if (s->rng)
		add(c, "--rng");
	add_option(c, "--status", "%d", status);
	for (size_t i = 0; i < ARRAY_SIZE(s->extra) && s->extra[i]; i++)
		add(c, s->extra[i]);
}

struct stream {
	int fd;
	char *text;
	size_t n;
};

/* Whatever is there; false at its end. */
static bool drain(struct stream *s)
{
	char buf[4096];
	ssize_t n = read(s->fd, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	s->text = realloc(s->text, s->n + (size_t)n + 1);
	assert_non_null(s->text);
	memcpy(s->text + s->n, buf, (size_t)n);
	s->n += (size_t)n;
	s->text[s->n] = '\0';
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void react(const struct vm_setup *setup, pid_t pid, int input)
{
	if (setup->then)
		setup->then(pid);
	if (setup->input)
		assert_true(write(input, setup->input, strlen(setup->input)) > 0);
}

/* Reads all streams to their ends; false when that took too long. */
static bool collect(const struct vm_setup *setup, pid_t pid, int input, struct stream *s, size_t n)
{
	uint64_t end = now_ms() + 1000ULL * (setup->limit_s ? setup->limit_s : 60);
	bool told = false;
	size_t open = n;

	while (open) {
		struct pollfd p[4];
		uint64_t now = now_ms();

		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd) { .fd = s[i].fd, .events = POLLIN };
		if (now >= end || poll(p, n, (int)(end - now)) <= 0)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (!p[i].revents || drain(&s[i]))
				continue;
			close(s[i].fd);
			s[i].fd = -1;
			open--;
		}
		if (setup->when && !told && s[0].text && strstr(s[0].text, setup->when)) {
			react(setup, pid, input);
			told = true;
		}
	}
	return true;
}

static pid_t start(const struct command *c, bool (*before_exec)(void), int in, int out, int err)
{
	/* By its descriptor: another user may not come through the folders above it. */
	int program = open_or_fail(c->argv[0], O_PATH | O_CLOEXEC);
	pid_t pid = fork();

	if (pid) {
		close(program);
		return pid;
	}
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (before_exec && !before_exec())
		_exit(126);
	execveat(program, "", (char *const *)(uintptr_t)c->argv, environ, AT_EMPTY_PATH);
	_exit(127);
}

static void keep_for_exec(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
}

void vm_run(const struct vm_setup *setup, struct vm_result *ret)
{
	struct command c = { .n = 0 };
	int in[2], out[2], err[2], status[2], wait_status;
	autoclose int kvm = open_or_fail("/dev/kvm", O_RDWR);
	autoclose int image = open_or_fail(GUEST_IMAGE, O_RDONLY);
	struct stream s[3];
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(pipe2(status, O_CLOEXEC), 0);
	keep_for_exec(status[1]);
	build(&c, setup, kvm, setup->kernel ? setup->kernel : image, status[1]);
	pid = start(&c, setup->before_exec, in[0], out[1], err[1]);
	assert_true(pid > 0);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(status[1]);
	s[0] = (struct stream) { .fd = out[0] };
	s[1] = (struct stream) { .fd = err[0] };
	s[2] = (struct stream) { .fd = status[0] };
	*ret = (struct vm_result) { .timed_out = !collect(setup, pid, in[1], s, 3) };
	if (ret->timed_out)
		kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &wait_status, 0), pid);
	close(in[1]);
	ret->status =
		WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	ret->console = s[0].text ? s[0].text : strdup("");
	ret->errors = s[1].text ? s[1].text : strdup("");
	ret->report = s[2].text ? json_tokener_parse(s[2].text) : NULL;
	if (s[2].text)
		print_message("report: %s\n", s[2].text);
	free(s[2].text);
}

void vm_result_done(struct vm_result *r)
{
	free(r->console);
	free(r->errors);
	json_object_put(r->report);
}

static void show(const struct vm_result *r)
{
	print_message("console:\n%s\nerrors:\n%s\nstatus %d%s\n", r->console, r->errors, r->status,
		r->timed_out ? ", stopped after the time limit" : "");
}

/* A whole line; the serial line may end it with a carriage return. */
bool vm_says(const struct vm_result *r, const char *line)
{
	size_t n = strlen(line);

	for (const char *at = r->console; (at = strstr(at, line)); at++)
		if ((at == r->console || at[-1] == '\n') && strchr("\r\n", at[n]))
			return true;
	return false;
}

void vm_assert_ended(const struct vm_result *r, int status, const char *reason)
{
	struct json_object *o = NULL;

	if (r->timed_out || r->status != status) {
		show(r);
		fail_msg("the VMM should have ended with status %d", status);
	}
	if (!json_object_object_get_ex(r->report, "reason", &o)) {
		show(r);
		fail_msg("the report gives no reason");
	}
	assert_string_equal(json_object_get_string(o), reason);
}

void vm_assert_good(const struct vm_result *r)
{
	if (strstr(r->console, "not ok") || !strstr(r->console, "ok ") || !vm_says(r, "end")) {
		show(r);
		fail_msg("the guest is not content");
	}
	vm_assert_ended(r, 0, "power-off");
}

uint64_t vm_count(const struct vm_result *r, const char *key)
{
	char want[80];
	const char *at;

	snprintf(want, sizeof(want), "count %s ", key);
	at = strstr(r->console, want);
	if (!at) {
		show(r);
		fail_msg("the guest did not count %s", key);
	}
	return strtoull(at + strlen(want), NULL, 10);
}

/* A member of an object; of an array the element with this number or this "name". */
static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *found = NULL, *name;

	if (!json_object_is_type(o, json_type_array)) {
		json_object_object_get_ex(o, key, &found);
		return found;
	}
	if (!key[strspn(key, "0123456789")])
		return json_object_array_get_idx(o, strtoul(key, NULL, 10));
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		found = json_object_array_get_idx(o, i);
		if (json_object_object_get_ex(found, "name", &name) &&
			!strcmp(json_object_get_string(name), key))
			return found;
	}
	return NULL;
}

uint64_t vm_report(const struct vm_result *r, const char *path)
{
	struct json_object *o = r->report;
	char part[64];

	while (*path) {
		size_t n = strcspn(path, "/");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		o = member(o, part);
		if (!o) {
			show(r);
			fail_msg("the report has no %s", part);
		}
		path += n + (path[n] == '/');
	}
	return (uint64_t)json_object_get_int64(o);
}
