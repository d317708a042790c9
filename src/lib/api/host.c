// SPDX-License-Identifier: GPL-2.0-or-later
#include "handle.h"

#include "base/str.h"

#define TEXT_OF(x) #x
#define TEXT(x)	   TEXT_OF(x)

const char *vfctl_version(void)
{
	return TEXT(VFCTL_VERSION);
}

int api_host_new(struct host *h, struct vfctl_host **ret)
{
	struct vfctl_host *host = calloc(1, sizeof(*host));

	if (!host) {
		host_free(h);
		return -ENOMEM;
	}
	host->host = h;
	if (vfctl_host_set_state_dir(host, "/var/lib/vfctl") < 0 ||
		vfctl_host_set_run_dir(host, "/run/vfctl") < 0) {
		vfctl_host_close(host);
		return -ENOMEM;
	}
	*ret = host;
	return 0;
}

static int open_with(int r, struct host *h, struct problem *p, struct vfctl_host **ret,
	struct vfctl_error **reterr)
{
	if (r == 0)
		r = api_host_new(h, ret);
	return r < 0 ? api_error(reterr, p, r) : 0;
}

int vfctl_host_open(struct vfctl_host **ret, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	struct host *h = NULL;
	int r;

	r = host_new_live(&h, &p);
	return open_with(r, h, p, ret, reterr);
}

int vfctl_host_open_captured(const char *path, struct vfctl_host **ret, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	struct host *h = NULL;
	int r;

	r = host_new_captured(path, &h, &p);
	return open_with(r, h, p, ret, reterr);
}

void vfctl_host_close(struct vfctl_host *host)
{
	if (!host)
		return;
	host_free(host->host);
	vfctl_host_set_state_dir(host, NULL);
	free(host->run_dir);
	free(host);
}

void vfctl_host_set_timeout(struct vfctl_host *host, unsigned timeout_ms)
{
	host->timeout_ms = timeout_ms;
}

static void put(char **field, char *value)
{
	free(*field);
	*field = value;
}

int vfctl_host_set_state_dir(struct vfctl_host *host, const char *dir)
{
	autofree char *drivers = dir ? str_printf("%s/drivers", dir) : NULL;
	autofree char *history = dir ? str_printf("%s/journal", dir) : NULL;
	autofree char *learned = dir ? str_printf("%s/learned", dir) : NULL;
	autofree char *identities = dir ? str_printf("%s/identities", dir) : NULL;

	if (dir && (!drivers || !history || !learned || !identities))
		return -ENOMEM;
	put(&host->driver_dir, TAKE_PTR(drivers));
	put(&host->history_dir, TAKE_PTR(history));
	put(&host->learned_dir, TAKE_PTR(learned));
	put(&host->identity_dir, TAKE_PTR(identities));
	return 0;
}

int vfctl_host_set_run_dir(struct vfctl_host *host, const char *dir)
{
	char *copy = dir ? strdup(dir) : NULL;

	if (dir && !copy)
		return -ENOMEM;
	put(&host->run_dir, copy);
	return 0;
}

void vfctl_host_set_progress(struct vfctl_host *host,
	void (*waiting)(void *arg, const char *text, unsigned waited_ms), void *arg)
{
	host->waiting = waiting;
	host->arg = arg;
}
