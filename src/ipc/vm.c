// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm.h"

#include "fds.h"

#include "base/str.h"
#include "host/local.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 << 20, LOOK_MS = 1000 };

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int vm_check_name(const char *name, struct problem **reterr)
{
	size_t n = strlen(name);

	if (n && n <= VM_NAME_MAX && *name != '.' && !strpbrk(name, "/,\n"))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"1 to 64 characters, no slash or comma, no dot in front",
		"%s is no name for a guest", n ? name : "\"\"");
}

/* NULL: this user has no place for them. */
static char *folder_of(const char *run_dir)
{
	const char *own = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return run_dir ? str_printf("%s/vm", run_dir) : NULL;
	return own && *own == '/' ? str_printf("%s/vfctl/vm", own) : NULL;
}

/* The last two parts may be new. */
static int make_folder(const char *folder)
{
	autofree char *above = strdup(folder);
	char *slash = above ? strrchr(above, '/') : NULL;

	if (!slash)
		return -ENOMEM;
	*slash = '\0';
	if (mkdir(above, 0755) < 0 && errno != EEXIST)
		return -errno;
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int vm_listen(const char *run_dir, const char *name, char **ret_path, struct problem **reterr)
{
	autofree char *folder = folder_of(run_dir), *path = NULL;
	int r = vm_check_name(name, reterr);

	if (r < 0)
		return r;
	if (!folder)
		return problem(reterr, -ENOENT, PROBLEM_UNSUPPORTED,
			"log in, or set XDG_RUNTIME_DIR",
			"there is no folder for this user's sockets");
	path = str_printf("%s/%s.sock", folder, name);
	if (!path)
		return no_memory(reterr);
	r = make_folder(folder);
	if (r == 0)
		r = local_listen(path);
	if (r == -EADDRINUSE)
		return problem(reterr, r, PROBLEM_IN_USE,
			"vfctl vm list; --name calls it otherwise",
			"a guest called %s runs already", name);
	if (r < 0)
		return problem(
			reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", path, strerror(-r));
	*ret_path = TAKE_PTR(path);
	return r;
}

/* Somebody listens there; what the dead have left is taken away. */
static bool answers(const char *path)
{
	int fd = local_connect(path);

	if (fd == -ECONNREFUSED)
		unlink(path);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int add_guest(const char *folder, const char *file, char ***list)
{
	autofree char *path = str_printf("%s/%s", folder, file), *name = strdup(file);

	if (!path || !name)
		return -ENOMEM;
	if (!str_ends(name, ".sock") || !answers(path))
		return 0;
	name[strlen(name) - strlen(".sock")] = '\0';
	return strv_add(list, name);
}

int vm_names(const char *run_dir, char ***ret)
{
	autofree char *folder = folder_of(run_dir);
	autostrv char **list = NULL;
	struct dirent **files = NULL;
	int n = folder ? scandir(folder, &files, NULL, alphasort) : 0, r = 0;

	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_guest(folder, files[i]->d_name, &list);
		free(files[i]);
	}
	free(files);
	if (r == 0)
		*ret = TAKE_PTR(list);
	return r;
}

static int blame_missing(const char *run_dir, const char *name, struct problem **reterr)
{
	autostrv char **others = NULL;
	autostrbuf text = { 0 };

	vm_names(run_dir, &others);
	STRV_FOREACH (other, others) {
		strbuf_add(&text, "%s%s", text.len ? ", " : "", *other);
	}
	problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "no guest called %s runs", name);
	if (text.s)
		problem_hint(reterr, "these do: %s", text.s);
	return -ENOENT;
}

int vm_connect(const char *run_dir, const char *name, struct problem **reterr)
{
	autofree char *folder = folder_of(run_dir), *path = NULL;
	int r = vm_check_name(name, reterr);

	if (r < 0)
		return r;
	path = folder ? str_printf("%s/%s.sock", folder, name) : NULL;
	r = path ? local_connect(path) : -ENOENT;
	if (r == -ENOENT || r == -ECONNREFUSED)
		return blame_missing(run_dir, name, reterr);
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", path,
			       strerror(-r))
		     : r;
}

static unsigned now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

/* Until there is something to read: 1; 0 when the time is up. */
static int wait_for(int fd, unsigned start, const struct vm_ask *a)
{
	for (;;) {
		unsigned waited = now_ms() - start;
		unsigned left = a->timeout_ms > waited ? a->timeout_ms - waited : 0;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, (int)MIN(left, (unsigned)LOOK_MS));

		if (r > 0 || (r == 0 && !left))
			return r;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0 && a->waiting)
			a->waiting(a->arg, now_ms() - start);
	}
}

