/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include "space.h"
#include "vmm/boot/acpi.h"
#include "vmm/boot/bzimage.h"
#include "vmm/dev/console.h"
#include "vmm/dev/platform.h"
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

static int make_memory(struct machine *m, struct problem **reterr)
{
	const struct guest_memory_params p = {
		.size = m->params.memory_bytes,
		.huge_pages = m->params.huge_pages,
		.reserved = m->params.reserved,
		.n_reserved = m->params.n_reserved,
	};
	int r = guest_memory_new(m->params.host, &p, &m->services.memory, reterr);

	if (r < 0)
		return r;
	r = kvm_map_guest_memory(m->services.kvm, m->services.memory);
	return r >= 0 ? 0
		      : problem(reterr, r, PROBLEM_NO_KVM, NULL,
				"KVM refuses the guest's memory: %s", strerror(-r));
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
	int r = serial_new(&serial, &m->serial);

	if (r == 0)
		r = platform_new(&platform, &m->platform);
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
	};
	struct boot_image_params boot = {
		.kernel_fd = m->params.kernel_fd,
		.initrd_fd = m->params.initrd_fd,
		.cmdline = m->params.cmdline,
		.ecam = SPACE_ECAM,
	};
	struct cpu_entry entry;
	int r = acpi_write(m->services.memory, &acpi, &boot.rsdp);

	if (r < 0)
		return problem(reterr, r, PROBLEM_USAGE, "give the guest more memory",
			"no place for the ACPI tables: %s", strerror(-r));
	r = boot_load(m->params.host, m->services.memory, &boot, &entry, reterr);
	return r < 0 ? r : cpus_set_entry(m->cpus, &entry, reterr);
}

static int make_buses(struct machine *m, struct problem **reterr)
{
	int r = bus_new("pio", &m->services.pio);

	if (r == 0)
		r = bus_new("mmio", &m->services.mmio);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "buses") : 0;
}

/* In the order in which the parts need each other; machine_free() goes backwards. */
static int build(struct machine *m, struct problem **reterr)
{
	static int (*const steps[])(struct machine *, struct problem **) = {
		make_buses,
		make_memory,
		make_pci,
		make_platform,
		make_cpus,
		attach,
		load,
	};
	struct vmm_services *s = &m->services;
	int r = kvm_vm_new(s->host, m->params.kvm_fd, &s->kvm, reterr);

	if (r == 0)
		r = irq_chip_new(s->kvm, &s->irq, reterr);
	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
		r = steps[i](m, reterr);
	return r;
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
	m->services.note = p->note;
	m->services.note_arg = p->arg;
	r = build(m, reterr);
	if (r < 0)
		return r;
	if (p->console)
		console_connect(p->console, m->serial);
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
	platform_free(m->platform);
	serial_free(m->serial);
	irq_chip_free(m->services.irq);
	kvm_vm_free(m->services.kvm);
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

const struct vmm_services *machine_services(const struct machine *m)
{
	return &m->services;
}

const struct cpus *machine_cpus(const struct machine *m)
{
	return m->cpus;
}
