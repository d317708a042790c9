// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The door's netlink and devlink on Linux's own netdevsim driver, as process 1 of a machine that
 * has nothing else: a simulated network device with VFs, all their attributes, an eswitch, ports
 * and rates. It is no PCI function, so that the rooms above are not asked.
 *
 * It ends by a reboot, which ends the emulator. Prints "ok NAME" or "not ok NAME: why", and "done"
 * at the end, on the console.
 */
#include "base/str.h"
#include "host/devlink.h"
#include "host/host.h"
#include "netdev/vfattr.h"

#include <fcntl.h>
#include <linux/devlink.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>

#define DEV "netdevsim/netdevsim1"
#define BUS "/sys/bus/netdevsim"

static unsigned failures;

static void report(const char *name, bool ok, const char *fmt, ...) PRINTF(3, 4);
static void report(const char *name, bool ok, const char *fmt, ...)
{
	va_list ap;

	failures += !ok;
	printf(ok ? "ok %s\n" : "not ok %s: ", name);
	if (ok)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void expect(const char *name, int is, int want)
{
	report(name, is == want, "%d (%s), not %d", is, is < 0 ? strerror(-is) : "-", want);
}

static int put(struct host *h, const char *path, const char *text)
{
	return h->ops->write_file(h, path, text, strlen(text));
}

/* ---- Attributes of VFs by rtnetlink ---- */

static int attribute(struct host *h, int ifindex, const char *word, char **ret_told)
{
	struct vfattr_wish w;
	autoproblem *p = NULL;
	int r = vfattr_parse(word, &w, &p);

	if (r == 0)
		r = vfattr_apply(h, ifindex, "netdevsim", 1, &w, 1, NULL);
	if (r >= 0) {
		autofree struct host_vf *vfs = NULL;
		size_t n = 0;

		if (host_link_vfs(h, ifindex, &vfs, &n) == 0 && n > 1)
			*ret_told = vfattr_format(w.attr, &vfs[1]);
	}
	vfattr_wish_done(&w);
	return r;
}

static void attributes(struct host *h, int ifindex)
{
	static const char *const words[] = { "mac=02:00:00:00:00:31", "vlan=100", "qos=3",
		"proto=802.1ad", "max-rate=900", "min-rate=100", "spoofchk=on", "trust=on",
		"query-rss=on", "link-state=enable" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		autofree char *told = NULL;
		int r = attribute(h, ifindex, words[i], &told);

		report(words[i], r == 1 && str_eq(told, strchr(words[i], '=') + 1), "%d, told %s",
			r, told ? told : "nothing");
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		autofree char *told = NULL, *name = str_printf("again %s", words[i]);

		expect(name, attribute(h, ifindex, words[i], &told), 0);
	}
}

static void what_it_refuses(struct host *h, int ifindex)
{
	struct host_vf_change beyond = { .attr = HOST_VF_TRUST, .to = { .vf = 9, .trust = 1 } };
	autofree char *told = NULL;

	expect("no GUID", attribute(h, ifindex, "node-guid=00:11:22:33:44:55:66:77", &told),
		-EOPNOTSUPP);
	expect("no VF 9", host_link_set_vf(h, ifindex, &beyond), -EINVAL);
}

/* ---- The eswitch and its ports by devlink ---- */

static unsigned vf_ports(struct host *h, struct devlink_port ret[8])
{
	autofree struct devlink_port *ports = NULL;
	size_t n = 0, vfs = 0;

	if (h->ops->devlink->ports(h, DEV, &ports, &n) < 0)
		return 0;
	for (size_t i = 0; i < n && vfs < 8; i++)
		if (ports[i].flavour == DEVLINK_PORT_FLAVOUR_PCI_VF)
			ret[vfs++] = ports[i];
	return (unsigned)vfs;
}

static void eswitch(struct host *h)
{
	const struct devlink_ops *d = h->ops->devlink;
	struct devlink_eswitch now, to = { DEVLINK_ESWITCH_MODE_SWITCHDEV, -1, -1 };
	struct devlink_says says = { "" };
	struct devlink_port ports[8];

	expect("eswitch_get", d->eswitch_get(h, DEV, &now), 0);
	expect("legacy", now.mode, DEVLINK_ESWITCH_MODE_LEGACY);
	expect("no port in legacy mode", (int)vf_ports(h, ports), 0);
	expect("to switchdev", d->eswitch_set(h, DEV, &to, &says), 0);
	d->eswitch_get(h, DEV, &now);
	expect("switchdev", now.mode, DEVLINK_ESWITCH_MODE_SWITCHDEV);
	to = (struct devlink_eswitch) { -1, DEVLINK_ESWITCH_INLINE_MODE_LINK, -1 };
	expect("no inline mode", d->eswitch_set(h, DEV, &to, &says), -EOPNOTSUPP);
	expect("no such device", d->eswitch_get(h, "netdevsim/netdevsim7", &now), -ENODEV);
}

static void representors(struct host *h)
{
	struct devlink_port ports[8];
	unsigned n = vf_ports(h, ports);

	expect("a port for each VF", (int)n, 3);
	for (unsigned i = 0; i < n; i++) {
		struct host_link link;
		bool ok = ports[i].vf_number == (int)i && ports[i].ifindex > 0 &&
			  host_link_get(h, ports[i].ifindex, &link) == 0 &&
			  str_eq(link.name, ports[i].netdev);

		report("a representor", ok, "VF %d, %s", ports[i].vf_number, ports[i].netdev);
	}
}

static void rates(struct host *h)
{
	const struct devlink_ops *d = h->ops->devlink;
	struct devlink_rate now = { -1, -1, -1, -1 }, to = { 125000, 1250000, -1, -1 };
	struct devlink_says says = { "" };
	struct devlink_port ports[8];
	unsigned port;

	if (!vf_ports(h, ports)) {
		report("rates", false, "no ports");
		return;
	}
	port = ports[0].index;
	expect("rate_set", d->rate_set(h, DEV, port, &to, &says), 0);
	expect("rate_get", d->rate_get(h, DEV, port, &now), 0);
	report("rates are told", now.tx_share == 125000 && now.tx_max == 1250000, "%lld %lld",
		(long long)now.tx_share, (long long)now.tx_max);
	to.tx_share = 125001; /* not a whole Mb/s */
	report("a refusal has a sentence",
		d->rate_set(h, DEV, port, &to, &says) < 0 && says.text[0], "'%s'", says.text);
	printf("# the kernel says: %s\n", says.text);
}

static void functions(struct host *h)
{
	struct devlink_function to = devlink_function_none();
	struct devlink_says says = { "" };
	struct devlink_port ports[8];
	int r;

	if (!vf_ports(h, ports))
		return;
	to.address_len = 6;
	memcpy(to.address, "\x02\0\0\0\0\x07", 6);
	r = h->ops->devlink->function_set(h, DEV, ports[0].index, &to, &says);
	report("no address of functions", r == -EOPNOTSUPP && says.text[0], "%d '%s'", r,
		says.text);
	printf("# the kernel says: %s\n", says.text);
}

static void health(struct host *h)
{
	autofree struct devlink_reporter *v = NULL;
	size_t n = 0;
	bool dummy = false;

	expect("reporters", h->ops->devlink->reporters(h, DEV, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		dummy |= str_eq(v[i].name, "dummy") && !v[i].error;
	report("a healthy reporter", dummy, "%zu reporters", n);
}

/* ---- The machine ---- */

static void mount_all(void)
{
	static const char *const dirs[] = { "/proc", "/sys", "/dev" };
	static const char *const types[] = { "proc", "sysfs", "devtmpfs" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		mkdir(dirs[i], 0755);
		mount(types[i], dirs[i], types[i], 0, NULL);
	}
}

static int first_interface(struct host *h, char **ret)
{
	autostrv char **names = NULL;
	int r = h->ops->list_dir(h, BUS "/devices/netdevsim1/net", &names), ifindex = 0;

	if (r < 0 || !names[0])
		return r < 0 ? r : -ENOENT;
	r = host_link_index(h, names[0], &ifindex);
	*ret = strdup(names[0]);
	return r < 0 ? r : ifindex;
}

static void test(struct host *h)
{
	autofree char *name = NULL;
	int ifindex;

	expect("new_device", put(h, BUS "/new_device", "1 1"), 0);
	expect("numvfs", put(h, BUS "/devices/netdevsim1/sriov_numvfs", "3"), 0);
	ifindex = first_interface(h, &name);
	report("interface", ifindex > 0, "%d", ifindex);
	attributes(h, ifindex);
	what_it_refuses(h, ifindex);
	eswitch(h);
	representors(h);
	rates(h);
	functions(h);
	health(h);
}

int main(void)
{
	autohost *h = NULL;
	int console;

	mount_all();
	console = open("/dev/console", O_RDWR);
	if (console >= 0)
		for (int fd = 0; fd < 3; fd++)
			dup2(console, fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (host_new_live(&h, NULL) == 0)
		test(h);
	else
		report("host", false, "cannot be opened");
	printf("done, %u failures\n", failures);
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}
