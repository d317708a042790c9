/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include "space.h"
#include "base/clock.h"
#include "host/pages.h"
#include "vmm/boot/acpi.h"
#include "vmm/boot/bzimage.h"
#include "vmm/dev/console.h"
#include "vmm/dev/platform.h"
#include "vmm/dev/plug.h"
#include "vmm/dev/serial.h"
#include "vmm/irq/irq.h"
#include "vmm/kvm/kvm.h"
#include "vmm/loop/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct machine {
	struct machine_params params;
	struct vmm_services services;
	struct serial *serial;
	struct platform *platform;
	struct cpus *cpus;
	struct prefault *prefault; /* NULL: pages come as they are touched, or all are there */
	struct machine_receipt receipt;
	bool attached;
	pthread_mutex_t lock;
	bool ended;
	struct machine_end end;
};

void machine_end(struct machine *m, enum vmm_exit how, const char *what)
{
	bool first;

	pthread_mutex_lock(&m->lock);
	first = !m->ended;
	if (first) {
		m->ended = true;
		m->end.how = how;
		snprintf(m->end.what, sizeof(m->end.what), "%s", what);
	}
	pthread_mutex_unlock(&m->lock);
	if (first)
		loop_quit(m->params.loop, 0);
}

static void on_power_off(void *arg)
{
	machine_end(arg, VMM_EXIT_POWER_OFF, "");
}

static void on_reset(void *arg)
{
	machine_end(arg, VMM_EXIT_REBOOT, "");
}

static void on_cpu_event(void *arg, enum cpu_event event, const char *what)
{
	static const enum vmm_exit how[] = {
		[CPU_TRIPLE_FAULT] = VMM_EXIT_CRASHED,
		[CPU_RESET] = VMM_EXIT_REBOOT,
		[CPU_POWER_OFF] = VMM_EXIT_POWER_OFF,
		[CPU_INTERNAL_ERROR] = VMM_EXIT_INTERNAL_ERROR,
	};

	machine_end(arg, how[event], what);
}

static int start_populating(struct machine *m, struct problem **reterr)
{
	const struct prefault_params p = { .memory = m->services.memory };
	int r = prefault_new(&p, &m->prefault);

	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "cannot start threads to populate the memory: %s", strerror(-r))
		     : 0;
}

static int make_memory(struct machine *m, struct problem **reterr)
{
	const struct guest_memory_params p = {
		.size = m->params.memory_bytes,
		.huge_page = m->params.huge_page,
		.shared = m->params.shared,
		.near = m->params.near,
		.node = m->params.node,
		.reserved = m->params.reserved,
		.n_reserved = m->params.n_reserved,
	};
	int r = guest_memory_new(m->params.host, &p, &m->services.memory, reterr);

	if (r < 0)
		return r;
	r = kvm_map_guest_memory(m->services.kvm, m->services.memory);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL,
			"KVM refuses the guest's memory: %s", strerror(-r));
	memory_receipt_init(&m->receipt.memory, m->services.memory);
	m->receipt.memory.no_thp = m->params.no_thp;
	return m->params.populate ? start_populating(m, reterr) : 0;
}

static int make_pci(struct machine *m, struct problem **reterr)
{
	struct vmm_services *s = &m->services;
	const struct pci_bus_params p = {
		.pio = s->pio,
		.mmio = s->mmio,
		.irq = s->irq,
		.ecam = SPACE_ECAM,
		.io = { SPACE_IO_START, SPACE_IO_END - SPACE_IO_START },
		.mem32 = { SPACE_MEM32_START, SPACE_ECAM - SPACE_MEM32_START },
		.mem64 = space_mem64(guest_memory_end(s->memory), cpus_address_bits(s->kvm)),
	};

	return pci_bus_new(&p, &s->pci, reterr);
}

static void on_eject(void *arg, uint32_t slots)
{
	struct machine *m = arg;

	if (m->params.eject)
		m->params.eject(m->params.arg, slots);
}

static size_t serial_has_room(void *arg)
{
	return serial_room(arg);
}

static void serial_gets(void *arg, const uint8_t *bytes, size_t n)
{
	serial_receive(arg, bytes, n);
}

