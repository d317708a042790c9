// SPDX-License-Identifier: GPL-2.0-or-later
/* What was done then, done again. */
#include "player.h"

#include "base/str.h"
#include "fakevfio/fakekvm.h"
#include "host/witness.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/loop/loop.h"
#include "vmm/machine/space.h"
#include "vmm/memory/prefault.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/function.h"
#include "vmm/vfio/session.h"
#include "vmm/vfio/together.h"

#include <inttypes.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

enum { FUNCTIONS_MAX = 32, WORDS_MAX = 64 };

struct stage {
	struct fakekvm kvm;
	struct player player;
	struct vfio_session *session;
	struct guest_memory memory;
	struct kvm_vm *vm; /* NULL: no machine */
	struct vmm_services s;
	bool heard;   /* the loop has run, and does not again */
	bool stopped; /* all devices are; what comes now is the end of the machine */
};

/* There is no memory: nobody brings it. See CMakeLists.txt, --wrap. */
int __wrap_prefault_new(const struct prefault_params *params, struct prefault **ret);
int __wrap_prefault_new(const struct prefault_params *params UNUSED, struct prefault **ret UNUSED)
{
	return -EOPNOTSUPP;
}

/* The words of the thing that is to be done. */
struct words {
	const struct trace_line *line;
	char *copy;
	const char *v[WORDS_MAX];
	size_t n;
};

static int bad(struct stage *s, const struct words *w, const char *what)
{
	player_fail(&s->player, w->line->number, "%s: %.200s", what, w->line->text);
	return -EINVAL;
}

static int split(struct words *w, const struct trace_line *line)
{
	char *save = NULL;

	*w = (struct words) { .line = line, .copy = strdup(line->text) };
	for (char *word = w->copy ? strtok_r(w->copy, " ", &save) : NULL; word && w->n < WORDS_MAX;
		word = strtok_r(NULL, " ", &save))
		w->v[w->n++] = word;
	return w->copy ? 0 : -ENOMEM;
}

/* The i-th word as a number, at most `most`. */
static int number(struct stage *s, const struct words *w, size_t i, uint64_t most, uint64_t *ret)
{
	if (i >= w->n || parse_u64(w->v[i], ret) < 0 || *ret > most)
		return bad(s, w, "a number is missing, or too large");
	return 0;
}

/* "0x1000+0x2000" */
static int extent(struct stage *s, const struct words *w, const char *text, uint64_t *ret_start,
	uint64_t *ret_size)
{
	unsigned long long start, size;

	if (sscanf(text, "0x%llx+0x%llx", &start, &size) != 2 || start + size < start)
		return bad(s, w, "a range is expected");
	*ret_start = start;
	*ret_size = size;
	return 0;
}

/* ---- The machine ---- */

static void machine_down(struct stage *s)
{
	if (!s->vm)
		return;
	pci_bus_free(TAKE_PTR(s->s.pci));
	irq_chip_free(TAKE_PTR(s->s.irq));
	kvm_vm_free(TAKE_PTR(s->vm));
	loop_free(TAKE_PTR(s->s.loop));
	bus_free(TAKE_PTR(s->s.mmio));
	bus_free(TAKE_PTR(s->s.pio));
}

/* The window that the trace's next function was placed in. */
static int find_window(struct stage *s, struct pci_window *ret)
{
	struct player *p = &s->player;

	*ret = (struct pci_window) { 1ULL << 32, 1ULL << 40 };
	for (size_t i = p->next; i < p->trace->n_things; i++) {
		const struct trace_line *l = &p->trace->v[p->trace->things[i]];
		const char *at =
			str_starts(l->text, "function ") ? strstr(l->text, "mem64=") : NULL;
		struct words w = { .line = l };

		if (at)
			return extent(s, &w, at + strlen("mem64="), &ret->start, &ret->size);
	}
	return 0;
}