struct answer {
	char *text;
	size_t len;
	int fds[FDS_MAX];
	size_t n_fds;
};

static void answer_done(struct answer *a)
{
	for (size_t i = 0; i < a->n_fds; i++)
		if (a->fds[i] >= 0)
			close(a->fds[i]);
	free(a->text);
}

/* 1: the line is whole. */
static int read_some(int fd, struct answer *a)
{
	char *text = realloc(a->text, a->len + 4096 + 1);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	a->text = text;
	n = fds_receive(fd, text + a->len, 4096, a->fds, &a->n_fds);
	if (n <= 0)
		return n == -EAGAIN || n == -EINTR ? 0 : n == 0 ? -EPIPE : (int)n;
	a->len += (size_t)n;
	text[a->len] = '\0';
	return a->len > ANSWER_MAX ? -EMSGSIZE : strchr(text, '\n') != NULL;
}

static int receive(int fd, const struct vm_ask *ask, struct answer *a, struct problem **reterr)
{
	unsigned start = now_ms();
	int r;

	do {
		r = wait_for(fd, start, ask);
		if (r == 0)
			return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT, NULL,
				"the guest's VMM does not answer");
		if (r > 0)
			r = read_some(fd, a);
	} while (r == 0);
	if (r == -EPIPE || r == -ECONNRESET)
		return problem(reterr, r, PROBLEM_VANISHED, NULL, "the guest has ended");
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "the guest's VMM cannot be understood: %s", strerror(-r))
		     : 0;
}

static const char *text_of(json_object *j, const char *key)
{
	return json_object_get_string(json_object_object_get(j, key));
}

static enum problem_kind kind_of(const char *name)
{
	for (int k = 0; name && k < PROBLEM_KINDS; k++)
		if (str_eq(problem_kind_name((enum problem_kind)k), name))
			return (enum problem_kind)k;
	return PROBLEM_FAILED;
}

static int judge(json_object *j, struct problem **reterr)
{
	json_object *ok = json_object_object_get(j, "ok");
	const char *what = text_of(j, "error"), *hint = text_of(j, "hint");

	if (!ok || json_object_get_boolean(ok))
		return 0;
	problem(reterr, -EIO, kind_of(text_of(j, "kind")), NULL, "%s", what ? what : "refused");
	if (hint)
		problem_hint(reterr, "%s", hint);
	return -EIO;
}

static int send_question(int fd, const struct vm_ask *ask, struct problem **reterr)
{
	const char *text = json_object_to_json_string_ext(ask->question, JSON_C_TO_STRING_PLAIN);
	autofree char *line = text ? str_printf("%s\n", text) : NULL;
	int r = line ? fds_send(fd, line, strlen(line), ask->fds, ask->n_fds) : -ENOMEM;

	return r < 0 ? problem(reterr, r, r == -EPIPE ? PROBLEM_VANISHED : PROBLEM_FAILED, NULL,
			       "ask the guest: %s", strerror(-r))
		     : 0;
}

int vm_ask(
	int fd, const struct vm_ask *ask, json_object **ret, int *ret_fd, struct problem **reterr)
{
	CLEANUP(answer_done) struct answer a = { 0 };
	json_object *j;
	int r = send_question(fd, ask, reterr);

	if (r == 0)
		r = receive(fd, ask, &a, reterr);
	if (r < 0)
		return r;
	j = json_tokener_parse(a.text);
	if (!j || !json_object_is_type(j, json_type_object)) {
		json_object_put(j);
		return problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			"the guest's VMM cannot be understood");
	}
	r = judge(j, reterr);
	if (r < 0) {
		json_object_put(j);
		return r;
	}
	if (ret_fd)
		*ret_fd = a.n_fds ? TAKE_FD(a.fds[0]) : -1;
	*ret = j;
	return 0;
}

int vm_wait_end(
	int fd, unsigned timeout_ms, vm_waiting *waiting, void *arg, struct problem **reterr)
{
	const struct vm_ask a = { .timeout_ms = timeout_ms, .waiting = waiting, .arg = arg };
	unsigned start = now_ms();
	char unused[256];
	int r;

	do
		r = wait_for(fd, start, &a);
	while (r > 0 && read(fd, unused, sizeof(unused)) > 0);
	return r == 0 ? problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT, "vfctl vm stop --force",
				"the guest does not power off")
		      : 0;
}