static int make_platform(struct machine *m, struct problem **reterr)
{
	const struct serial_params serial = {
		.pio = m->services.pio,
		.irq = m->services.irq,
		.loop = m->params.loop,
		.out_fd = m->params.console_fd,
		.room = m->params.console ? console_more : NULL,
		.arg = m->params.console,
	};
	const struct platform_params platform = {
		.pio = m->services.pio,
		.power_off = on_power_off,
		.reset = on_reset,
		.arg = m,
	};
	const struct plug_params plug = {
		.pio = m->services.pio,
		.irq = m->services.irq,
		.eject = on_eject,
		.arg = m,
	};
	int r = serial_new(&serial, &m->serial);

	if (r == 0)
		r = platform_new(&platform, &m->platform);
	if (r == 0)
		r = plug_new(&plug, &m->services.plug);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"cannot make the platform devices: %s", strerror(-r));
	return 0;
}

static int make_cpus(struct machine *m, struct problem **reterr)
{
	const struct cpus_params p = {
		.vm = m->services.kvm,
		.pio = m->services.pio,
		.mmio = m->services.mmio,
		.count = m->params.cpus,
		.event = on_cpu_event,
		.arg = m,
	};

	return cpus_new(&p, &m->cpus, reterr);
}

static int attach(struct machine *m, struct problem **reterr)
{
	if (!m->params.attach)
		return 0;
	m->attached = true;
	return m->params.attach(m->params.arg, &m->services, reterr);
}

/* What firmware would have left behind. */
static int load(struct machine *m, struct problem **reterr)
{
	struct pci_window mem64 = space_mem64(
		guest_memory_end(m->services.memory), cpus_address_bits(m->services.kvm));
	const struct acpi_params acpi = {
		.cpus = m->params.cpus,
		.ecam = SPACE_ECAM,
		.mem32_start = SPACE_MEM32_START,
		.mem32_size = SPACE_ECAM - SPACE_MEM32_START,
		.mem64_start = mem64.start,
		.mem64_size = mem64.size,
		.hot_slots = pci_bus_hot_slots(m->services.pci, m->params.spare_slots),
	};
	struct boot_image_params boot = {
		.kernel_fd = m->params.kernel_fd,
		.initrd_fd = m->params.initrd_fd,
		.cmdline = m->params.cmdline,
		.ecam = SPACE_ECAM,
	};
	struct cpu_entry entry;
	uint64_t faults = pages_faults();
	int r = acpi_write(m->services.memory, &acpi, &boot.rsdp);

	if (r < 0)
		return problem(reterr, r, PROBLEM_USAGE, "give the guest more memory",
			"no place for the ACPI tables: %s", strerror(-r));
	r = boot_load(m->params.host, m->services.memory, &boot, &entry, reterr);
	m->receipt.memory.loaded_faults = pages_faults() - faults;
	return r < 0 ? r : cpus_set_entry(m->cpus, &entry, reterr);
}

/* The pool said that there are enough; a node, or a control group, says otherwise. */
static int blame_pages(const struct machine *m, int code, struct problem **reterr)
{
	if (m->params.huge_page)
		return problem(reterr, code, PROBLEM_NO_MEMORY,
			"reserve them on that node; see hugetlb.*.max of the control group",
			"not all of the guest's huge pages can be had here: %s", strerror(-code));
	return problem(reterr, code, PROBLEM_NO_MEMORY, "free memory on the host, or use less",
		"the guest's memory cannot be had: %s", strerror(-code));
}

static int wait_for_bank(struct machine *m, size_t bank, struct problem **reterr)
{
	enum { LOOK_UP_MS = 100 };
	int r = m->prefault ? -ETIMEDOUT : 0;

	while (r == -ETIMEDOUT) {
		struct prefault_receipt now;

		prefault_look(m->prefault, &now);
		if (m->params.waiting && m->params.waiting(m->params.arg, now.bytes))
			return problem(reterr, -ECANCELED, PROBLEM_FAILED, NULL,
				"stopped while the memory was populated");
		r = prefault_wait(m->prefault, bank, LOOK_UP_MS);
	}
	return r < 0 ? blame_pages(m, r, reterr) : 0;
}