static int machine_up(struct stage *s)
{
	struct pci_bus_params p = {
		.ecam = SPACE_ECAM,
		.io = { SPACE_IO_START, SPACE_IO_END - SPACE_IO_START },
		.mem32 = { SPACE_MEM32_START, SPACE_ECAM - SPACE_MEM32_START },
	};
	int r = find_window(s, &p.mem64);

	machine_down(s);
	s->heard = s->stopped = false;
	s->s = (struct vmm_services) { .host = &s->player.host };
	if (r < 0)
		return r;
	if (kvm_vm_new(s->s.host, s->kvm.fd, &s->vm, NULL) < 0)
		return -ENOMEM;
	s->s.kvm = s->vm;
	if (bus_new("pio", &s->s.pio) < 0 || bus_new("mmio", &s->s.mmio) < 0 ||
		loop_new(&s->s.loop) < 0 || irq_chip_new(s->vm, &s->s.irq, NULL) < 0)
		return -ENOMEM;
	p.pio = s->s.pio;
	p.mmio = s->s.mmio;
	p.irq = s->s.irq;
	return pci_bus_new(&p, &s->s.pci, NULL);
}

static struct pci_device *find_pci(struct stage *s, const struct words *w)
{
	for (unsigned i = 1; s->s.pci && w->n > 1 && i < PCI_SLOTS; i++) {
		struct pci_device *dev = pci_bus_device(s->s.pci, i);

		if (dev && str_eq(dev->name, w->v[1]))
			return dev;
	}
	bad(s, w, "the guest has no such function");
	return NULL;
}

static struct vfio_device *find_vfio(struct stage *s, const struct words *w)
{
	for (size_t i = 0; w->n > 1 && i < vfio_session_count(s->session); i++)
		if (str_eq(vfio_session_device(s->session, i)->name, w->v[1]))
			return vfio_session_device(s->session, i);
	bad(s, w, "there is no such function");
	return NULL;
}

/* ---- The session ---- */

/* "group=group#2": a descriptor of that name, or a new one. */
static int fd_of(struct stage *s, const struct words *w, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 2; i < w->n; i++) {
		const char *name = w->v[i] + len + 1;
		int fd;

		if (strncmp(w->v[i], key, len) != 0 || w->v[i][len] != '=')
			continue;
		if (str_eq(name, "-"))
			return -1;
		fd = names_find(&s->player.names, name);
		return fd >= 0 ? fd : eventfd(0, EFD_CLOEXEC);
	}
	return -1;
}

static void close_unnamed(struct stage *s, int fd)
{
	if (fd >= 0 && !names_fd(&s->player.names, fd))
		close(fd);
}

static int do_add(struct stage *s, const struct words *w)
{
	struct vfio_fds f = {
		.name = w->n > 1 ? w->v[1] : "",
		.clean = strcmp(w->v[w->n - 1], "clean") == 0,
	};
	int r;

	f.device = fd_of(s, w, "device");
	f.container = fd_of(s, w, "container");
	f.group = fd_of(s, w, "group");
	f.iommufd = fd_of(s, w, "iommufd");
	if (f.device < 0 || vfio_session_count(s->session) == FUNCTIONS_MAX) {
		const int all[] = { f.device, f.container, f.group, f.iommufd };

		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			close_unnamed(s, all[i]);
		return bad(s, w, "no function can be added so");
	}
	r = vfio_session_add(s->session, &f, NULL);
	return r == -ENOMEM ? r : 0;
}

static int do_enter(struct stage *s, const struct words *w)
{
	struct guest_memory m = { .host = &s->player.host };
	int r = 0;

	for (size_t i = 1; i < w->n && r == 0; i++) {
		struct guest_bank *b = &m.banks[m.n_banks];

		if (m.n_banks == GUEST_BANKS_MAX)
			return bad(s, w, "too much memory");
		/* Nobody looks into it. */
		b->host = (uint8_t *)(1ULL << 46);
		r = extent(s, w, w->v[i], &b->start.v, &b->size);
		m.n_banks++;
	}
	vfio_session_leave(s->session);
	s->memory = m;
	if (r == 0)
		r = machine_up(s);
	if (r == 0)
		vfio_session_enter(s->session, s->vm, &s->memory, NULL);
	return r;
}

