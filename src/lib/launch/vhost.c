// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/dial.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define KEY "vhost-user="

static int usage(const char *option, const char *text, const char *what, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "--net vhost-user=SOCKET[,mac=MAC][,mtu=N]",
		"%s %s: %s", option, text, what);
}

bool launch_is_vhost_user(const char *text)
{
	return str_starts(text, KEY);
}

/* Of --net; NULL or what is wrong. */
static const char *set_key(struct launch_vhost *v, const char *word)
{
	if (str_starts(word, "mac="))
		return mac_parse(word + 4, &v->mac) < 0 || mac_is_multicast(v->mac)
			       ? "no address that a guest could have"
			       : NULL;
	if (str_starts(word, "mtu="))
		return parse_u32(word + 4, &v->mtu) < 0 || v->mtu < 68 || v->mtu > 65535
			       ? "mtu= is a number from 68 to 65535"
			       : NULL;
	return "there is no such key";
}

static const char *parse(struct launch_vhost *v, char *spec)
{
	struct sockaddr_un a;
	char *save = NULL, *path = strtok_r(spec, ",", &save);

	if (!path || strlen(path) >= sizeof(a.sun_path))
		return "a socket's path has 1 to 107 bytes";
	v->path = strdup(path);
	if (!v->path)
		return "out of memory";
	for (char *w = strtok_r(NULL, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		const char *why = v->disk ? "no key follows" : set_key(v, w);

		if (why)
			return why;
	}
	return NULL;
}

int launch_add_vhost_user(
	struct launch_request *r, bool disk, const char *text, struct problem **reterr)
{
	struct launch_vhost *v = reallocarray(r->vhosts, r->n_vhosts + 1, sizeof(*v));
	autofree char *copy = strdup(text + strlen(KEY));
	const char *why;

	if (v)
		r->vhosts = v;
	if (!v || !copy)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	v[r->n_vhosts] = (struct launch_vhost) { .disk = disk };
	why = parse(&v[r->n_vhosts++], copy);
	return why ? usage(disk ? "--disk" : "--net", text, why, reterr) : 0;
}

int launch_set_vsock(struct launch_request *r, const char *text, struct problem **reterr)
{
	if (parse_u32(text, &r->cid) < 0 || r->cid < 3 || r->cid == UINT32_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "--vsock 3",
			"--vsock %s: a guest's context identifier is a number from 3 to 4294967294",
			text);
	return 0;
}

void launch_vhosts_done(struct launch_request *r)
{
	for (size_t i = 0; i < r->n_vhosts; i++)
		free(r->vhosts[i].path);
	free(r->vhosts);
}

static int open_dialer(const char *path, int *ret, struct problem **reterr)
{
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : S_ISSOCK(st.st_mode) ? 0 : -ENOTSOCK;

	if (r == 0)
		r = host_dialer_start(path, ret);
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r),
			       "who serves the device listens there before the guest starts",
			       "%s: %s", path, strerror(-r))
		     : 0;
}

int launch_open_dialers(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr)
{
	io->dialers = calloc(r->n_vhosts + 1, sizeof(*io->dialers));
	if (!io->dialers)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (io->n_dialers = 0; io->n_dialers < r->n_vhosts; io->n_dialers++) {
		int e = open_dialer(
			r->vhosts[io->n_dialers].path, &io->dialers[io->n_dialers], reterr);

		if (e < 0)
			return e;
	}
	return 0;
}

int launch_open_vsock(struct host *h, const struct launch_request *r, struct launch_handles *io,
	struct problem **reterr)
{
	int fd = r->cid ? devnode_open(h, O_RDWR, "vhost-vsock") : -1;

	if (r->cid && fd < 0)
		return problem(reterr, fd, problem_kind_from_errno(fd),
			"modprobe vhost_vsock; who may open it is a matter of udev's",
			"--vsock: %s", strerror(-fd));
	io->vsock = fd;
	return 0;
}
