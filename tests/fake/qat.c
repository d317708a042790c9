// SPDX-License-Identifier: GPL-2.0-or-later
/* The "qat" attributes of Linux 6.12 (crypto/intel/qat, ABI/testing/sysfs-driver-qat). */
#include "kernel.h"

void fake_qat(struct host *h, const char *pf_bdf)
{
	struct kernel *k = kernel_of(h);
	autofree char *dir = device_dir(k, pf_bdf);

	NEED(dir);
	device_becomes(k, pf_bdf, "0x0b4000\n", "4941\n", "4xxx");
	k_put(k, 0644, "up\n", "/sys/%s/qat/state", dir);
	k_put(k, 0644, "sym;asym\n", "/sys/%s/qat/cfg_services", dir);
	k_put(k, 0644, "1\n", "/sys/%s/qat/pm_idle_enabled", dir);
	k_put(k, 0644, "off\n", "/sys/%s/qat/auto_reset", dir);
	k_put(k, 0444, "64\n", "/sys/%s/qat/num_rps", dir);
}

void fake_qat_busy(struct host *h, const char *pf_bdf, bool busy)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);

	NEED(pf);
	pf->qat_busy = busy;
}

/* Its list of combinations, in either order. */
static bool is_combination(const char *text)
{
	static const char *const all[] = { "sym", "asym", "dc", "dcc", "sym;asym", "asym;sym",
		"sym;dc", "dc;sym", "asym;dc", "dc;asym" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (str_eq(all[i], text))
			return true;
	return false;
}

static int write_state(struct kernel *k, const char *dir, const char *text)
{
	for (struct pf *pf = k->pfs; pf; pf = pf->next)
		if (pf->qat_busy && strstr(dir, pf->bdf))
			return -EBUSY;
	if (!str_eq(text, "up") && !str_eq(text, "down"))
		return -EINVAL;
	k_put(k, 0644, str_eq(text, "up") ? "up\n" : "down\n", "%s/state", dir);
	return 0;
}

int qat_write(struct kernel *k, const char *path, const char *text)
{
	const char *file = strrchr(path, '/') + 1;
	autofree char *dir = need_printf("%.*s", (int)(file - 1 - path), path);
	autofree char *value = need_printf("%s", text), *state = k_text(k, "%s/state", dir);
	bool on = false;

	str_trim(value);
	if (str_eq(file, "state"))
		return write_state(k, dir, value);
	if (str_eq(file, "cfg_services") ? !is_combination(value) : parse_bool(value, &on) < 0)
		return -EINVAL;
	if (!str_eq(file, "auto_reset") && str_eq(state, "up"))
		return -EINVAL; /* and "must be down" in the log */
	if (k->attributes_lie)
		return 0;
	if (str_eq(file, "auto_reset"))
		k_put(k, 0644, on ? "on\n" : "off\n", "%s", path);
	else
		k_put(k, 0644, value, "%s", path);
	return 0;
}