static int do_bank(struct stage *s, const struct words *w)
{
	uint64_t i;

	if (number(s, w, 1, UINT32_MAX, &i) < 0)
		return -EINVAL;
	if (i >= s->memory.n_banks)
		return bad(s, w, "there is no such memory");
	vfio_session_map_bank(s->session, i, NULL);
	return 0;
}

static int do_session(struct stage *s, const struct words *w)
{
	struct vfio_device *d = NULL;

	if (w->n > 1 && !(d = find_vfio(s, w)))
		return -EINVAL;
	if (!d && !str_eq(w->v[0], "together") && !str_eq(w->v[0], "leave"))
		return bad(s, w, "of which function?");
	if (str_eq(w->v[0], "admit") && s->vm && s->memory.n_banks)
		vfio_session_admit(s->session, d, NULL);
	else if (str_eq(w->v[0], "newcomer"))
		vfio_reset_newcomer(s->session, d, NULL);
	else if (str_eq(w->v[0], "remove"))
		vfio_session_remove(s->session, d);
	else if (str_eq(w->v[0], "together"))
		vfio_reset_together(s->session, NULL, NULL);
	else if (str_eq(w->v[0], "leave"))
		vfio_session_leave(s->session);
	return 0;
}

static int do_prune(struct stage *s, const struct words *w)
{
	int fd = w->n > 1 ? names_find(&s->player.names, w->v[1]) : -1;

	vfio_session_prune(s->session, fd);
	return 0;
}

static int do_new(struct stage *s, const struct words *w)
{
	enum peers_wish wish = PEERS_OFF;

	if (s->session || w->n < 3)
		return bad(s, w, "there is a session already");
	if (str_eq(w->v[2], "p2p=auto"))
		wish = PEERS_AUTO;
	else if (str_eq(w->v[2], "p2p=on"))
		wish = PEERS_ON;
	return vfio_session_new(&s->player.host, wish, &s->session);
}

static int do_free(struct stage *s, const struct words *w UNUSED)
{
	machine_down(s);
	vfio_session_free(TAKE_PTR(s->session));
	return 0;
}

/* ---- The function ---- */

static void dummy_free(struct pci_device *dev)
{
	pci_device_done(dev);
	free(dev);
}

