// SPDX-License-Identifier: GPL-2.0-or-later
#include "request.h"
#include "vhost.h"

#include "disk.h"
#include "net.h"
#include "port.h"

#include "base/str.h"

#include <string.h>

enum {
	PAGE_BYTES = 4096,
	MEMORY_LEAST = 16 << 20,
};

static int usage(struct problem **reterr, const char *hint, const char *option, const char *text,
	const char *what)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, hint, "%s %s: %s", option, text, what);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

void launch_request_init(struct launch_request *r)
{
	*r = (struct launch_request) {
		.name = "guest",
		.append = "",
		.sandbox = "on",
		.peers = "auto",
		.cpus = 1,
		.memory_bytes = 512ULL << 20,
	};
}

static void vf_done(struct launch_vf *v)
{
	free(v->selector);
	free(v->vf_token);
	free(v->rom_file);
	launch_net_done(&v->net);
	launch_net_done(&v->port);
	launch_disk_done(&v->disk);
}

void launch_request_done(struct launch_request *r)
{
	for (size_t i = 0; i < r->n_vfs; i++)
		vf_done(&r->vfs[i]);
	for (size_t i = 0; i < r->n_disks; i++)
		launch_disk_done(&r->disks[i]);
	for (size_t i = 0; i < r->n_nets; i++)
		launch_net_done(&r->nets[i]);
	free(r->vfs);
	free(r->disks);
	free(r->nets);
	launch_vhosts_done(r);
	launch_ports_done(r);
}

int launch_set_cpus(struct launch_request *r, const char *text, struct problem **reterr)
{
	uint32_t n;

	if (parse_u32(text, &n) < 0 || n < 1 || n > LAUNCH_CPUS_MAX)
		return usage(reterr, "--cpus 2", "--cpus", text, "a guest has 1 to 8 CPUs");
	r->cpus = n;
	return 0;
}

int launch_set_memory(struct launch_request *r, const char *text, struct problem **reterr)
{
	uint64_t n;

	if (parse_bytes(text, &n) < 0)
		return usage(reterr, "--mem 512M", "--mem", text, "not an amount of memory");
	if (n < MEMORY_LEAST || n % PAGE_BYTES)
		return usage(reterr, "--mem 512M", "--mem", text,
			"a guest has at least 16M, in pages of 4K");
	r->memory_bytes = n;
	return 0;
}

int launch_set_huge_pages(struct launch_request *r, const char *text, struct problem **reterr)
{
	uint64_t n = 2ULL << 20;

	if (text && (parse_bytes(text, &n) < 0 || (n != 2ULL << 20 && n != 1ULL << 30)))
		return usage(reterr, "--huge-pages=2M or --huge-pages=1G", "--huge-pages", text,
			"not a size of huge pages");
	r->huge_page = n;
	return 0;
}

int launch_set_numa(struct launch_request *r, const char *text, struct problem **reterr)
{
	uint32_t node = 0;

	if (str_eq(text, "auto"))
		r->numa = LAUNCH_NUMA_AUTO;
	else if (str_eq(text, "off"))
		r->numa = LAUNCH_NUMA_OFF;
	else if (parse_u32(text, &node) == 0 && node < 1024)
		r->numa = LAUNCH_NUMA_NODE;
	else
		return usage(reterr, "--numa auto, --numa off or --numa 0", "--numa", text,
			"not a NUMA node");
	r->node = node;
	return 0;
}

static const char *one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(text, words[i]))
			return words[i];
	return NULL;
}

int launch_set_sandbox(struct launch_request *r, const char *text, struct problem **reterr)
{
	static const char *const modes[] = { "on", "log", "off" };
	const char *mode = one_of(text, modes, ARRAY_SIZE(modes));

	if (!mode)
		return usage(reterr, "--sandbox log", "--sandbox", text, "on, log or off");
	r->sandbox = mode;
	return 0;
}

int launch_set_peers(struct launch_request *r, const char *text, struct problem **reterr)
{
	static const char *const wishes[] = { "auto", "on", "off" };
	const char *wish = one_of(text, wishes, ARRAY_SIZE(wishes));

	if (!wish)
		return usage(reterr, "--peers on", "--peers", text, "auto, on or off");
	r->peers = wish;
	return 0;
}

int launch_set_console(struct launch_request *r, const char *text, struct problem **reterr)
{
	static const char *const kinds[] = { "serial", "virtio" };
	const char *kind = one_of(text, kinds, ARRAY_SIZE(kinds));

	if (!kind)
		return usage(reterr, "--console virtio", "--console", text, "serial or virtio");
	r->virtio_console = str_eq(kind, "virtio");
	return 0;
}

