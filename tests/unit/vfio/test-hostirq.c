/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/str.h"
#include "host/host.h"
#include "host/tree.h"
#include "vfio/hostirq.h"

#include <string.h>

static const char interrupts[] =
	"           CPU0       CPU1       \n"
	"  0:         17          0  IR-IO-APIC    2-edge      timer\n"
	" 16:          4          5  IR-IO-APIC   16-fasteoi   vfio-intx(0000:04:00.0)\n"
	" 44:        100         23  IR-PCI-MSIX-0000:03:00.1   1-edge      vfio-msix[1](0000:03:00.1)\n"
	" 45: 4294967296          1  IR-PCI-MSIX-0000:03:00.1   0-edge      vfio-msix[0](0000:03:00.1)\n"
	" 46:          7          0  IR-PCI-MSIX-0000:03:00.2   0-edge      vfio-msix[0](0000:03:00.2)\n"
	" 47:          0          9  PCI-MSI-65536   0-edge      vfio-msi[0](0000:04:00.0)\n"
	" 48:          0          9  PCI-MSI-65536   0-edge      vfio-msix[](0000:03:00.1)\n"
	" 49:          0          9  PCI-MSI-65536   0-edge      vfio-msix[2](0000:03:00.10)\n"
	" 50:          0          9  PCI-MSI-65536   0-edge      vfio-msix[3](0000:03:00.1\n"
	"NMI:          0          0   Non-maskable interrupts\n"
	"vfio-msix[4](0000:03:00.1)\n";

static struct host *machine(const char *text)
{
	struct tree *t = tree_new();
	struct host *h = NULL;

	assert_non_null(t);
	if (text)
		assert_int_equal(tree_put_file(t, "/proc/interrupts", text, strlen(text), 0444), 0);
	assert_int_equal(host_new_from_tree(t, &h, NULL), 0);
	return h;
}

static void vectors_are_found(void **state UNUSED)
{
	autohost *h = machine(interrupts);
	autofree struct vfio_host_irq *v = NULL, *other = NULL, *none = NULL;
	size_t n = 0;

	assert_int_equal(vfio_host_irqs(h, "0000:03:00.1", &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].kind, VFIO_HOST_MSIX);
	assert_int_equal(v[0].vector, 0);
	assert_true(v[0].count == 4294967297);
	assert_int_equal(v[1].vector, 1);
	assert_int_equal(v[1].count, 123);
	assert_int_equal(vfio_host_irqs(h, "0000:04:00.0", &other, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(vfio_host_irq_kind_name(other[0].kind), "intx");
	assert_int_equal(other[0].count, 9);
	assert_string_equal(vfio_host_irq_kind_name(other[1].kind), "msi");
	assert_int_equal(other[1].count, 9);
	assert_int_equal(vfio_host_irqs(h, "0000:05:00.0", &none, &n), 0);
	assert_int_equal(n, 0);
}

static void a_machine_may_not_tell(void **state UNUSED)
{
	autohost *h = machine(NULL);
	struct vfio_host_irq *v = NULL;
	size_t n;

	assert_int_equal(vfio_host_irqs(h, "0000:03:00.1", &v, &n), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_found),
		cmocka_unit_test(a_machine_may_not_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