/* In the slots before its own there was something else. */
static int fill_slots(struct stage *s, uint64_t end)
{
	static const struct pci_device_ops ops = { .free = dummy_free };

	for (int i = 1; i < (int)end; i++) {
		struct pci_device *dev;

		if (pci_bus_device(s->s.pci, (unsigned)i))
			continue;
		dev = calloc(1, sizeof(*dev));
		if (!dev)
			return -ENOMEM;
		pci_device_init(dev, &ops, "other", &(struct pci_ids) { 0 });
		if (pci_bus_add(s->s.pci, dev, i, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Where its BARs came to lie depends on who was there before. */
static int place_bars(struct stage *s, const struct words *w, struct pci_device *dev)
{
	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++) {
		uint64_t v;

		if (number(s, w, 1 + i, UINT32_MAX, &v) < 0)
			return -EINVAL;
		pci_config_lock(dev);
		pci_config_default_write(dev, PCI_BASE_ADDRESS_0 + 4 * i, 4, (uint32_t)v);
		pci_config_unlock(dev);
	}
	if (w->n > 1 + PCI_STD_NUM_BARS) {
		uint64_t rom;

		if (number(s, w, 1 + PCI_STD_NUM_BARS, UINT32_MAX, &rom) < 0)
			return -EINVAL;
		pci_config_lock(dev);
		pci_config_default_write(dev, PCI_ROM_ADDRESS, 4, (uint32_t)rom);
		pci_config_unlock(dev);
	}
	return 0;
}

/* What was in the file is in the trace. */
static enum function_rom rom_of(struct stage *s, const struct words *w, int *ret_fd)
{
	*ret_fd = -1;
	if (w->n > 3 && str_eq(w->v[3], "rom=on"))
		return FUNCTION_ROM_DEVICE;
	if (w->n <= 3 || !str_eq(w->v[3], "rom=file"))
		return FUNCTION_ROM_OFF;
	*ret_fd = names_find(&s->player.names, "rom-file");
	if (*ret_fd < 0)
		*ret_fd = eventfd(0, EFD_CLOEXEC);
	return FUNCTION_ROM_FILE;
}

static void on_lost(void *arg, struct vfio_device *d UNUSED, enum function_loss how UNUSED)
{
	struct stage *s = arg;

	loop_quit(s->s.loop, 0);
}

static int add_function(
	struct stage *s, const struct words *w, const struct words *then, struct vfio_device *d)
{
	struct vfio_function_params params = {
		.device = d, .peers = vfio_session_peers(s->session), .lost = on_lost, .lost_arg = s
	};
	bool failed = then->n && str_eq(then->v[0], "failed");
	struct pci_device *dev = NULL;
	uint64_t slot = 1;

	if (then->n && !failed &&
		(sscanf(then->v[0], "slot=%" SCNu64, &slot) != 1 || !slot || slot >= PCI_SLOTS))
		return bad(s, then, "a slot is expected");
	/* The guest had ejected who was there before. */
	pci_bus_slot_is_free(s->s.pci, (unsigned)slot);
	if (fill_slots(s, slot) < 0)
		return -ENOMEM;
	for (unsigned i = 1; i < PCI_SLOTS; i++) {
		struct pci_device *other = pci_bus_device(s->s.pci, i);

		if (other && str_eq(other->name, d->name))
			return bad(s, w, "the guest has it already");
	}
	params.rom = rom_of(s, w, &params.rom_fd);
	if (vfio_function_add(&s->s, &params, &dev, NULL) < 0 || s->player.failed)
		return 0;
	if (then->n && !failed && dev->slot != slot)
		return bad(s, w, "that slot was taken");
	return then->n && !failed ? place_bars(s, then, dev) : 0;
}

static int do_function(struct stage *s, const struct words *w)
{
	const char *result = player_result(&s->player, w->line);
	struct trace_line end = *w->line;
	struct vfio_device *d = find_vfio(s, w);
	struct words then;
	int r;

	if (!d)
		return -EINVAL;
	if (!s->vm)
		return bad(s, w, "there is no machine");
	end.text = result ? result : "";
	if (split(&then, &end) < 0)
		return -ENOMEM;
	r = add_function(s, w, &then, d);
	free(then.copy);
	return r;
}

static void signal_once(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && poll(&p, 1, 0) == 0)
		eventfd_write(fd, 1);
}

/* Bits that the guest saw pending: their eventfds had been signalled. */
static void signal_pending(struct stage *s, const struct pci_device *dev, uint32_t index,
	uint64_t first, uint64_t bits)
{
	int device = names_find(&s->player.names, dev->name);

	for (unsigned i = 0; bits; i++, bits >>= 1)
		if (bits & 1)
			signal_once(
				names_vector(&s->player.names, device, index, (uint32_t)first + i));
}

static uint64_t seen_then(struct stage *s, const struct words *w)
{
	const char *result = player_result(&s->player, w->line);
	uint64_t v = 0;

	return result && parse_u64(result, &v) == 0 ? v : 0;
}

static void msi_pending(struct stage *s, const struct words *w, struct pci_device *dev, uint64_t at)
{
	unsigned cap = pci_find_capability(dev, PCI_CAP_ID_MSI);
	uint16_t flags = cap ? pci_get16(dev, cap + PCI_MSI_FLAGS) : 0;
	unsigned bits = cap + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32) + 4;

	if (flags & PCI_MSI_FLAGS_MASKBIT && at >= bits && at < bits + 4U)
		signal_pending(s, dev, VFIO_PCI_MSI_IRQ_INDEX, 8 * (at - bits), seen_then(s, w));
}

static int do_config(struct stage *s, const struct words *w)
{
	struct pci_device *dev = find_pci(s, w);
	bool write = str_eq(w->v[0], "config-write");
	uint64_t at, len, v = 0;

	if (!dev || number(s, w, 2, PCI_CONFIG_BYTES - 1, &at) < 0 ||
		number(s, w, 3, 4, &len) < 0 || (write && number(s, w, 4, UINT32_MAX, &v) < 0))
		return -EINVAL;
	if (len == 0 || len == 3 || at % 4 + len > 4)
		return bad(s, w, "no guest does that");
	if (!write)
		msi_pending(s, w, dev, at);
	if (write)
		pci_config_write(dev, (unsigned)at, (unsigned)len, v);
	else
		pci_config_read(dev, (unsigned)at, (unsigned)len);
	return 0;
}

static void msix_pending(
	struct stage *s, const struct words *w, struct pci_device *dev, uint64_t bar, uint64_t at)
{
	unsigned cap = pci_find_capability(dev, PCI_CAP_ID_MSIX);
	uint32_t pba = cap ? pci_get32(dev, cap + PCI_MSIX_PBA) : 0;
	uint64_t start = pba & PCI_MSIX_PBA_OFFSET;

	if (cap && bar == (pba & PCI_MSIX_PBA_BIR) && at >= start && at < start + 256)
		signal_pending(s, dev, VFIO_PCI_MSIX_IRQ_INDEX, 8 * (at - start), seen_then(s, w));
}

static int do_bar(struct stage *s, const struct words *w)
{
	struct pci_device *dev = find_pci(s, w);
	bool write = str_eq(w->v[0], "bar-write");
	uint64_t bar, at, len, v = 0;

	if (!dev || number(s, w, 2, PCI_BARS - 1, &bar) < 0 ||
		number(s, w, 3, UINT64_MAX - 8, &at) < 0 || number(s, w, 4, 8, &len) < 0 ||
		(write && number(s, w, 5, UINT64_MAX, &v) < 0))
		return -EINVAL;
	if (len == 0 || at + len > dev->bars[bar].size || !dev->ops->bar_read)
		return bad(s, w, "that is not in the BAR");
	if (!write)
		msix_pending(s, w, dev, bar, at);
	if (write)
		dev->ops->bar_write(dev, (unsigned)bar, at, (unsigned)len, v);
	else
		dev->ops->bar_read(dev, (unsigned)bar, at, (unsigned)len);
	return 0;
}

/* The host's eventfd, as often as this machine's loop can be run. */
static int do_signal(struct stage *s, const struct words *w)
{
	bool error = w->n > 2 && str_eq(w->v[2], "error");
	uint32_t index = error ? VFIO_PCI_ERR_IRQ_INDEX : VFIO_PCI_REQ_IRQ_INDEX;
	int fd = w->n > 1 ? names_vector(&s->player.names, names_find(&s->player.names, w->v[1]),
				    index, 0)
			  : -1;

	if (fd < 0 || !s->vm)
		return bad(s, w, "nobody listens to that");
	if (s->heard) {
		player_skip(&s->player);
		return 0;
	}
	s->heard = true;
	eventfd_write(fd, 1);
	loop_run(s->s.loop);
	return 0;
}

static bool is_next(const struct stage *s, const struct words *w, const char *what)
{
	const struct player *p = &s->player;
	autofree char *text = str_printf("%s %s", what, w->n > 1 ? w->v[1] : "");

	for (size_t i = p->next + 1; text && i < p->trace->n_things; i++)
		if (!p->played[i])
			return str_eq(p->trace->v[p->trace->things[i]].text, text);
	return false;
}

/* Unplugged, or the end of the whole machine? That is told by what comes next. */
static int do_leaving(struct stage *s, const struct words *w)
{
	struct pci_device *dev;

	if (!s->vm)
		return bad(s, w, "there is no machine");
	if (s->stopped || str_eq(w->v[0], "gone")) {
		machine_down(s);
		return 0;
	}
	dev = find_pci(s, w);
	if (!dev)
		return -EINVAL;
	s->stopped = str_eq(w->v[0], "stop") && !is_next(s, w, "gone");
	if (s->stopped)
		pci_bus_stop(s->s.pci);
	else
		pci_bus_remove(s->s.pci, dev);
	return 0;
}

static const struct {
	const char *what;
	int (*play)(struct stage *s, const struct words *w);
} kinds[] = {
	{ "add", do_add },
	{ "admit", do_session },
	{ "bank", do_bank },
	{ "bar-off", do_leaving },
	{ "bar-read", do_bar },
	{ "bar-write", do_bar },
	{ "config-read", do_config },
	{ "config-write", do_config },
	{ "enter", do_enter },
	{ "free", do_free },
	{ "function", do_function },
	{ "gone", do_leaving },
	{ "leave", do_session },
	{ "newcomer", do_session },
	{ "prune", do_prune },
	{ "remove", do_session },
	{ "session", do_new },
	{ "signal", do_signal },
	{ "stop", do_leaving },
	{ "together", do_session },
};

static int play_thing(struct stage *s, const struct trace_line *line)
{
	struct words w;
	int r = split(&w, line);

	if (r == 0 && !w.n)
		r = bad(s, &w, "nothing");
	else if (r == 0 && !s->session && !str_eq(w.v[0], "session"))
		r = bad(s, &w, "there is no session yet");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++) {
		if (!str_eq(kinds[i].what, w.v[0]))
			continue;
		r = kinds[i].play(s, &w);
		free(w.copy);
		return r;
	}
	if (r == 0)
		bad(s, &w, "that is not known here");
	free(w.copy);
	return r < 0 ? r : -EINVAL;
}