int launch_set_backend(struct launch_request *r, const char *text, struct problem **reterr)
{
	if (vfio_backend_parse(text, &r->backend) < 0)
		return usage(reterr, vfio_backend_names, "--vfio", text, "no back end of VFIO");
	return 0;
}

static int set_fallback(
	struct launch_vf *v, const char *spec, const char *text, struct problem **reterr)
{
	const char *resource = strchr(spec, ':');

	if (v->fallback != LAUNCH_FALLBACK_NONE)
		return usage(reterr, NULL, "--vf", text, "one fallback is enough");
	if (str_starts(spec, "virtio-net:")) {
		const char *why = launch_parse_uplink(&v->net, resource + 1);

		v->fallback = LAUNCH_FALLBACK_NET;
		return why ? usage(reterr, "fallback=virtio-net:TAP or virtio-net:bridge:NAME",
				     "--vf", text, why)
			   : 0;
	}
	if (str_starts(spec, "virtio-blk:")) {
		v->fallback = LAUNCH_FALLBACK_DISK;
		return launch_parse_disk(&v->disk, resource + 1, "--vf", text, reterr);
	}
	return usage(reterr, "fallback=virtio-net:TAP or fallback=virtio-blk:FILE", "--vf", text,
		"no such fallback");
}

/* It is also what the guest has when the function cannot be had. */
static int set_standby(
	struct launch_vf *v, const char *spec, const char *text, struct problem **reterr)
{
	const char *why;

	if (v->fallback != LAUNCH_FALLBACK_NONE)
		return usage(
			reterr, NULL, "--vf", text, "one fallback is enough, a standby is one");
	v->fallback = LAUNCH_FALLBACK_NET;
	v->standby = true;
	why = launch_parse_uplink(&v->net, spec);
	return why ? usage(reterr, "standby=bridge:NAME or standby=TAP", "--vf", text, why) : 0;
}

/* What is wrong with it without a standby is said when all keys are known. */
static int set_standby_mac(
	struct launch_vf *v, const char *address, const char *text, struct problem **reterr)
{
	if (mac_parse(address, &v->standby_mac) == 0 && !mac_is_multicast(v->standby_mac) &&
		!mac_is_zero(v->standby_mac))
		return 0;
	return usage(reterr, "standby-mac=52:54:00:00:00:01", "--vf", text,
		"standby-mac= is no address of an interface");
}

static int set_representor(
	struct launch_vf *v, const char *spec, const char *text, struct problem **reterr)
{
	const char *why = launch_parse_uplink(&v->port, spec);

	if (!why && v->port.uplink.kind != UPLINK_BRIDGE && v->port.uplink.kind != UPLINK_OVS)
		why = "a representor becomes a port of a bridge, or of a switch of Open vSwitch";
	return why ? usage(reterr, "representor=bridge:NAME or representor=ovs:NAME", "--vf", text,
			     why)
		   : 0;
}

/* The kernel takes the token behind a space: nothing else may get in with it. */
static int set_token(
	struct launch_vf *v, const char *token, const char *text, struct problem **reterr)
{
	if (!str_is_uuid(token))
		return usage(reterr, NULL, "--vf", text, "vf-token= is not a UUID");
	free(v->vf_token);
	v->vf_token = strdup(token);
	return v->vf_token ? 0 : no_memory(reterr);
}

static int set_on_loss(
	struct launch_vf *v, const char *word, const char *text, struct problem **reterr)
{
	v->stop_on_loss = str_eq(word, "stop");
	return v->stop_on_loss || str_eq(word, "unplug")
		       ? 0
		       : usage(reterr, "on-loss=unplug or on-loss=stop", "--vf", text,
				 "what is to be done when it is lost?");
}

static int set_rom(struct launch_vf *v, const char *word, const char *text, struct problem **reterr)
{
	v->rom = str_eq(word, "on");
	free(TAKE_PTR(v->rom_file));
	if (v->rom || str_eq(word, "off"))
		return 0;
	if (!*word)
		return usage(reterr, "rom=on, rom=off or rom=FILE", "--vf", text,
			"what ROM is the guest to see?");
	v->rom_file = strdup(word);
	return v->rom_file ? 0 : no_memory(reterr);
}

typedef int vf_setter(
	struct launch_vf *v, const char *value, const char *text, struct problem **reterr);

static const struct {
	const char *key;
	vf_setter *set;
} vf_keys[] = {
	{ ",fallback=", set_fallback },
	{ ",standby=", set_standby },
	{ ",standby-mac=", set_standby_mac },
	{ ",vf-token=", set_token },
	{ ",on-loss=", set_on_loss },
	{ ",rom=", set_rom },
	{ ",representor=", set_representor },
};

