/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu.h"

#include "base/counter.h"

#include <stdio.h>
#include <string.h>

/* What KVM_INTERNAL_ERROR_EMULATION can carry (Documentation/virt/kvm/api.rst). */
enum { INSTRUCTION_BYTES_FLAG = 1 };

static uint64_t load(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

/* String instructions come as `count` accesses of `size` bytes each. */
static bool handle_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	struct bus *pio = v->cpus->params.pio;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			bus_write(pio, run->io.port, run->io.size, load(data, run->io.size));
		} else {
			uint64_t value;

			bus_read(pio, run->io.port, run->io.size, &value);
			memcpy(data, &value, run->io.size);
		}
	}
	return true;
}

static bool handle_mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	unsigned len = MIN(run->mmio.len, (uint32_t)sizeof(run->mmio.data));
	struct bus *mmio = v->cpus->params.mmio;
	uint64_t value;

	if (run->mmio.is_write) {
		bus_write(mmio, run->mmio.phys_addr, len, load(run->mmio.data, len));
	} else {
		bus_read(mmio, run->mmio.phys_addr, len, &value);
		memcpy(run->mmio.data, &value, len);
	}
	return true;
}

static void hex(char *to, size_t size, const uint8_t *bytes, unsigned n)
{
	size_t at = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < n && at + 4 <= size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%02x", i ? " " : "", bytes[i]);
}

uint64_t cpu_rip(struct vcpu *v)
{
	struct kvm_regs regs = { 0 };

	host_ioctl(v->cpus->params.vm->host, v->fd, KVM_GET_REGS, &regs);
	return regs.rip;
}

static bool internal_error(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	char what[200], bytes[64] = "";

	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION && run->internal.ndata >= 1 &&
		(run->emulation_failure.flags & INSTRUCTION_BYTES_FLAG))
		hex(bytes, sizeof(bytes), run->emulation_failure.insn_bytes,
			MIN(run->emulation_failure.insn_size,
				(uint8_t)sizeof(run->emulation_failure.insn_bytes)));
	snprintf(what, sizeof(what), "CPU %u: KVM internal error %u at rip 0x%llx%s%s", v->id,
		run->internal.suberror, (unsigned long long)cpu_rip(v),
		bytes[0] ? ", instruction " : "", bytes);
	cpu_event(v, CPU_INTERNAL_ERROR, what);
	return false;
}

static bool ended(struct vcpu *v, enum cpu_event event, const char *why)
{
	char what[160];

	snprintf(what, sizeof(what), "CPU %u: %s at rip 0x%llx", v->id, why,
		(unsigned long long)cpu_rip(v));
	cpu_event(v, event, what);
	return false;
}

static bool system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return ended(v, CPU_POWER_OFF, "shutdown");
	case KVM_SYSTEM_EVENT_RESET:
		return ended(v, CPU_RESET, "reset");
	default:
		return ended(v, CPU_TRIPLE_FAULT, "crash");
	}
}

static bool unknown(struct vcpu *v)
{
	char why[64];

	snprintf(why, sizeof(why), "exit %u of KVM, which is not known here,", v->run->exit_reason);
	return ended(v, CPU_INTERNAL_ERROR, why);
}

static bool failed_entry(struct vcpu *v)
{
	char why[80];

	snprintf(why, sizeof(why), "the CPU refuses the guest's state (0x%llx)",
		(unsigned long long)v->run->fail_entry.hardware_entry_failure_reason);
	return ended(v, CPU_INTERNAL_ERROR, why);
}

bool cpu_handle_exit(struct vcpu *v)
{
	uint32_t reason = v->run->exit_reason;

	COUNTED(atomic_fetch_add_explicit(
		&v->exits[MIN(reason, CPU_EXIT_REASONS - 1U)], 1, memory_order_relaxed));
	switch (reason) {
	case KVM_EXIT_IO:
		return handle_io(v);
	case KVM_EXIT_MMIO:
		return handle_mmio(v);
	case KVM_EXIT_INTR:
	case KVM_EXIT_HLT: /* not with the irqchip in the kernel, but harmless */
		return true;
	case KVM_EXIT_SHUTDOWN:
		return ended(v, CPU_TRIPLE_FAULT, "triple fault");
	case KVM_EXIT_SYSTEM_EVENT:
		return system_event(v);
	case KVM_EXIT_INTERNAL_ERROR:
		return internal_error(v);
	case KVM_EXIT_FAIL_ENTRY:
		return failed_entry(v);
	default:
		return unknown(v);
	}
}
