// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest in front of a virtio PCI function: the input is a list of accesses to its
 * registers, its configuration space and guest memory. The device works in this thread (no
 * ioeventfd), on an entropy source, which has no state beyond its queue.
 */
#include "vmm_virtio/fake-kvm.h"
#include "vmm/virtio/virtio.h"

#include <string.h>

struct PACKED step {
	uint8_t what;
	uint8_t len;
	uint16_t at;
	uint32_t value;
};

enum { RAM = 64 << 10, BAR_BYTES = 0x8000 };

static uint64_t bar(struct fake_kvm *k)
{
	return fk_read(k, fk_config(1, PCI_BASE_ADDRESS_0), 4) & ~15ULL;
}

static void take(struct fake_kvm *k, const struct step *s)
{
	unsigned len = 1U + s->len % 8;
	uint64_t wide = s->value | (uint64_t)s->value << 32;

	switch (s->what % 6) {
	case 0:
		fk_write(k, bar(k) + s->at % BAR_BYTES, len, wide);
		break;
	case 1:
		fk_read(k, bar(k) + s->at % BAR_BYTES, len);
		break;
	case 2:
		fk_write(k, fk_config(1, s->at % PCI_CONFIG_BYTES), len, wide);
		break;
	case 3:
		fk_read(k, fk_config(1, s->at % PCI_CONFIG_BYTES), len);
		break;
	case 4:
		guest_memory_write(k->s.memory, GPA(s->at), &s->value, 4);
		break;
	case 5: /* common configuration, where most of the state is */
		fk_write(k, bar(k) + s->at % 64, len, wide);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_options o = { "virtio-rng0", PCI_SLOT_ANY, true };
	struct fake_kvm *k = fk_open(RAM);

	if (virtio_rng_new(&k->s, &o, NULL) < 0)
		abort();
	fk_write(k, fk_config(1, PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (size_t at = 0; at + sizeof(struct step) <= size && at < 512 * sizeof(struct step);
		at += sizeof(struct step)) {
		struct step s;

		memcpy(&s, data + at, sizeof(s));
		take(k, &s);
	}
	if (pci_bus_check(k->s.pci, NULL, 0))
		abort();
	fk_close_all(k);
	return 0;
}