/* Each bank is mapped for DMA as soon as it is there, while the next ones are still coming. */
static int finish_memory(struct machine *m, struct problem **reterr)
{
	struct memory_receipt *receipt = &m->receipt.memory;
	int r = 0;

	for (size_t i = 0; i < m->services.memory->n_banks && r >= 0; i++) {
		uint64_t start = clock_us(), there;

		r = wait_for_bank(m, i, reterr);
		there = clock_us();
		if (r >= 0 && m->params.map_bank)
			r = m->params.map_bank(m->params.arg, i, reterr);
		receipt->waited_us += there - start;
		receipt->map_us += clock_us() - there;
	}
	if (r < 0)
		return r;
	if (m->prefault) {
		receipt->populated = true;
		prefault_look(m->prefault, &receipt->prefault);
	}
	prefault_free(TAKE_PTR(m->prefault));
	return 0;
}

static int make_buses(struct machine *m, struct problem **reterr)
{
	int r = bus_new("pio", &m->services.pio);

	if (r == 0)
		r = bus_new("mmio", &m->services.mmio);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "buses") : 0;
}

static int make_vm(struct machine *m, struct problem **reterr)
{
	struct vmm_services *s = &m->services;
	int r = kvm_vm_new(s->host, m->params.kvm_fd, &s->kvm, reterr);

	return r < 0 ? r : irq_chip_new(s->kvm, &s->irq, reterr);
}

/* In the order in which the parts need each other; machine_free() goes backwards. */
static int build(struct machine *m, struct problem **reterr)
{
	static const struct {
		const char *name;
		int (*make)(struct machine *, struct problem **);
	} steps[MACHINE_STAGES] = {
		{ "vm", make_vm },
		{ "buses", make_buses },
		{ "memory", make_memory },
		{ "pci", make_pci },
		{ "platform", make_platform },
		{ "cpus", make_cpus },
		{ "devices", attach },
		{ "load", load },
		{ "populate", finish_memory },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++) {
		uint64_t start = clock_us();

		r = steps[i].make(m, reterr);
		m->receipt.stages[m->receipt.n_stages++] =
			(struct machine_stage) { steps[i].name, clock_us() - start };
	}
	return r;
}

/* What is typed goes to the serial port, unless the guest was given something better. */
static void connect_console(struct machine *m)
{
	const struct console_sink sink = {
		.room = serial_has_room, .receive = serial_gets, .arg = m->serial
	};

	if (m->params.console && !console_is_connected(m->params.console))
		console_connect(m->params.console, &sink);
}

int machine_new(const struct machine_params *p, struct machine **ret, struct problem **reterr)
{
	CLEANUP(machine_freep) struct machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "machine");
	m->params = *p;
	pthread_mutex_init(&m->lock, NULL);
	m->services.host = p->host;
	m->services.loop = p->loop;
	m->services.console = p->console;
	m->services.console_fd = p->console_fd;
	m->services.note = p->note;
	m->services.note_arg = p->arg;
	r = build(m, reterr);
	if (r < 0)
		return r;
	connect_console(m);
	*ret = TAKE_PTR(m);
	return 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	if (m->params.console)
		console_connect(m->params.console, NULL);
	cpus_free(m->cpus);
	pci_bus_free(m->services.pci);
	if (m->attached && m->params.detach)
		m->params.detach(m->params.arg);
	plug_free(m->services.plug);
	platform_free(m->platform);
	serial_free(m->serial);
	irq_chip_free(m->services.irq);
	kvm_vm_free(m->services.kvm);
	prefault_free(m->prefault);
	guest_memory_free(m->services.memory);
	bus_free(m->services.pio);
	bus_free(m->services.mmio);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int machine_run(struct machine *m, struct machine_end *ret, struct problem **reterr)
{
	int r = cpus_start(m->cpus, reterr);

	if (r < 0)
		return r;
	pages_forget_code();
	r = loop_run(m->params.loop);
	cpus_stop(m->cpus);
	pci_bus_stop(m->services.pci);
	if (r < 0)
		return problem(
			reterr, r, PROBLEM_FAILED, NULL, "the event loop failed: %s", strerror(-r));
	pthread_mutex_lock(&m->lock);
	*ret = m->end;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

const struct machine_receipt *machine_receipt(const struct machine *m)
{
	return &m->receipt;
}

const struct vmm_services *machine_services(const struct machine *m)
{
	return &m->services;
}

const struct cpus *machine_cpus(const struct machine *m)
{
	return m->cpus;
}