/* Where the next key of --vf begins; a selector's own commas are not followed by one. */
static char *next_key(char *s, vf_setter **ret)
{
	for (char *comma = strchr(s, ','); comma; comma = strchr(comma + 1, ','))
		for (size_t i = 0; i < ARRAY_SIZE(vf_keys); i++)
			if (str_starts(comma, vf_keys[i].key)) {
				*ret = vf_keys[i].set;
				return comma;
			}
	return NULL;
}

static int parse_vf(struct launch_vf *v, char *spec, const char *text, struct problem **reterr)
{
	vf_setter *set = NULL, *next_set = NULL;
	char *key = next_key(spec, &set);

	if (key)
		*key = '\0';
	if (!*spec)
		return usage(reterr, "see vfctl list", "--vf", text, "no function is named");
	v->selector = strdup(spec);
	if (!v->selector)
		return no_memory(reterr);
	while (key) {
		char *value = strchr(key + 1, '=') + 1, *next = next_key(value, &next_set);
		int r;

		if (next)
			*next = '\0';
		r = set(v, value, text, reterr);
		if (r < 0)
			return r;
		key = next;
		set = next_set;
	}
	if (!v->standby && !mac_is_zero(v->standby_mac))
		return usage(reterr, "standby=UPLINK,standby-mac=ADDRESS", "--vf", text,
			"there is no standby to have that address");
	return 0;
}

int launch_add_vf(struct launch_request *r, const char *text, struct problem **reterr)
{
	struct launch_vf *v = reallocarray(r->vfs, r->n_vfs + 1, sizeof(*v));
	autofree char *copy = strdup(text);

	if (v)
		r->vfs = v;
	if (!v || !copy)
		return no_memory(reterr);
	v[r->n_vfs] = (struct launch_vf) { 0 };
	return parse_vf(&v[r->n_vfs++], copy, text, reterr);
}

static int check_peers(struct launch_request *r, struct problem **reterr)
{
	if (!str_eq(r->peers, "on"))
		return 0;
	if (r->backend == VFIO_BACKEND_IOMMUFD)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "--vfio type1",
			"--peers on: iommufd maps no BARs that were mapped through VFIO");
	r->backend = VFIO_BACKEND_TYPE1;
	return 0;
}

/* The second guest's end in the same bridge has a name of its own: uplink_text(). */
static void number_uplink(struct launch_request *r, struct uplink_wish *w)
{
	w->number = 0;
	for (size_t i = 0; w->name && i < r->n_vfs + r->n_nets; i++) {
		const struct uplink_wish *o =
			i < r->n_vfs ? &r->vfs[i].net.uplink : &r->nets[i - r->n_vfs].uplink;

		if (o == w)
			return;
		if (o->name && o->kind == w->kind && str_eq(o->name, w->name))
			w->number++;
	}
}

static void number_uplinks(struct launch_request *r)
{
	for (size_t i = 0; i < r->n_vfs; i++)
		number_uplink(r, &r->vfs[i].net.uplink);
	for (size_t i = 0; i < r->n_nets; i++)
		number_uplink(r, &r->nets[i].uplink);
}

/* Also where a function has a fallback: what it gets is not known yet. */
static int check_balloon(const struct launch_request *r, struct problem **reterr)
{
	if (r->balloon && r->n_vfs)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"leave out --balloon, or use --net and --disk instead of --vf",
			"--balloon: a function reaches the guest's memory by DMA, so that all of "
			"it is pinned and nothing can be given back");
	if (r->balloon && r->n_vhosts)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"leave out --balloon, or use a device that is not vhost-user's",
			"--balloon: the process behind vhost-user may have handed the guest's "
			"memory to a device, so that nothing can be given back");
	if (r->balloon && r->huge_page)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"leave out --balloon, or --huge-pages",
			"--balloon: reserved huge pages cannot be given back in pieces");
	return 0;
}

int launch_request_check(struct launch_request *r, struct problem **reterr)
{
	if (!r->kernel)
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, "--kernel FILE", "a guest needs a kernel");
	if (!*r->name || strpbrk(r->name, ",\n"))
		return usage(reterr, NULL, "--name", r->name, "no name for a guest");
	if (r->huge_page && r->memory_bytes % r->huge_page)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			r->huge_page > 2 << 20 ? "--mem 4G" : "--mem 512M",
			"with --huge-pages=%s the memory is a multiple of that",
			r->huge_page > 2 << 20 ? "1G" : "2M");
	if (r->n_vfs + r->n_disks + r->n_nets + r->n_vhosts + !!r->cid + r->rng + r->balloon +
			r->virtio_console + !!r->n_ports >
		LAUNCH_DEVICES_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"a guest has room for %d devices", LAUNCH_DEVICES_MAX);
	number_uplinks(r);
	return check_balloon(r, reterr) < 0 ? -EINVAL : check_peers(r, reterr);
}
