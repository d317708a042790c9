// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfctl's VFIO on a mediated device of the kernel's sample driver mtty: a serial card in software,
 * with all that a PCI function has for VFIO, and with migration. Its scratch register, which
 * nothing but a driver writes, tells whether a state has arrived.
 *
 *   vfmdev facts UUID GROUP              what its driver offers
 *   vfmdev save UUID GROUP FILE VALUE    writes VALUE into the register, saves the state
 *   vfmdev load UUID GROUP FILE          puts that state in, prints the register before and after
 *   vfmdev run UUID GROUP COMMAND…       with the device's descriptors; "@" becomes "container=…"
 */
#include "base/str.h"
#include "host/host.h"
#include "vfio/migration.h"
#include "vfio/saved.h"
#include "vfio/type1.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SCRATCH = 7, STALL_MS = 2000 };

struct mdev {
	struct host *host;
	struct vfio_space *space;
	struct vfio_device *device;
	struct vfio_region ports;
};

static int fail(struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL;

	fprintf(stderr, "vfmdev: %s\n", text ? text : "failed");
	problem_free(p);
	return 1;
}

static ssize_t file_read(void *arg, void *buf, size_t len, uint64_t at)
{
	ssize_t n = pread(*(int *)arg, buf, len, (off_t)at);

	return n < 0 ? -errno : n;
}

static int file_write(void *arg, const void *data, size_t len, uint64_t at)
{
	ssize_t n = pwrite(*(int *)arg, data, len, (off_t)at);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int open_mdev(struct mdev *m, const char *uuid, const char *group, struct problem **reterr)
{
	const struct vfio_target t = { .name = uuid, .group = (unsigned)strtoul(group, NULL, 10) };
	int r = host_new_live(&m->host, reterr);

	if (r == 0)
		r = vfio_type1_open(m->host, &m->space, reterr);
	if (r == 0)
		r = vfio_space_attach(m->space, &t, &m->device, reterr);
	if (r == 0)
		r = vfio_region_get(m->device, 0, &m->ports, reterr);
	return r;
}

static void close_mdev(struct mdev *m)
{
	vfio_region_done(&m->ports);
	vfio_device_free(m->device);
	vfio_space_free(m->space);
	host_free(m->host);
}

static unsigned scratch(struct mdev *m)
{
	uint8_t v = 0;

	vfio_region_read(m->device, &m->ports, SCRATCH, &v, 1);
	return v;
}

static int facts(struct mdev *m, struct problem **reterr)
{
	char words[VFIO_MIGRATION_TEXT_MAX];
	unsigned offered;
	uint64_t size = 0;
	enum vfio_state state = VFIO_STATE_ERROR;
	int r = vfio_migration_get(m->device, &offered);

	if (r == 0)
		r = vfio_state_get(m->device, &state);
	if (r == 0)
		r = vfio_state_size(m->device, &size);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "%s", strerror(-r));
	printf("pci %d resets %d offers %s state %s bytes %llu\n", m->device->is_pci,
		m->device->can_reset, vfio_migration_text(offered, words), vfio_state_name(state),
		(unsigned long long)size);
	return 0;
}

static int save(
	struct mdev *m, const struct vfio_saved_file *f, const char *value, struct problem **reterr)
{
	uint8_t v = (uint8_t)strtoul(value, NULL, 0);
	struct vfio_saved s;
	int r;

	vfio_region_write(m->device, &m->ports, SCRATCH, &v, 1);
	r = vfio_saved_write(m->device, f, STALL_MS, &s, reterr);
	if (r == 0)
		r = vfio_state_set(m->device, VFIO_STATE_RUNNING, reterr);
	if (r == 0)
		printf("saved %llu bytes of %04x:%04x\n", (unsigned long long)s.bytes, s.id.vendor,
			s.id.device);
	return r;
}

static int load(struct mdev *m, const struct vfio_saved_file *f, struct problem **reterr)
{
	unsigned before = scratch(m);
	enum vfio_state state = VFIO_STATE_ERROR;
	struct vfio_saved s;
	int r = vfio_saved_read(m->device, f, STALL_MS, &s, reterr);

	if (r == 0)
		r = vfio_state_set(m->device, VFIO_STATE_RUNNING, reterr);
	vfio_state_get(m->device, &state);
	printf("register 0x%02x then 0x%02x, %s\n", before, scratch(m), vfio_state_name(state));
	return r;
}

static void keep_over_exec(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static int run(struct mdev *m, char **argv, const char *uuid, struct problem **reterr)
{
	int container = vfio_type1_container_fd(m->space);
	autofree char *at = str_printf("container=%d,group=%d,device=%d,name=%s", container,
		m->device->group_fd, m->device->fd, uuid);

	keep_over_exec(container);
	keep_over_exec(m->device->group_fd);
	keep_over_exec(m->device->fd);
	for (char **a = argv; *a; a++)
		if (str_eq(*a, "@"))
			*a = at;
	execvp(argv[0], argv);
	return problem(reterr, -errno, PROBLEM_FAILED, NULL, "%s: %s", argv[0], strerror(errno));
}

static int with_file(struct mdev *m, int argc, char **argv, struct problem **reterr)
{
	int fd = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	const struct vfio_saved_file f = { file_read, file_write, &fd };
	int r = argc == 6 ? save(m, &f, argv[5], reterr) : load(m, &f, reterr);

	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct problem *p = NULL;
	struct mdev m = { 0 };
	int r;

	if (argc < 4)
		return 2;
	r = open_mdev(&m, argv[2], argv[3], &p);
	if (r < 0)
		return fail(p);
	if (str_eq(argv[1], "facts"))
		r = facts(&m, &p);
	else if (str_eq(argv[1], "run") && argc > 4)
		r = run(&m, argv + 4, argv[2], &p);
	else
		r = argc > 4 ? with_file(&m, argc, argv, &p) : 2;
	close_mdev(&m);
	return r < 0 ? fail(p) : r;
}
