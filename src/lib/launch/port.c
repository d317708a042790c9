// SPDX-License-Identifier: GPL-2.0-or-later
#include "port.h"

#include "base/str.h"
#include "host/local.h"

#include <fcntl.h>
#include <string.h>
#include <sys/un.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static int usage(const char *text, const char *what, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"--port name=org.qemu.guest_agent.0,socket=PATH", "--port %s: %s", text, what);
}

/* The guest makes a file of that name. */
static bool is_name(const char *name)
{
	size_t n = strspn(name, LETTERS);

	return n && !name[n] && n <= LAUNCH_PORT_NAME_MAX && *name != '.';
}

/* NULL or what is wrong. */
static const char *set_key(struct launch_port *p, const char *word)
{
	struct sockaddr_un a;
	const char *value = strchr(word, '=');
	char **to = str_starts(word, "name=")	  ? &p->name
		    : str_starts(word, "socket=") ? &p->path
						  : NULL;

	if (!to || !value)
		return "its keys are name= and socket=";
	value++;
	if (to == &p->name && !is_name(value))
		return "a name has 1 to 63 letters, digits, \".\", \"-\" and \"_\"";
	if (to == &p->path && (!*value || strlen(value) >= sizeof(a.sun_path)))
		return "a socket's path has 1 to 107 bytes";
	free(*to);
	*to = strdup(value);
	return *to ? NULL : "out of memory";
}

static const char *parse(struct launch_port *p, char *spec)
{
	char *save = NULL;

	for (char *w = strtok_r(spec, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		const char *why = set_key(p, w);

		if (why)
			return why;
	}
	return p->name && p->path ? NULL : "name= and socket= are needed";
}

static bool is_there(const struct launch_request *r, const struct launch_port *p)
{
	for (size_t i = 0; i + 1 < r->n_ports; i++)
		if (str_eq(r->ports[i].name, p->name) || str_eq(r->ports[i].path, p->path))
			return true;
	return false;
}

int launch_add_port(struct launch_request *r, const char *text, struct problem **reterr)
{
	autofree char *copy = strdup(text);
	struct launch_port *p;
	const char *why;

	if (r->n_ports == LAUNCH_PORTS_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--port %s: a guest has room for %d ports", text, LAUNCH_PORTS_MAX);
	p = reallocarray(r->ports, r->n_ports + 1, sizeof(*p));
	if (p)
		r->ports = p;
	if (!p || !copy)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	p[r->n_ports] = (struct launch_port) { 0 };
	p = &p[r->n_ports++];
	why = parse(p, copy);
	if (!why && is_there(r, p))
		why = "there is a port of that name, or with that socket, already";
	return why ? usage(text, why, reterr) : 0;
}

void launch_ports_done(struct launch_request *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		free(r->ports[i].name);
		free(r->ports[i].path);
	}
	free(r->ports);
}

static int open_port(const char *path, struct launch_socket *ret, struct problem **reterr)
{
	int fd = local_listen(path);

	if (fd < 0)
		return problem(reterr, fd,
			fd == -EADDRINUSE ? PROBLEM_IN_USE : problem_kind_from_errno(fd),
			fd == -EADDRINUSE ? "somebody listens there: choose another socket="
					  : "socket= is a path that this user may make",
			"--port: cannot listen at %s: %s", path, strerror(-fd));
	ret->fd = fd;
	ret->path = strdup(path);
	if (!ret->path) {
		unlink(path);
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	/* Whoever serves the port has other work, too. */
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0
		       ? problem(reterr, -errno, PROBLEM_FAILED, NULL,
				 "--port: the socket at %s would block: %m", path)
		       : 0;
}

int launch_open_ports(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr)
{
	io->sockets = calloc(r->n_ports + 1, sizeof(*io->sockets));
	if (!io->sockets)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	while (io->n_sockets < r->n_ports) {
		size_t i = io->n_sockets++;
		int e;

		io->sockets[i].fd = -1;
		e = open_port(r->ports[i].path, &io->sockets[i], reterr);
		if (e < 0)
			return e;
	}
	return 0;
}

void launch_close_ports(struct launch_handles *io)
{
	for (size_t i = 0; i < io->n_sockets; i++)
		closep_(&io->sockets[i].fd);
}

void launch_remove_ports(struct launch_handles *io)
{
	launch_close_ports(io);
	for (size_t i = 0; i < io->n_sockets; i++) {
		if (io->sockets[i].path)
			unlink(io->sockets[i].path);
		free(io->sockets[i].path);
	}
	free(io->sockets);
	io->sockets = NULL;
	io->n_sockets = 0;
}