/* The oracle: after each thing all tables agree. */
static void check(struct stage *s, const struct trace_line *line)
{
	char why[160] = "";

	if (s->vm && !s->player.failed && pci_bus_audit(s->s.pci, s->vm, NULL, why, sizeof(why)))
		player_fail(
			&s->player, line->number, "after that the guest is in disorder: %s", why);
}

static void play_all(struct stage *s)
{
	const struct trace_line *line;

	while (!s->player.failed && (line = player_next(&s->player))) {
		size_t before = s->player.end->things;
		int r = play_thing(s, line);

		if (r == -ENOMEM)
			player_fail(&s->player, line->number, "out of memory");
		else if (r < 0)
			player_fail(&s->player, line->number, "it cannot be played");
		if (!s->player.failed && s->player.end->things == before &&
			player_next(&s->player) == line)
			player_fail(&s->player, line->number,
				"it goes another way\n"
				"  expected: %.250s\n  got:      nothing",
				line->text);
		check(s, line);
	}
}

static void close_all(struct stage *s)
{
	while (s->player.names.n_fds)
		host_close(&s->player.host, s->player.names.fds[0].fd);
}

void replay(const char *text, size_t len, struct replay_end *ret)
{
	struct replay_end end = { 0 };
	struct trace t;
	struct stage *s = calloc(1, sizeof(*s));

	if (!s || trace_parse(text, len, &t, &end) < 0) {
		if (!*end.what)
			snprintf(end.what, sizeof(end.what), "out of memory");
		free(s);
		*ret = end;
		return;
	}
	fakekvm_init(&s->kvm);
	if (player_init(&s->player, &t, &s->kvm.host, &end) == 0)
		play_all(s);
	else
		player_fail(&s->player, 0, "out of memory");
	end.ok = !s->player.failed;
	s->player.failed = true; /* what follows is nobody's business */
	machine_down(s);
	vfio_session_free(s->session);
	close_all(s);
	player_done(&s->player);
	fakekvm_done(&s->kvm);
	trace_done(&t);
	free(s);
	*ret = end;
}
